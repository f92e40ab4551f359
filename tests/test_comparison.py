"""Intervals and paired differences."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtml.comparison import gap_closed, interval, paired


def test_interval_of_three_values() -> None:
    """s = 1, t(.975, 2) = 4.302653: half width 4.302653/√3."""
    found = interval([1, 2, 3])
    assert found.mean == 2
    assert found.half_width == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)
    assert not found.excludes_zero


def test_pairing_removes_what_the_pairs_share() -> None:
    found = paired([10.0, 20.0, 30.0], [9.0, 19.0, 29.0])
    assert (found.mean, found.half_width) == (1.0, 0.0)
    assert found.excludes_zero


def test_one_value_proves_nothing() -> None:
    assert not interval([5.0]).excludes_zero


def test_no_values_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        interval([])


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=9), st.floats(-50, 50))
def test_shifting_moves_the_mean_alone(values: list[float], shift: float) -> None:
    a, b = interval(values), interval([value + shift for value in values])
    assert b.mean == pytest.approx(a.mean + shift, abs=1e-6)
    assert b.half_width == pytest.approx(a.half_width, abs=1e-6)


def test_gap_closed() -> None:
    assert gap_closed(0.75, 0.5, 1.0) == 0.5
    assert gap_closed(0.4, 0.5, 1.0) == pytest.approx(-0.2)
    assert gap_closed(0.7, 0.9, 0.9) is None
