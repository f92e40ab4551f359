"""Fewer samples that stand for all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def stratified(groups: NDArray[Any], limit: int, seed: int) -> NDArray[np.int64]:
    """Up to `limit` row numbers in order, by seed: of each group (equal rows of `groups`, (n, g)) the same share.

    Every group keeps a row where there are no more groups than `limit`.
    """
    count = len(groups)
    if count <= limit:
        return np.arange(count)
    _unique, group, sizes = np.unique(groups, axis=0, return_inverse=True, return_counts=True)
    group = group.reshape(-1)
    shuffled = np.random.default_rng(seed).permutation(count)
    by_group = shuffled[np.argsort(group[shuffled], kind="stable")]
    firsts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    place = (np.arange(count) - firsts) / sizes[group[by_group]]  # how far into its group a row comes
    return np.sort(by_group[np.argsort(place, kind="stable")[:limit]])
