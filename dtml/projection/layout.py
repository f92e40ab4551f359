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

from dtml.projection import Projection

Layout = Literal["aligned", "shared"]
Array = NDArray[np.float32]


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
            done.append(projection.fit(state, seed))
        else:
            done.append(rigid_fit(projection.fit(state, seed, start=done[-1]), onto=done[-1]))
    return done


def rigid_fit(points: Array, onto: Array) -> Array:
    """`points` (n, 2) turned, mirrored and moved, never stretched, to lie closest to `onto` (orthogonal Procrustes)."""
    centred, target = points - points.mean(0), onto - onto.mean(0)
    left, _values, right = np.linalg.svd(centred.T @ target)
    return (centred @ (left @ right) + onto.mean(0)).astype(np.float32)
