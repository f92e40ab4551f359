"""Every measure of the catalogue proves itself."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from dtml import catalogue
from dtml.errors import Problem
from dtml.measures import Evidence
from tests.measures.claims import Case, call, draws, evidence, takes_probabilities, wrong_claims

MEASURES = list(catalogue.components("measure"))
FAMILIES = {
    "discrepancy": {
        "proxy_a_distance", "mmd", "mmd_linear", "coral", "sliced_wasserstein", "energy", "frechet",
    },
    "embedding": {"recall_at_k", "map_at_r", "nmi", "knn"},
    "prediction": {"accuracy", "calibration"},
    "transferability": {"leep", "nce", "logme", "h_score", "transrate", "gbc", "knn_baseline"},
    "validator": {
        "source_accuracy", "entropy", "infomax", "dev", "snd", "bnm", "rankme", "class_ami",
    },
}  # fmt: skip


def test_the_families_have_their_measures() -> None:
    for family, names in FAMILIES.items():
        assert names <= {name for name in MEASURES if catalogue.entry("measure", name)["family"] == family}


@pytest.mark.parametrize("name", MEASURES)
def test_measure_is_described_in_both_languages_and_names_its_source(name: str) -> None:
    entry = catalogue.entry("measure", name)
    assert all(entry["title"] + entry["summary"])
    assert any("\u4e00" <= letter <= "\u9fff" for letter in entry["summary"][1])
    assert entry["formula"]
    assert entry["paper"]["link"].startswith("https://")
    assert entry["paper"]["equation"]
    assert isinstance(entry["higher_is_better"], bool)


@pytest.mark.parametrize("name", MEASURES)
def test_claims_hold_and_what_holds_is_claimed(name: str) -> None:
    assert wrong_claims(catalogue.create("measure", name)) == set()


@pytest.mark.parametrize("name", MEASURES)
def test_measure_is_a_number_that_its_seed_decides(name: str) -> None:
    measure = catalogue.create("measure", name)
    for case in draws(measure):
        value = call(measure, case, seed=3)
        assert type(value) is float
        assert value == call(measure, case, seed=3)


@pytest.mark.parametrize("name", MEASURES)
def test_single_precision_is_enough(name: str) -> None:
    measure = catalogue.create("measure", name)
    if measure.family == "discrepancy":
        a, b = draws(measure)[2]
        single = a.astype(np.float32), b.astype(np.float32)
        assert measure(*single) == pytest.approx(measure(a, b), rel=1e-3, abs=1e-5)


def degenerate(measure: Any) -> Iterator[Case]:
    """Collapsed embeddings, zeros, one class, one sample, a column that never varies."""
    rng = np.random.default_rng(0)
    rows, labels, one = rng.normal(size=(6, 4)), np.array([0, 1, 2, 0, 1, 2]), np.zeros(6, dtype=int)
    if measure.family == "discrepancy":
        yield np.ones((6, 4)), np.ones((5, 4))
        yield np.full((6, 4), 9.89818242), np.full((5, 4), -1e3)
        yield np.zeros((6, 4)), rows
        yield rows[:1], rows[1:2]
        yield rows[:1], rows
        yield rows * [1, 0, 1, 1], rows[:3] * [1, 0, 1, 1]
        yield rows * 1e-60, rows * 1e60
    elif measure.family == "validator":
        full = evidence(rng)
        sure = np.eye(3)[np.zeros(15, dtype=int)]
        yield full.__class__(full.source_embeddings * 0, full.source_probabilities, full.source_labels,
                             full.target_embeddings * 0 + 7, sure), None  # fmt: skip
        yield (
            Evidence(np.zeros((2, 3)), np.eye(3)[:2], np.array([1, 1]), np.zeros((2, 3)), np.full((2, 3), 1 / 3)),
            None,
        )
        yield Evidence(np.ones((1, 3)), np.eye(3)[:1], np.array([0]), np.ones((1, 3)), np.eye(3)[:1]), None
        yield Evidence(rows[:, :3], np.ones((6, 1)), one, rows[:, :3] + 99, np.ones((6, 1))), None
    elif takes_probabilities(measure):
        yield np.eye(3)[labels], labels
        yield np.eye(3)[one], labels
        yield np.full((6, 3), 1 / 3), one
        yield np.ones((6, 1)), one
        yield np.eye(3)[:1], np.array([2])
    else:
        yield np.ones((6, 4)), labels
        yield np.zeros((6, 4)), labels
        yield rows, one
        yield rows[:1], np.array([0])
        yield rows, np.arange(6)
        yield np.eye(3)[labels], labels
        yield np.tile(rows[:2], (3, 1)), labels


@pytest.mark.parametrize("name", MEASURES)
def test_degenerate_inputs_give_a_number_or_a_problem(name: str) -> None:
    measure = catalogue.create("measure", name)
    for number, case in enumerate(degenerate(measure)):
        with contextlib.suppress(Problem):
            assert np.isfinite(call(measure, case)), number


@pytest.mark.parametrize("name", MEASURES)
def test_what_cannot_be_measured_is_told(name: str) -> None:
    measure = catalogue.create("measure", name)
    first, second = draws(measure)[0]
    if measure.family == "validator":
        return
    for wrong in (first[:0], first[:, 0], np.where(first == first[0, 0], np.nan, first), first[:, :0]):
        with pytest.raises(Problem):
            call(measure, (wrong, second))
    if measure.family == "discrepancy":
        with pytest.raises(Problem, match="5 and 4 dimensions"):
            measure(first, second[:, 1:])
    else:
        with pytest.raises(Problem, match="one label a sample"):
            call(measure, (first, second[1:]))
        with pytest.raises(Problem, match="without a label"):
            call(measure, (first, second - 1))
    if takes_probabilities(measure):
        with pytest.raises(Problem, match="softmax"):
            call(measure, (3 * first, second))
