"""Exact nearest neighbours that are the same bits on any number of threads.

A matrix product in float32 proposes a few candidates more than are asked for; their distances are computed
again in float64 from differences, rounded, and put in order, equal ones by index. Where rounding in the
product could have hidden a neighbour, as in a class that has collapsed to a spot, the row is looked through
again in float64.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import numpy as np
import torch
from numpy.typing import NDArray

Indices = NDArray[np.int64]
Distances = NDArray[np.float32]
Rows = NDArray[np.float64]

MORE = 5
"""Candidates beyond the neighbours that are asked for."""
DECIMALS = 5
"""Decimals that distances are rounded to, of embeddings about 1 to 10 in size."""
BLOCK = 1 << 24
"""Entries of a distance matrix that are held at once (64 MiB)."""
ERROR = 8 * float(np.finfo(np.float32).eps)
"""Error of a squared distance from a float32 product, relative to the largest squared norm."""
KEPT = 4
"""Results that are kept: a layout, the choice of its pace, and its quality ask for the same neighbours."""

_kept: OrderedDict[tuple[str, int], tuple[Indices, Distances]] = OrderedDict()


def nearest_neighbours(embeddings: NDArray[np.floating], k: int) -> tuple[Indices, Distances]:
    """Indices and Euclidean distances (n, k) of each row's nearest rows of embeddings (n, d), itself first.

    Exact up to the rounding of distances to `DECIMALS`; rows equally near come in the order of their index.

    Raises:
        ValueError: where k is not in [1, n].
    """
    if not 1 <= k <= len(embeddings):
        raise ValueError(f"k = {k} neighbours of {len(embeddings)} rows; ask for 1 to as many as there are rows")
    rows = np.ascontiguousarray(embeddings)
    key = (hashlib.sha1(rows.data, usedforsecurity=False).hexdigest() + str(rows.shape) + str(rows.dtype), k)
    if key not in _kept:
        _kept[key] = _search(rows.astype(np.float64), k)
    _kept.move_to_end(key)
    while len(_kept) > KEPT:
        _kept.popitem(last=False)
    indices, distances = _kept[key]
    return indices.copy(), distances.copy()


def _search(rows: Rows, k: int) -> tuple[Indices, Distances]:
    rows = rows - rows.mean(0)
    squares = np.square(rows).sum(1)
    decimals = DECIMALS - int(np.floor(np.log10(max(float(np.sqrt(squares.mean())), 1e-30))))
    count = len(rows)
    indices, distances = np.empty((count, k), np.int64), np.zeros((count, k))
    indices[:, 0] = np.arange(count)
    if k > 1:
        for block in _blocks(count, count):
            found, far, sure = _from_candidates(rows, squares, block, k - 1, decimals)
            for part in _blocks(int((~sure).sum()), 4 * count):
                again = np.flatnonzero(~sure)[part]
                found[again], far[again] = _from_all(rows, squares, again + block.start, k - 1, decimals)
            indices[block, 1:], distances[block, 1:] = found, far
    return indices, distances.astype(np.float32)


def _from_candidates(
    rows: Rows, squares: Rows, block: slice, k: int, decimals: int
) -> tuple[Indices, Rows, NDArray[np.bool_]]:
    """The k nearest other rows of a block's, and whether nothing nearer can have been missed (b,)."""
    near = min(k + MORE, len(rows) - 1)
    values = torch.from_numpy(rows.astype(np.float32))
    squared = torch.addmm(torch.from_numpy(squares.astype(np.float32)), values[block], values.T, alpha=-2.0)
    squared[torch.arange(len(squared)), torch.arange(block.start, block.stop)] = torch.inf
    last, candidates = (part.numpy() for part in squared.topk(near, dim=1, largest=False))
    found, far = _ordered(rows, block, np.sort(candidates, 1), k, decimals)
    beyond = last[:, -1] + squares[block] - ERROR * squares.max()  # nothing that was left out is nearer than this
    reach = np.square(far[:, -1] + 10.0**-decimals)
    return found, far, (reach < beyond) | (near == len(rows) - 1)


def _ordered(rows: Rows, block: slice | Indices, candidates: Indices, k: int, decimals: int) -> tuple[Indices, Rows]:
    """The k nearest of candidates (b, c), which are in the order of their index, by exact rounded distance."""
    own, far = rows[block], np.empty(candidates.shape)
    for part in _blocks(len(own), 64 * candidates.shape[1] * rows.shape[1]):
        difference = rows[candidates[part]] - own[part, None]
        far[part] = np.sqrt(np.einsum("bcd,bcd->bc", difference, difference))
    far = np.round(far, decimals)
    order = np.argsort(far, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(candidates, order, 1), np.take_along_axis(far, order, 1)


def _from_all(rows: Rows, squares: Rows, asked: Indices, k: int, decimals: int) -> tuple[Indices, Rows]:
    """The k nearest other rows of the rows asked for, from float64 distances to every row."""
    product = (torch.from_numpy(rows[asked]) @ torch.from_numpy(rows).T).numpy()
    far = np.round(np.sqrt(np.maximum(squares[asked, None] + squares - 2 * product, 0)), decimals)
    far[np.arange(len(asked)), asked] = np.inf
    last = np.partition(far, k - 1, axis=1)[:, k - 1 : k]
    below, at = far < last, far == last
    chosen = below | (at & (np.cumsum(at, axis=1) <= k - below.sum(1, keepdims=True)))
    return _ordered(rows, asked, np.nonzero(chosen)[1].reshape(len(asked), k), k, decimals)


def _blocks(rows: int, columns: int) -> list[slice]:
    """Slices of `rows` rows, each of which stays below `BLOCK` entries with all `columns`."""
    step = max(BLOCK // max(columns, 1), 1)
    return [slice(start, min(start + step, rows)) for start in range(0, rows, step)]
