"""Nearest neighbours: the class that most of the nearest samples have."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text
from dtml.measures import Array, EmbeddingQuality, Labels
from dtml.measures._arrays import Classes, Rows, as_domains, as_labelled, as_labels, blocks, squared_distances


class KNN(EmbeddingQuality):
    """How often the nearest other samples tell a sample's class."""

    name = "knn"
    title = Text("k-NN accuracy", "k 近邻准确率")
    summary = Text(
        "Each sample is classified by the majority of its nearest other samples; the share that is right.",
        "用每个样本最近的其他样本多数投票分类；给出正确的比例。",
    )
    formula = r"\tfrac1n\sum_i \bigl[\,y_i = \operatorname{mode}\{y_j : j \in N_k(i) \setminus i\}\,\bigr]"
    paper = Paper(
        "Cover, Hart", 1967, "Nearest neighbor pattern classification",
        "https://doi.org/10.1109/TIT.1967.1053964", "k_n-NN rule",
    )  # fmt: skip
    claims = frozenset({
        "permutation_invariant", "translation_invariant", "rotation_invariant", "non_negative", "bounded",
    })  # fmt: skip

    class Params(BaseParams):
        """The neighbourhood."""

        k: int = param(5, "Neighbours", "邻居数", ge=1, le=200)

    def __call__(self, embeddings: Array, labels: Labels, seed: int = 0) -> float:
        return leave_one_out_accuracy(*as_labelled(embeddings, labels, least=2), self.params.k)


def leave_one_out_accuracy(rows: Rows, labels: Classes, k: int) -> float:
    """Share of rows (n, d) whose label (n,) is that of most of their k nearest other rows (all, where fewer)."""
    return float(np.mean(_votes(labels[nearest(rows, rows, k, leave_out=True)]) == labels))


def nearest_neighbour_predictions(
    reference: ArrayLike, reference_labels: ArrayLike, queries: ArrayLike, k: int = 5
) -> NDArray[np.int64]:
    """The class (m,) of queries (m, d) that most of the k nearest of reference (n, d) have.

    A tie goes to that of the tied classes which has the nearest row. With the source's embeddings as
    reference and the target's as queries this is transfer without a classifier.
    """
    rows, asked = as_domains(reference, queries)
    return _votes(as_labels(reference_labels, len(rows))[nearest(rows, asked, k)])


def nearest(reference: Rows, queries: Rows, k: int, leave_out: bool = False) -> NDArray[np.int64]:
    """Indices (m, k) of the rows of reference (n, d) nearest to queries (m, d), the nearest first.

    Fewer than k where there are not as many. See `nearest_in_blocks`.
    """
    return np.concatenate([indices for _rows, indices in nearest_in_blocks(reference, queries, k, leave_out)])


def nearest_in_blocks(
    reference: Rows, queries: Rows, k: int, leave_out: bool = False
) -> Iterator[tuple[slice, NDArray[np.int64]]]:
    """The nearest rows by Euclidean distance for a slice of the queries at a time.

    Of rows equally near the one with the lower index comes first. With `leave_out` the queries are the
    reference, and no row is its own neighbour.
    """
    k = min(k, len(reference) - leave_out)
    for rows in blocks(len(queries), len(reference)):
        squared = squared_distances(queries[rows], reference)
        if leave_out:
            squared[np.arange(len(squared)), np.arange(rows.start, rows.stop)] = np.inf
        yield rows, _smallest(squared, k)


def _smallest(squared: Rows, k: int) -> NDArray[np.int64]:
    """Columns (b, k) of the k smallest entries of each row (b, n), in order; of equal ones the first."""
    last = np.partition(squared, k - 1, axis=1)[:, k - 1 : k]
    below, at = squared < last, squared == last
    wanted = k - below.sum(1, keepdims=True)
    chosen = below | (at & (np.cumsum(at, axis=1) <= wanted))
    columns = np.nonzero(chosen)[1].reshape(len(squared), k)
    order = np.argsort(np.take_along_axis(squared, columns, 1), axis=1, kind="stable")
    return np.take_along_axis(columns, order, 1)


def _votes(labels: Classes) -> NDArray[np.int64]:
    """The most frequent label (m,) of neighbours (m, k), the nearest first.

    The i-th neighbour has 1 + 2^−(i+1) votes: the halves never add up to a vote, and they put that of the
    tied classes ahead which has the nearest neighbour.
    """
    classes, codes = np.unique(labels, return_inverse=True)
    codes = codes.reshape(labels.shape)
    votes = np.zeros((len(labels), len(classes)))
    for rank in range(labels.shape[1]):
        votes[np.arange(len(labels)), codes[:, rank]] += 1 + 0.5 ** (rank + 1)
    return classes[votes.argmax(1)]
