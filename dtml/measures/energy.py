"""Energy distance: from the mean distances within and across the domains."""

from __future__ import annotations

import numpy as np

from dtml.catalogue import Paper
from dtml.language import Text
from dtml.measures import Array, Discrepancy
from dtml.measures._arrays import Rows, as_domains, blocks, squared_distances


class Energy(Discrepancy):
    """The squared energy distance: 0 only where the distributions are the same, without a width to choose."""

    name = "energy"
    title = Text("Energy distance", "能量距离")
    summary = Text(
        "How much farther samples lie from those of the other domain than from those of their own; any difference "
        "between the distributions counts, and there is no kernel width to choose.",
        "样本到另一域样本的距离比到本域样本的距离大多少；分布之间的任何差异都会计入，且无需选择核宽度。",
    )
    formula = (
        r"2\,\mathbb E\|x_s - x_t\| - \mathbb E\|x_s - x_s'\| - \mathbb E\|x_t - x_t'\|"
    )  # fmt: skip
    paper = Paper(
        "Székely, Rizzo", 2013, "Energy statistics: A class of statistics based on distances",
        "https://doi.org/10.1016/j.jspi.2013.03.018", "E(X, Y)",
    )  # fmt: skip
    claims = frozenset({
        "zero_on_equal_domains", "symmetric", "permutation_invariant", "translation_invariant", "rotation_invariant",
        "non_negative",
    })  # fmt: skip

    def __call__(self, source: Array, target: Array, seed: int = 0) -> float:
        return energy(*as_domains(source, target))


def energy(source: Rows, target: Rows) -> float:
    """2 mean‖x − y‖ − mean‖x − x'‖ − mean‖y − y'‖ over source (n, d) and target (m, d), in units of distance; ≥ 0.

    The means within a domain include each row with itself, so that equal samples are at distance 0.
    """
    across = 2 * _mean_distance(source, target)
    return max(across - _mean_distance(source, source) - _mean_distance(target, target), 0.0)


def _mean_distance(a: Rows, b: Rows) -> float:
    total = sum(float(np.sqrt(squared_distances(a[rows], b)).sum()) for rows in blocks(len(a), len(b)))
    return total / (len(a) * len(b))
