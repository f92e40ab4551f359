"""Multi-kernel MMD: both estimates, and the properties that must hold for any samples."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dtml.alignment.coral import coral
from dtml.alignment.mmd import mmd2
from dtml.alignment.mmd_linear import mean_distance

samples = arrays(np.float64, st.tuples(st.integers(2, 12), st.just(3)), elements=st.floats(-50, 50))


@settings(max_examples=60, deadline=None)
@given(samples, samples)
def test_biased_estimate_lies_between_0_and_2(a: np.ndarray, b: np.ndarray) -> None:
    value = mmd2(torch.from_numpy(a), torch.from_numpy(b), 5, 2.0, 0.0, unbiased=False)
    assert -1e-9 <= value <= 2 + 1e-9


@settings(max_examples=60, deadline=None)
@given(samples, samples)
def test_equal_samples_are_at_distance_0(a: np.ndarray, b: np.ndarray) -> None:
    rows, other = torch.from_numpy(a), torch.from_numpy(b)
    assert mmd2(rows, rows, 5, 2.0, 0.0, unbiased=False).abs() < 1e-9
    assert coral(rows, rows) == 0
    assert mean_distance(rows, rows) == 0
    assert torch.allclose(coral(rows, other), coral(other, rows))


def test_collapsed_samples_far_from_the_origin_are_at_distance_0() -> None:
    """Equal rows: the width comes from their distances, which must not be rounding errors of the product."""
    rows = torch.full((7, 3), 9.89818242, dtype=torch.float64)
    assert mmd2(rows, rows, 5, 2.0, 0.0, unbiased=False).abs() < 1e-9


def test_unbiased_estimate_may_be_negative() -> None:
    a, b = torch.tensor([[0.0], [2.0]]), torch.tensor([[0.0], [2.0]])
    assert mmd2(a, b, 1, 2.0, 1.0, unbiased=True) < 0


def test_unbiased_estimate_is_centred_on_0_for_one_distribution() -> None:
    generator = torch.Generator().manual_seed(0)
    values = [
        mmd2(*torch.randn(2, 30, 3, generator=generator), 5, 2.0, 1.0, unbiased=True).item() for _draw in range(300)
    ]
    error = np.std(values) / len(values) ** 0.5
    assert abs(np.mean(values)) < 4 * error


@pytest.mark.parametrize("shift", [0.5, 2.0])
def test_a_larger_shift_is_a_larger_distance(shift: float) -> None:
    rows = torch.randn(200, 2, generator=torch.Generator().manual_seed(1))
    near, far = (mmd2(rows, rows + s, 5, 2.0, 1.0, unbiased=False) for s in (shift / 2, shift))
    assert far > near > 0
