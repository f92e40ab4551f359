"""Comparisons over seeds: means, intervals, and differences paired by seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Interval:
    """A mean and the half width of its 95 % confidence interval (infinite for a single value)."""

    mean: float
    half_width: float

    @property
    def excludes_zero(self) -> bool:
        """Whether zero lies outside the interval."""
        return abs(self.mean) > self.half_width


def interval(values: Sequence[float]) -> Interval:
    """Mean and 95 % interval by Student's t: mean ± t(.975, n − 1) · s/√n.

    Raises:
        ValueError: for no values.
    """
    from scipy.stats import t

    if not len(values):
        raise ValueError("an interval needs at least one value, got none")
    n = len(values)
    if n == 1:
        return Interval(float(values[0]), float("inf"))
    spread = float(np.std(values, ddof=1)) / n**0.5
    return Interval(float(np.mean(values)), float(t.ppf(0.975, n - 1)) * spread)


def paired(values: Sequence[float], others: Sequence[float]) -> Interval:
    """The interval of the differences values − others, paired by position (by seed)."""
    return interval([a - b for a, b in zip(values, others, strict=True)])


def gap_closed(adapted: float, below: float, above: float) -> float | None:
    """The share of the way from `below` (source-only) to `above` (target-only) that was gone; None without a gap."""
    return (adapted - below) / (above - below) if above > below else None


def steps_to(curve: Sequence[tuple[int, float]], accuracy: float) -> int | None:
    """The first step of a curve of (step, accuracy) at which `accuracy` was reached; None where it never was."""
    return next((step for step, value in curve if value >= accuracy), None)
