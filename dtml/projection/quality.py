"""How far pictures can be trusted: measured against the embeddings that they draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from dtml.measures._separation import out_of_fold
from dtml.projection.layout import FILM, NEIGHBOURS, overlap
from dtml.projection.neighbours import BLOCK, Indices, nearest_neighbours
from dtml.projection.sampling import stratified
from dtml.projection.trust import Quality

Array = NDArray[np.float32]
Refit = Callable[[Sequence[Array], int], list[Array]]

MOST = 6000
"""Samples that figures are measured on; of more, so many by domain and class."""
SEEDS = 2
"""Other seeds that stability is measured with."""
FAR = 3
"""A neighbour is far where it is not among so many times as many nearest."""


class Neighbourhoods(NamedTuple):
    """How a picture keeps neighbours: three numbers, and distrust (n,) of each sample; see `Quality`."""

    trustworthiness: float
    continuity: float
    recall: float
    distrust: NDArray[np.float64]


def measure(
    states: Sequence[Array],
    pictures: Sequence[Array],
    groups: NDArray[np.int64],
    seed: int,
    refit: Refit,
    report: Callable[[float], None] = lambda share: None,
) -> list[Quality]:
    """The quality of each state's picture (n, 2) of its embeddings (n, d).

    Args:
        groups: (n, 2) domain (0 source, 1 target) and class of each sample.
        refit: draws states with another seed.
    """
    drawn = np.flatnonzero(np.isfinite(pictures[0]).all(1))
    rows = drawn[stratified(groups[drawn], MOST, seed)]
    some, drawings = [state[rows] for state in states], [picture[rows] for picture in pictures]
    steady = _stabilities(some, drawings if len(rows) == len(drawn) else None, seed, refit, report)
    k = neighbourhood(len(rows))
    found, before = [], None
    for number, (state, picture) in enumerate(zip(some, drawings, strict=True)):
        report(0.6 + 0.4 * number / len(states))
        near, seen = (nearest_neighbours(each, k + 1)[0][:, 1:] for each in (state, picture))
        kept = neighbourhoods(state, picture)
        apart, apart_drawn, likely = separations(state, near, seen, groups[rows, 0], seed)
        found.append(
            Quality(
                *kept[:3],
                steady[number],
                apart,
                apart_drawn,
                len(rows),
                len(pictures[0]),
                _spread(kept.distrust, rows, len(pictures[0])),
                _spread(likely, rows, len(pictures[0])),
                _spread(overlap(before, near) if before is not None else np.nan, rows, len(pictures[0])),
            )
        )
        before = near
    return found


def neighbourhood(count: int) -> int:
    """Nearest others that are looked at: 15, or fewer where that would be a large part of all."""
    return max(1, min(NEIGHBOURS, (count - 1) // 3))


def neighbourhoods(embeddings: Array, picture: Array) -> Neighbourhoods:
    """Trustworthiness, continuity and recall of a picture (n, 2) of embeddings (n, d), n ≥ 2.

    Venna & Kaski 2001, "Neighborhood preservation in nonlinear projection methods", eqs. 1 and 2: one minus the
    scaled sum of how far beyond the k-th place false and missing neighbours are.
    """
    count, k = len(embeddings), neighbourhood(len(embeddings))
    near, drawn = (nearest_neighbours(each, k + 1)[0][:, 1:] for each in (embeddings, picture))
    false, missing = ranks(embeddings, drawn), ranks(picture, near)
    worst = count * k * (2 * count - 3 * k - 1) / 2
    trust, continuity = (1 - np.maximum(rank - k, 0).sum() / max(worst, 1) for rank in (false, missing))
    distrust = np.maximum((false > FAR * k).mean(1), (missing > FAR * k).mean(1))
    return Neighbourhoods(float(trust), float(continuity), float(overlap(near, drawn).mean()), distrust)


def ranks(rows: NDArray[np.floating], chosen: Indices) -> NDArray[np.int64]:
    """The places (n, k), 1 for the nearest, that chosen other rows (n, k) have among all by distance to each row."""
    values = torch.from_numpy(rows.astype(np.float64) - rows.mean(0, dtype=np.float64))
    squares = values.square().sum(1)
    places = np.empty(chosen.shape, np.int64)
    step = max(BLOCK // len(rows) // 4, 1)
    for start in range(0, len(rows), step):
        block = slice(start, start + step)
        far = torch.addmm(squares, values[block], values.T, alpha=-2.0)
        asked = torch.from_numpy(chosen[block])
        far[torch.arange(len(far)), torch.arange(start, start + len(far))] = torch.inf
        own = far.gather(1, asked)
        for column in range(chosen.shape[1]):
            places[block, column] = 1 + (far < own[:, column : column + 1]).sum(1).numpy()
    return places


def alikeness(one: Array, other: Array) -> float:
    """How alike two pictures (n, 2) are when one is moved, turned, mirrored and scaled onto the other, in [0, 1].

    The correlation in Procrustes rotation, √(1 − m²) with the residual m² of Gower 1975; Peres-Neto & Jackson
    2001, "How well do multivariate data sets match?".
    """
    a, b = (part.astype(np.float64) - part.mean(0, dtype=np.float64) for part in (one, other))
    size = np.linalg.norm(a) * np.linalg.norm(b)
    return float(min(np.linalg.svd(a.T @ b, compute_uv=False).sum() / size, 1.0)) if size else 1.0


def separations(
    embeddings: Array, near: Indices, drawn: Indices, domains: NDArray[np.int64], seed: int
) -> tuple[float | None, float | None, NDArray[np.float64]]:
    """How far the domains (n,) can be told apart in the embeddings (n, d) and in the picture; see `Quality`.

    Args:
        near, drawn: nearest others (n, k) in the embedding space and in the picture.

    Returns:
        Balanced accuracies, and the out-of-fold probability (n,) of the target; None and NaN with one domain.
    """
    target = domains == 1
    likely = np.full(len(embeddings), np.nan)
    if min(target.sum(), (~target).sum()) < 2:
        return None, None, likely
    rows = embeddings.astype(np.float64)
    likely[~target], likely[target] = out_of_fold(rows[~target], rows[target], 5, seed)
    linear = ((likely[target] > 0.5).mean() + (likely[~target] <= 0.5).mean()) / 2
    return max(float(linear), told_by_neighbours(near, target)), told_by_neighbours(drawn, target), likely


def told_by_neighbours(near: Indices, target: NDArray[np.bool_]) -> float:
    """Balanced accuracy of taking a sample for one of the target (n,) where more of its nearest others (n, k) are
    than of all others; a tie is half right."""
    share, usual = target[near].mean(1), (target.sum() - target) / (len(target) - 1)
    right = np.where(target, share > usual, share < usual) + 0.5 * np.isclose(share, usual)
    return float((right[target].mean() + right[~target].mean()) / 2)


def _stabilities(
    states: Sequence[Array],
    pictures: Sequence[Array] | None,
    seed: int,
    refit: Refit,
    report: Callable[[float], None],
) -> list[float] | list[None]:
    if len(states) >= FILM:
        return [None] * len(states)
    pictures = refit(states, seed) if pictures is None else pictures
    found = []
    for other in range(SEEDS):
        report(0.6 * other / SEEDS)
        again = refit(states, seed + 1 + other)
        found.append([alikeness(one, two) for one, two in zip(pictures, again, strict=True)])
    return [float(value) for value in np.mean(found, axis=0)]


def _spread(values: NDArray[np.float64] | float, rows: Indices, count: int) -> Array:
    """Values of some rows among those of all, NaN elsewhere."""
    spread = np.full(count, np.nan, dtype=np.float32)
    spread[rows] = values
    return spread
