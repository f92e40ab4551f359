"""What measures are called on, checked once and in float64, and distances in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dtml.errors import Problem
from dtml.language import mark

Rows = NDArray[np.float64]
Classes = NDArray[np.int64]

BLOCK = 1 << 22
"""Entries of a distance matrix that are held at once (32 MiB)."""
EXACT = 2 * 10**9
"""Up to so many multiplications distances are got from differences, beyond from a matrix product."""


def as_rows(array: ArrayLike, least: int = 1) -> Rows:
    """The array as finite float64 rows (n, d).

    Raises:
        Problem: where it has another shape, fewer than `least` rows, or numbers that are not finite.
    """
    rows = np.asarray(array, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] == 0:
        told = mark("A measure got an array of shape {shape}; give one row a sample and one column a dimension.")
        raise Problem(told, shape=rows.shape)
    if len(rows) < least:
        told = mark("This measure needs at least {least} samples, but got {count}; give more.")
        raise Problem(told, least=least, count=len(rows))
    if not np.isfinite(rows).all():
        raise Problem(mark("A measure got numbers that are not finite; look for where they come from."))
    return rows


def as_domains(source: ArrayLike, target: ArrayLike, least: int = 1) -> tuple[Rows, Rows]:
    """Rows of source (n, d) and target (m, d), at least `least` of each."""
    a, b = as_rows(source, least), as_rows(target, least)
    if a.shape[1] != b.shape[1]:
        told = mark("Source and target have {source} and {target} dimensions; give embeddings of one model.")
        raise Problem(told, source=a.shape[1], target=b.shape[1])
    return a, b


def as_labels(labels: ArrayLike, count: int) -> Classes:
    """Known labels (n,) of `count` samples.

    Raises:
        Problem: where there are more or fewer, or one of them is unknown (negative).
    """
    classes = np.asarray(labels).astype(np.int64)
    if classes.shape != (count,):
        told = mark("{count} samples have labels of shape {shape}; give one label a sample.")
        raise Problem(told, count=count, shape=classes.shape)
    if (classes < 0).any():
        raise Problem(mark("A measure got samples without a label (-1); give only those with one."))
    return classes


def as_labelled(array: ArrayLike, labels: ArrayLike, least: int = 1) -> tuple[Rows, Classes]:
    """Rows (n, d) and their labels (n,)."""
    rows = as_rows(array, least)
    return rows, as_labels(labels, len(rows))


def as_probabilities(array: ArrayLike) -> Rows:
    """Probabilities (n, c): no row negative, each of sum 1 up to 1 % (as bfloat16 gives them), then exactly 1."""
    rows = as_rows(array)
    sums = rows.sum(1, keepdims=True)
    if (rows < 0).any() or (np.abs(sums - 1) > 1e-2).any():
        raise Problem(mark("The rows are not probabilities, which are at least 0 and sum to 1; apply a softmax first."))
    return rows / sums


def as_predictions(array: ArrayLike, labels: ArrayLike) -> tuple[Rows, Classes]:
    """Probabilities (n, c) and the true classes (n,), each below c."""
    probabilities = as_probabilities(array)
    classes = as_labels(labels, len(probabilities))
    if classes.max() >= probabilities.shape[1]:
        told = mark(
            "There are probabilities for {classes} classes, but the label {label}; give a column to each class."
        )
        raise Problem(told, classes=probabilities.shape[1], label=classes.max())
    return probabilities, classes


def entropies(probabilities: Rows) -> Rows:
    """Entropy −Σ p log p in nats of each row (n, c); 0 log 0 counts as 0."""
    return -(probabilities * np.log(np.where(probabilities > 0, probabilities, 1))).sum(-1)


def squared_distances(a: Rows, b: Rows) -> Rows:
    """Squared Euclidean distances (n, m) between the rows of a (n, d) and b (m, d); ≥ 0.

    From differences, so that equal distances come out equal, as long as that is cheap; of large arrays
    from one matrix product about the centre of b.
    """
    if a.shape[0] * b.shape[0] * a.shape[1] <= EXACT:
        from scipy.spatial.distance import cdist

        return cdist(a, b, "sqeuclidean")
    centre = b.mean(0)
    a, b = a - centre, b - centre
    return np.maximum(np.square(a).sum(1)[:, None] + np.square(b).sum(1) - 2 * a @ b.T, 0)


def blocks(rows: int, columns: int) -> Iterator[slice]:
    """Slices of `rows` rows such that a block of them with all `columns` stays below `BLOCK` entries."""
    step = max(BLOCK // max(columns, 1), 1)
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))


def covariance_root(rows: Rows) -> Rows:
    """A matrix R (min(n, d), d) with RᵀR the unbiased covariance of rows (n, d); a single row has covariance 0."""
    centred = (rows - rows.mean(0)) / np.sqrt(max(len(rows) - 1, 1))
    return np.linalg.qr(centred).R


def nuclear_norm(matrix: NDArray[np.floating[Any]]) -> float:
    """Sum of the singular values."""
    return float(np.linalg.svd(matrix, compute_uv=False).sum())
