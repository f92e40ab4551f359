"""A discrepancy class by class, and how sure it is."""

from __future__ import annotations

import numpy as np
import pytest

from dtml import catalogue
from dtml.errors import Problem
from dtml.measures.by_class import class_conditional
from dtml.measures.interval import bootstrap

LINEAR = catalogue.create("measure", "mmd_linear")


def test_classes_one_by_one_and_their_mean() -> None:
    source, of_source = [[0.0], [2.0], [5.0], [9.0]], [0, 0, 1, 2]
    target, of_target = [[2.0], [8.0], [7.0], [3.0]], [0, 1, -1, 4]
    found = class_conditional(LINEAR, source, of_source, target, of_target)
    assert found.classes == {0: 1.0, 1: 9.0}
    assert found.mean == 5.0
    assert found.left_out == {}


def test_swapped_classes_are_seen_only_class_by_class() -> None:
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(100, 2)), np.arange(100) % 2
    rows[:, 0] += 10 * labels
    assert LINEAR(rows, rows) == 0
    assert class_conditional(LINEAR, rows, labels, rows, 1 - labels).mean > 50


def test_a_class_for_which_a_measure_is_undefined_is_named() -> None:
    rows, labels = np.arange(14.0).reshape(7, 2), [0, 0, 0, 1, 1, 1, 2]
    found = class_conditional(catalogue.create("measure", "proxy_a_distance"), rows, labels, rows, labels)
    assert set(found.classes) == {0, 1}
    assert "at least 2 samples" in str(found.left_out[2])
    with pytest.raises(Problem, match="at least 2"):
        class_conditional(catalogue.create("measure", "proxy_a_distance"), rows[6:], labels[6:], rows, labels)


def test_no_class_in_common() -> None:
    with pytest.raises(Problem, match="no class in common"):
        class_conditional(LINEAR, [[0.0]], [-1], [[0.0]], [-1])


@pytest.mark.parametrize("name", ["mmd", "energy", "mmd_linear"])
@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_intervals_hold_the_value_between_the_distributions(name: str, shift: float) -> None:
    """Of 60 intervals at 95 %, at least 51 hold the truth (fewer than one test in 10⁴ fails by chance)."""
    rng = np.random.default_rng(0)
    measure = catalogue.create("measure", name, **({"bandwidth": 1.0} if name == "mmd" else {}))
    truth = 0.0
    if shift:
        large = rng.normal(size=(2, 2500, 2))
        truth = shift**2 if name == "mmd_linear" else measure(large[0], large[1] + [shift, 0])
    held = 0
    for draw in range(60):
        a, b = rng.normal(size=(40, 2)), rng.normal(size=(30, 2)) + [shift, 0]
        found = bootstrap(measure, a, b, repeats=100, seed=draw)
        held += found.low <= truth <= found.high
    assert held >= 51


def test_the_bias_of_a_biased_estimate_is_told_and_taken_off() -> None:
    """Linear MMD of two samples of one distribution: tr(C)(1/n + 1/m) on average, d = 10, n = m = 50."""
    rng = np.random.default_rng(0)
    found = [bootstrap(LINEAR, *rng.normal(size=(2, 50, 10)), repeats=100, seed=draw) for draw in range(20)]
    assert np.mean([each.bias for each in found]) == pytest.approx(0.4, rel=0.1)
    assert np.mean([each.estimate for each in found]) == pytest.approx(0.4, rel=0.2)
    assert sum(each.low == 0 for each in found) >= 17


def test_interval_repeats_itself_and_stays_within_the_limits() -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 30, 3))
    measure = catalogue.create("measure", "proxy_a_distance")
    found = bootstrap(measure, a, b + 9, repeats=20)
    assert found == bootstrap(measure, a, b + 9, repeats=20)
    assert (found.estimate, found.low, found.high) == (2, 2, 2)


def test_interval_needs_four_samples_a_domain() -> None:
    with pytest.raises(Problem, match="at least 4 samples, but got 3"):
        bootstrap(LINEAR, np.zeros((3, 1)), np.zeros((9, 1)))


def test_a_score_s_interval_is_that_of_half_of_the_labelled_samples() -> None:
    """NCE of a predicted class that tells the label in all but a tenth of the cases: about −(.9 log .9 + .1 log .1)."""
    from dtml.measures.interval import bootstrap_score

    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 400)
    predicted = np.where(rng.random(400) < 0.1, 1 - labels, labels)
    score = catalogue.create("measure", "nce")
    found = bootstrap_score(score, np.eye(2)[predicted], labels, repeats=50)
    assert found == bootstrap_score(score, np.eye(2)[predicted], labels, repeats=50)
    assert found.estimate == score(np.eye(2)[predicted], labels)
    assert found.low < -0.325 < found.high <= 0
    perfect = bootstrap_score(score, np.eye(2)[labels], labels, repeats=20)
    assert (perfect.low, perfect.high) == (0, 0), "cut at its limit"
    with pytest.raises(Problem, match="at least 4 samples, but got 3"):
        bootstrap_score(score, np.eye(2)[labels[:3]], labels[:3])
