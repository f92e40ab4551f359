"""Embedding quality, against pytorch-metric-learning, and the predictions that transfer samples."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from pytorch_metric_learning.utils.inference import CustomKNN
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid

from dtml import catalogue
from dtml.errors import Problem
from dtml.measures import _arrays
from dtml.measures._clusters import k_means
from dtml.measures.knn import nearest, nearest_neighbour_predictions
from dtml.measures.prototypes import prototype_predictions


def labelled(seed: int, count: int = 80, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Overlapping classes of unequal size; the last sample is alone in its class."""
    rng = np.random.default_rng(seed)
    labels = np.minimum(rng.integers(classes + 2, size=count), classes - 1)
    labels[-1] = classes + 5
    return rng.normal(size=(count, 6)) + 0.8 * np.eye(6)[labels % 6], labels


@pytest.mark.parametrize("seed", range(4))
def test_retrieval_is_that_of_pytorch_metric_learning(seed: int) -> None:
    rows, labels = labelled(seed)
    calculator = AccuracyCalculator(
        include=("precision_at_1", "mean_average_precision_at_r", "NMI"),
        k="max_bin_count",
        device=torch.device("cpu"),
        knn_func=CustomKNN(LpDistance(normalize_embeddings=False)),
        kmeans_func=lambda given, clusters: torch.from_numpy(k_means(given.numpy(), clusters, 0)),
    )
    theirs = calculator.get_accuracy(torch.from_numpy(rows), torch.from_numpy(labels))
    ours = {name: catalogue.create("measure", name)(rows, labels) for name in ("recall_at_k", "map_at_r", "nmi")}
    assert ours["recall_at_k"] == pytest.approx(theirs["precision_at_1"])
    assert ours["map_at_r"] == pytest.approx(theirs["mean_average_precision_at_r"])
    assert ours["nmi"] == pytest.approx(theirs["NMI"])


def test_retrieval_worked_by_hand() -> None:
    """On a line at 0 1 3 3.5 7 with classes a a b a b.

    First neighbours: 1 0 3.5 3 3.5, so 0 and 1 find a and the rest nothing: recall 2/5. a has R = 2, b R = 1:
    at 0 neighbours 1, 3: P(1)/2 = ½; at 1: 0, 3: ½; at 3.5: 3, 1: (½)/2 = ¼; b: 0, 0. MAP@R = 1.25/5.
    With two answers 3.5 finds 1 and 7 finds 3 (after 3.5), and 3 still nothing: recall 4/5.
    """
    rows, labels = np.array([[0.0], [1.0], [3.0], [3.5], [7.0]]), np.array([0, 0, 1, 0, 1])
    assert catalogue.create("measure", "recall_at_k")(rows, labels) == pytest.approx(0.4)
    assert catalogue.create("measure", "recall_at_k", k=2)(rows, labels) == pytest.approx(0.8)
    assert catalogue.create("measure", "map_at_r")(rows, labels) == pytest.approx(0.25)
    assert catalogue.create("measure", "knn", k=1)(rows, labels) == pytest.approx(0.4)


def test_nothing_to_retrieve_is_told() -> None:
    for name in ("recall_at_k", "map_at_r"):
        with pytest.raises(Problem, match="nothing to retrieve"):
            catalogue.create("measure", name)(np.eye(3), np.arange(3))


@pytest.mark.parametrize("name", ["recall_at_k", "map_at_r", "nmi", "knn"])
def test_separate_classes_are_perfect(name: str) -> None:
    labels = np.repeat(np.arange(3), 8)
    rows = 100 * np.eye(3)[labels] + np.random.default_rng(0).normal(size=(24, 3))
    assert catalogue.create("measure", name)(rows, labels) == pytest.approx(1)


@pytest.mark.parametrize("k", [1, 3, 200])
def test_leave_one_out_is_that_of_scikit_learn(k: int) -> None:
    rows, labels = labelled(1, count=40)
    right = [
        KNeighborsClassifier(min(k, 39)).fit(np.delete(rows, i, 0), np.delete(labels, i)).predict(rows[i : i + 1])[0]
        == labels[i]
        for i in range(40)
    ]
    # Only a tie is settled otherwise: at k = 1 and k = 39 there is none, at k = 3 it needs three classes.
    expected = np.mean(right)
    value = catalogue.create("measure", "knn", k=k)(rows, labels)
    assert value == pytest.approx(expected, abs=0.1 if k == 3 else 1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 12), st.booleans())
def test_nearest_is_a_stable_sort_also_with_ties(seed: int, k: int, leave_out: bool) -> None:
    rng = np.random.default_rng(seed)
    reference = rng.integers(0, 3, size=(12, 2)).astype(float)
    queries = reference if leave_out else rng.integers(0, 3, size=(7, 2)).astype(float)
    squared = np.square(queries[:, None] - reference).sum(2)
    if leave_out:
        np.fill_diagonal(squared, np.inf)
    expected = np.argsort(squared, axis=1, kind="stable")[:, : min(k, 12 - leave_out)]
    assert np.array_equal(nearest(reference, queries, k, leave_out), expected)


def test_nearest_in_blocks_and_by_the_matrix_product(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 50, 8))
    whole, own = nearest(a, b, 5), nearest(a, a, 5, leave_out=True)
    monkeypatch.setattr(_arrays, "BLOCK", 120)
    monkeypatch.setattr(_arrays, "EXACT", 0)
    assert np.array_equal(nearest(a, b, 5), whole)
    assert np.array_equal(nearest(a, a, 5, leave_out=True), own)


def test_a_tied_vote_goes_to_the_class_with_the_nearest_sample() -> None:
    """Neighbours of 0 in order: 7 at 1, 3 at 2, 3 at 4, 7 at 5; then 3 at 6 decides."""
    reference, labels = [[1.0], [-2.0], [4.0], [-5.0], [6.0]], [7, 3, 3, 7, 3]
    for k, expected in ((1, 7), (2, 7), (3, 3), (4, 7), (5, 3), (50, 3)):
        assert nearest_neighbour_predictions(reference, labels, [[0.0]], k).tolist() == [expected]


def test_prototypes_are_the_nearest_means() -> None:
    rows, labels = labelled(2)
    queries = np.random.default_rng(5).normal(size=(30, 6))
    assert np.array_equal(
        prototype_predictions(rows, labels, queries), NearestCentroid().fit(rows, labels).predict(queries)
    )
    assert prototype_predictions([[0.0], [2.0], [9.0]], [4, 4, 1], [[4.9], [5.1], [5.0]]).tolist() == [4, 1, 1]


def test_sample_transfer_fails_where_the_domains_are_apart() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    source = np.stack([4.0 * labels, np.zeros(60)], 1) + 0.3 * rng.normal(size=(60, 2))
    for predict in (nearest_neighbour_predictions, prototype_predictions):
        assert (predict(source, labels, source + [0.5, 0]) == labels).mean() == 1
        assert (predict(source, labels, source + [4.0, 0]) == labels).mean() == 0.5


def test_predictions_need_labels_and_one_space() -> None:
    for predict in (nearest_neighbour_predictions, prototype_predictions):
        with pytest.raises(Problem, match="2 and 3 dimensions"):
            predict(np.zeros((2, 2)), [0, 1], np.zeros((2, 3)))
        with pytest.raises(Problem, match="without a label"):
            predict(np.zeros((2, 2)), [0, -1], np.zeros((2, 2)))


def test_nmi_of_collapsed_embeddings_is_0() -> None:
    assert catalogue.create("measure", "nmi")(np.ones((6, 2)), np.arange(6) % 2) == 0
