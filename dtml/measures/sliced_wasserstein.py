"""Sliced Wasserstein distance: optimal transport along many directions."""

from __future__ import annotations

from typing import Literal

import numpy as np

from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text
from dtml.measures import Array, Discrepancy
from dtml.measures._arrays import Rows, as_domains


class SlicedWasserstein(Discrepancy):
    """The mean cost of the best transport between the domains' shadows on random lines."""

    name = "sliced_wasserstein"
    title = Text("Sliced Wasserstein distance", "切片 Wasserstein 距离")
    summary = Text(
        "Projects both domains on random lines, moves one onto the other along each at the least cost, and gives the "
        "mean cost: mean |distance| (order 1) or mean distance² (order 2).",
        "将两个域投影到随机直线上，沿每条直线以最小代价移动到一起，取平均代价："
        "|距离| 的均值（1 阶）或距离² 的均值（2 阶）。",
    )
    formula = r"\mathrm{SW}_p^p = \mathbb E_\theta\, W_p^p(\theta^\top x_s,\, \theta^\top x_t)"
    paper = Paper(
        "Bonneel, Rabin, Peyré, Pfister", 2015, "Sliced and Radon Wasserstein Barycenters of Measures",
        "https://doi.org/10.1007/s10851-014-0506-3", "SW_p",
    )  # fmt: skip
    claims = frozenset({
        "zero_on_equal_domains", "symmetric", "permutation_invariant", "translation_invariant", "non_negative",
    })  # fmt: skip

    class Params(BaseParams):
        """Cost and directions."""

        order: Literal[1, 2] = param(2, "Order p (1: distance, 2: squared distance)", "阶数 p（1：距离，2：距离平方）")
        directions: int = param(256, "Random directions", "随机方向数", ge=1, le=10_000)

    def __call__(self, source: Array, target: Array, seed: int = 0) -> float:
        a, b = as_domains(source, target)
        lines = directions(a.shape[1], self.params.directions, np.random.default_rng(seed))
        return sliced_wasserstein(a, b, lines, self.params.order)


def directions(dimensions: int, count: int, rng: np.random.Generator) -> Rows:
    """About `count` random unit vectors (l, d) in frames of d that stand at right angles to each other.

    Whole frames, rounded up, where `count` reaches d: then Σ(θᵀδ)² over a frame is ‖δ‖² exactly, so that a
    translation is measured without random error. On a line there is one direction.
    """
    frames = 1 if dimensions == 1 else -(-count // dimensions)
    drawn = [np.linalg.qr(rng.normal(size=(dimensions, dimensions))) for _frame in range(frames)]
    turned = np.concatenate([(q * np.where(np.diag(r) < 0, -1, 1)).T for q, r in drawn])
    return turned if count >= dimensions else turned[:count]


def sliced_wasserstein(source: Rows, target: Rows, lines: Rows, order: int) -> float:
    """Mean over the directions `lines` (l, d) of W_p^p between the shadows of source (n, d) and target (m, d).

    On a line the best transport joins equal quantiles. The quantile functions are steps at i/n and j/m, so
    the cost is a sum over the pieces between those steps, exact also for unequal sizes. The steps are
    counted in units of 1/(nm), in whole numbers.
    """
    n, m = len(source), len(target)
    steps = np.unique(np.concatenate([np.arange(n + 1) * m, np.arange(m + 1) * n]))
    starts, widths = steps[:-1], np.diff(steps) / (n * m)
    total = 0.0
    for part in np.array_split(lines, max(len(lines) // 64, 1)):
        a, b = np.sort(source @ part.T, axis=0), np.sort(target @ part.T, axis=0)
        moved = np.abs(a[starts // m] - b[starts // n])
        total += float(widths @ (moved**order).sum(1))
    return total / len(lines)
