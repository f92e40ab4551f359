"""Several states of the same samples in pictures that can be compared.

"aligned": each state is laid out on its own neighbours, started from the layout before it and then moved
rigidly onto it. "shared": all states in one joint fit. A joint fit leaks: it draws the state before
adaptation as if it were adapted already, so it is offered as a labelled choice only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dtml.projection import FULL, Pace, Projection

Layout = Literal["aligned", "shared"]
Array = NDArray[np.float32]

FILM = 4
"""States from which on they are frames of a film: each is near the one before, and starts from it in fewer epochs."""
FIRST = Pace(100, 1.0)
"""The first frame of a film: the frames after it go on from there."""
CHANGED = Pace(50, 1.0)
"""A frame whose neighbours are others than in the frame before."""
QUIET = Pace(25, 0.25)
"""A frame that has hardly changed: at full rate it would jitter."""
KEPT = 0.6
"""Mean share of neighbours kept since the last frame below which a frame has changed; at a quiet pace it would lag."""
NEIGHBOURS = 15


def lay_out(
    states: Sequence[Array],
    projection: Projection,
    layout: Layout,
    seed: int,
    report: Callable[[float], None] = lambda share: None,
) -> list[Array]:
    """Coordinates (n, 2) of each state (n, d); the rows of all states are the same samples."""
    if layout == "shared":
        joint = projection.fit(np.concatenate(list(states)), seed)
        return [part.astype(np.float32) for part in np.split(joint, len(states))]
    done: list[Array] = []
    for number, state in enumerate(states):
        report(number / len(states))
        if not done:
            done.append(projection.fit(state, seed, pace=FULL if len(states) < FILM else FIRST))
        else:
            pace = _pace(states, number) if projection.follows else FULL
            done.append(rigid_fit(projection.fit(state, seed, start=done[-1], pace=pace), onto=done[-1]))
    return done


def _pace(states: Sequence[Array], number: int) -> Pace:
    """How far state `number` may move from the one before."""
    if len(states) < FILM:
        return FULL
    kept = neighbours_kept(states[number - 1], states[number], NEIGHBOURS - 1)  # itself counts: the search UMAP made
    return CHANGED if kept.mean() < KEPT else QUIET


def neighbours_kept(before: Array, after: Array, k: int = NEIGHBOURS) -> NDArray[np.float64]:
    """Share (n,) of each sample's k nearest others before (n, d) that are among its k nearest after (n, e)."""
    from dtml.projection.neighbours import nearest_neighbours

    k = min(k, len(before) - 1)
    if k < 1:
        return np.ones(len(before))
    old, new = (nearest_neighbours(rows, k + 1)[0][:, 1:] for rows in (before, after))
    return overlap(old, new)


def overlap(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share (n,) of each row's entries (n, k), all different, that are in the same row of the other (n, m)."""
    both = np.sort(np.concatenate([one, other], axis=1), axis=1)
    return (both[:, 1:] == both[:, :-1]).sum(1) / one.shape[1]


def rigid_fit(points: Array, onto: Array) -> Array:
    """`points` (n, 2) turned, mirrored and moved, never stretched, to lie closest to `onto` (orthogonal Procrustes)."""
    centred, target = (part - part.mean(0) for part in (points.astype(np.float64), onto.astype(np.float64)))
    products = np.einsum("ni,nj->ij", centred, target)  # a matrix product would sum in an order of its threads
    left, _values, right = np.linalg.svd(products)
    return (centred @ (left @ right) + onto.mean(0, dtype=np.float64)).astype(np.float32)
