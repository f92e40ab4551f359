"""What changed between two states: hand-worked counts, intervals, and the worker's measures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dtml import Experiment
from dtml.errors import Problem
from dtml.runs.changes import boundaries, changes, compare, flows, nearest_class, paired_interval, share, went
from dtml.runs.foreground import train_all
from dtml.runs.measuring import (
    ask_for_measures,
    compute_measures,
    measures_spec,
    read_measures,
    rescaled,
)
from dtml.runs.pictures import State, last_state
from dtml.runs.records import Run
from dtml.runs.store import Store
from dtml.runs.worker import measure_next
from tests.conftest import QUICK

SEEN = {
    "labels": np.array([0, 1, 2, 0, 0, 0, 1, 1, 2, -1]),
    "domains": np.array([0, 0, 0, 1, 1, 1, 1, 1, 1, 1]),
    "classes": np.array(["ant", "bee", "cat"]),
}


def state(predicted: list[int], places: list[float]) -> dict[str, NDArray[Any]]:
    """A state whose network says `predicted` of samples at `places` on a line."""
    return {"probabilities": np.eye(3)[predicted], "embeddings": np.array(places)[:, None]}


BEFORE = state([0, 1, 2, 0, 0, 1, 1, 2, 0, 1], [0, 10, 20, 1, 2, 9, 11, 12, 21, 0])
AFTER = state([0, 1, 1, 0, 1, 1, 1, 1, 2, 1], [0, 10, 20, 1, 9, 8, 11, 19, 18, 12])


def test_accuracies_before_and_after() -> None:
    found = compare(BEFORE, AFTER, SEEN)
    assert found.source is not None
    assert found.target is not None
    assert (found.source.before.value, found.source.after.value) == (1.0, pytest.approx(2 / 3))
    assert (found.target.before.value, found.target.after.value) == (0.5, pytest.approx(4 / 6))
    assert found.target.before.count == 6, "the sample without a label is left aside"
    assert found.target.difference == pytest.approx(1 / 6)


def test_classes_that_lost_come_first() -> None:
    found = compare(BEFORE, AFTER, SEEN)
    assert [(found.classes[label], round(change.difference, 3)) for label, change in found.by_class] == [
        ("ant", -0.333), ("bee", 0.5), ("cat", 1.0),
    ]  # fmt: skip
    assert found.by_class[2][1].verdict == "gained", "one sample of one: the bootstrap knows no other"
    assert found.by_class[0][1].verdict == "open", "one of three ants says little"
    assert found.lost == []


def test_a_class_that_lost_beyond_doubt_is_named() -> None:
    labels = np.repeat([0, 1, 0, 1], [1, 1, 40, 40])
    seen = {"labels": labels, "domains": np.repeat([0, 1], [2, 80]), "classes": np.array(["ant", "bee"])}
    before, after = labels.copy(), labels.copy()
    after[2:22] = 1
    arrays = [
        {"probabilities": np.eye(2)[guess], "embeddings": guess[:, None].astype(float)} for guess in (before, after)
    ]
    assert compare(arrays[0], arrays[1], seen).lost == ["ant"]


def test_confusion_counts_true_by_predicted() -> None:
    found = compare(BEFORE, AFTER, SEEN)
    assert found.confusion is not None
    assert found.confusion[0].tolist() == [[2, 1, 0], [0, 1, 1], [1, 0, 0]]
    assert found.confusion[1].tolist() == [[1, 2, 0], [0, 2, 0], [0, 0, 1]]


def test_where_each_target_class_went() -> None:
    before, after = went(compare(BEFORE, AFTER, SEEN))
    assert before.tolist() == [[2, 1, 0], [0, 2, 0], [0, 0, 1]]
    assert after.tolist() == [[1, 2, 0], [0, 1, 1], [0, 0, 1]]


def test_flows_tell_what_became_of_the_samples() -> None:
    found = compare(BEFORE, AFTER, SEEN)
    assert flows(found) == [
        (0, 0, "stayed", 1), (0, 1, "left", 1), (0, 1, "unknown", 1), (1, 1, "stayed", 1), (1, 1, "wrong", 1),
        (1, 2, "left", 1), (2, 2, "stayed", 1),
    ]  # fmt: skip
    assert flows(found, only=1) == [(1, 1, "stayed", 1), (1, 2, "left", 1)]


def test_a_target_without_labels_has_no_accuracy_but_moves() -> None:
    found = compare(BEFORE, AFTER, {**SEEN, "labels": np.where(SEEN["domains"] == 1, -1, SEEN["labels"])})
    assert (found.target, found.confusion, found.by_class) == (None, None, ())
    assert found.source is not None
    assert {how for _before, _after, how, _count in flows(found)} == {"unknown"}


def test_nearest_class_skips_classes_that_the_source_lacks() -> None:
    near = nearest_class(np.array([[0.0], [2.0], [10.0]]), np.array([1, 1, 4]), np.array([[5.4], [5.6]]))
    assert near.tolist() == [1, 4]


def test_wilson_s_interval_of_a_published_example() -> None:
    """81 of 263: 0.2553 to 0.3662 (Newcombe 1998, table I, method 3)."""
    found = share(81, 263)
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)
    assert (share(0, 5).low, share(5, 5).high) == (0.0, 1.0)


def test_the_paired_interval_is_that_of_the_pairs() -> None:
    """40 of 100 gained and 10 lost: 0.3 ± 1.96 · √(0.5 − 0.3²)/10, so about 0.174 to 0.426."""
    before, after = np.repeat([True, False, True], [10, 40, 50]), np.repeat([False, True, True], [10, 40, 50])
    low, high = paired_interval(before, after)
    assert (low, high) == pytest.approx((0.174, 0.426), abs=0.02)  # 2,000 draws of hundredths
    assert paired_interval(before, after) == (low, high), "the same seed, the same interval"


def test_measures_do_not_see_the_scale_of_an_embedding() -> None:
    rows = np.random.default_rng(0).normal(size=(30, 3))
    np.testing.assert_allclose(rescaled(rows), rescaled(rows / 7), rtol=1e-12)
    assert rescaled(np.ones((4, 2))).tolist() == np.ones((4, 2)).tolist()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Run, Run]]:
    """A twin and its adapted run."""
    patch = pytest.MonkeyPatch()
    patch.setenv("DTML_HOME", str(tmp_path_factory.mktemp("home")))
    experiment = Experiment(task={"name": "moons", "samples": 200}, alignment="dann", training=QUICK)
    runs = train_all(Store(), experiment, ["twin"], lambda _run, _event: None)
    yield runs["twin"], runs["adapted"]
    patch.undo()


def states(pair: tuple[Run, Run]) -> tuple[State, State]:
    return last_state(pair[0].id), last_state(pair[1].id)


def test_changes_of_two_runs_agree_with_their_snapshots(pair: tuple[Run, Run]) -> None:
    before, after = states(pair)
    found = changes(before, after)
    assert found.target is not None
    told = [values["target_accuracy"] for step, values in Store().metrics(after[0]) if "target_accuracy" in values]
    assert found.target.after.value == pytest.approx(told[-1])
    assert found.confusion is not None
    assert found.confusion[1].sum() == found.target.after.count == 80


def test_runs_on_other_samples_are_refused(pair: tuple[Run, Run]) -> None:
    other = Experiment(task={"name": "moons", "samples": 200}, training=QUICK, seed=1)
    run = train_all(Store(), other, [], lambda _run, _event: None)["twin"]
    with pytest.raises(Problem, match="look at different samples"):
        changes(last_state(run.id), states(pair)[1])


def test_the_worker_measures_what_is_asked_for_once(pair: tuple[Run, Run]) -> None:
    spec = {**measures_spec(list(states(pair)), ("coral", "mmd")), "repeats": 20}
    assert read_measures(spec) is None
    store = Store()
    while store.claim_job("projection"):
        pass  # the pictures that the runs asked for
    ask_for_measures(store, spec)
    assert measure_next(store)
    assert not measure_next(store)
    found = read_measures(spec)
    assert found is not None
    assert set(found) == {"coral", "mmd"}
    assert all(each.low <= each.value <= each.high for values in found.values() for each in values)
    compute_measures(spec)
    assert read_measures(spec) == found, "the same seed, the same numbers"


def test_measures_that_cannot_be_told_say_why(pair: tuple[Run, Run]) -> None:
    spec = {**measures_spec(list(states(pair)), ("coral",)), "samples": 3}
    compute_measures(spec)
    found = read_measures(spec)
    assert found is not None
    assert "needs at least 4 samples" in str(found["coral"][0].problem)


def test_the_boundary_of_every_snapshot_is_kept(pair: tuple[Run, Run]) -> None:
    found = boundaries(pair[1].id)
    assert list(found) == [0, 10, 20]
    assert found[20]["boundary"].shape[:2] == (len(found[20]["boundary_y"]), len(found[20]["boundary_x"]))
    assert not np.array_equal(found[0]["boundary"], found[20]["boundary"])
