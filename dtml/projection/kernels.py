"""UMAP's graph and layout, by umap-learn's own inner loops, compiled so that the next process finds them on disk.

umap-learn compiles these loops anew in every process, and starts threads for two of them that abort the process
when two layouts run at once. Here the same loops are compiled without threads and cached below
`NUMBA_CACHE_DIR`. They are private names of umap-learn: where one is missing, importing this module raises
ImportError, and `dtml.projection.umap` uses umap-learn as a whole.
"""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from dtml.projection import Pace

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # umap-learn says that TensorFlow is missing
    import numba
    from umap.layouts import _optimize_layout_euclidean_single_epoch
    from umap.umap_ import compute_membership_strengths, find_ab_params, make_epochs_per_sample, smooth_knn_dist

Coordinates = NDArray[np.float32]

NEGATIVES = 10.0
"""Samples that each neighbour drawn is held against. With twice umap-learn's own 5, 150 epochs keep more neighbours
than its 500 with 5, in a fraction of the time."""

_f4 = numba.float32
try:
    _bandwidths = numba.njit(cache=True, locals=dict.fromkeys(("psum", "lo", "mid", "hi"), _f4))(
        smooth_knn_dist.py_func
    )
    _strengths = numba.njit(
        cache=True,
        locals={"knn_dists": _f4[:, ::1], "sigmas": _f4[::1], "rhos": _f4[::1], "val": _f4},
    )(compute_membership_strengths.py_func)
    _epoch = numba.njit(cache=True, fastmath=True)(_optimize_layout_euclidean_single_epoch)
except AttributeError as error:
    raise ImportError(f"umap-learn has changed inside: {error}") from error


def fuzzy_graph(indices: NDArray[np.int64], distances: NDArray[np.float32]) -> Any:
    """Sparse symmetric memberships (n, n) of neighbours (n, k), itself first: definition 9 and the union after it."""
    bandwidth, nearest = _bandwidths(distances, float(distances.shape[1]), 64, 1.0, 1.0)
    rows, columns, values, _none = _strengths(indices, distances, bandwidth, nearest, False, False)
    directed = scipy.sparse.coo_matrix((values, (rows, columns)), shape=(len(indices), len(indices))).tocsr()
    directed.eliminate_zeros()
    both = directed.multiply(directed.T)
    graph = (directed + directed.T - both).tocoo()
    graph.sum_duplicates()
    return graph


def optimise(graph: Any, start: Coordinates, min_dist: float, seed: int, pace: Pace) -> Coordinates:
    """The layout (n, 2) that stochastic gradient descent reaches from `start` (n, 2), which keeps its scale."""
    a, b = curve(min_dist)
    values = np.where(graph.data < graph.data.max() / pace.epochs, 0, graph.data)
    drawn = values > 0
    head, tail = graph.row[drawn], graph.col[drawn]
    every = make_epochs_per_sample(values[drawn], pace.epochs)
    every_negative = every / NEGATIVES
    next_one, next_negative = every.copy(), every_negative.copy()
    places = np.array(start, dtype=np.float32, order="C")
    random = np.random.RandomState(seed).randint(-(2**31) + 1, 2**31 - 1, 3).astype(np.int64)
    states = random + places[:, :1].astype(np.float64).view(np.int64)
    unused, nothing = np.zeros(1, dtype=np.float32), 0.0
    for epoch in range(pace.epochs):
        rate = pace.rate * (1 - max(epoch - 1, 0) / pace.epochs)
        _epoch(
            places, places, head, tail, len(places), every, a, b, states, 1.0, 2, True, rate,
            every_negative, next_negative, next_one, epoch,
            False, unused, unused, nothing, nothing, nothing, nothing, unused, unused, nothing,
        )  # fmt: skip
    return places


@cache
def curve(min_dist: float) -> tuple[np.float32, np.float32]:
    """The a, b with which 1 / (1 + a d^2b) is closest to a similarity that falls from `min_dist` on.

    In float32, as the coordinates are: the powers take a fifth less of the layout's time.
    """
    a, b = find_ab_params(1.0, min_dist)
    return np.float32(a), np.float32(b)
