"""Discrepancies: values worked by hand, other implementations, and what holds for any samples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.linalg import sqrtm
from scipy.stats import wasserstein_distance

from dtml import catalogue
from dtml.alignment.coral import coral as coral_loss
from dtml.alignment.mmd import mmd2 as mmd_loss
from dtml.measures import _arrays
from dtml.measures.proxy_a_distance import a_distance

PLUS = [[1, 0], [-1, 0], [0, 1], [0, -1]]
ONE = {"kernels": 1, "bandwidth": 1.0}
EXAMPLES: list[tuple[str, dict[str, Any], Any, Any, float]] = [
    ("mmd", ONE, [[0]], [[1]], 2 - 2 * math.exp(-0.5)),
    ("mmd", ONE, [[0], [2]], [[1], [3]], 0.219985),
    ("mmd", {**ONE, "estimate": "unbiased"}, [[0], [2]], [[0], [2]], math.exp(-2) - 1),
    ("mmd_linear", {}, [[0], [2]], [[1], [3]], 1),
    ("mmd_linear", {"estimate": "unbiased"}, [[0], [2]], [[1], [3]], -1),
    ("coral", {}, [[1], [-1]], [[2], [-2]], 9),
    ("coral", {}, PLUS, np.multiply(2, PLUS), 0.5),
    ("energy", {}, [[0]], [[1]], 2),
    ("energy", {}, [[0], [2]], [[1]], 1),
    ("sliced_wasserstein", {"order": 1}, [[0], [1], [3]], [[5], [6], [8]], 5),
    ("sliced_wasserstein", {"order": 1}, [[0], [0]], [[0], [2]], 1),
    ("sliced_wasserstein", {"order": 2}, [[0], [0]], [[0], [2]], 2),
    ("sliced_wasserstein", {"order": 1}, [[0], [3]], [[0], [0], [3]], 0.5),
    ("sliced_wasserstein", {"order": 2}, [[0], [3]], [[0], [0], [3]], 1.5),
]  # fmt: skip

samples = arrays(np.float64, st.tuples(st.integers(1, 9), st.just(3)), elements=st.floats(-50, 50))
DISCREPANCIES = ["mmd", "mmd_linear", "coral", "sliced_wasserstein", "energy", "frechet"]


@pytest.mark.parametrize(("name", "params", "source", "target", "value"), EXAMPLES)
def test_value_worked_by_hand(name: str, params: dict[str, Any], source: Any, target: Any, value: float) -> None:
    assert catalogue.create("measure", name, **params)(source, target) == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize(("error", "distance"), [(0.5, 0), (0.25, 1), (0, 2), (0.7, 0)])
def test_the_a_distance_of_an_error(error: float, distance: float) -> None:
    assert a_distance(error) == distance


def test_frechet_of_two_gaussians_by_its_moments() -> None:
    """N(0, I) and N((3, 4), 4I): 25 + 2·(1 + 4 − 2·2)."""
    from dtml.measures.frechet import frechet

    assert frechet(np.zeros(2), np.eye(2), np.array([3.0, 4.0]), 2 * np.eye(2)) == pytest.approx(27)


def test_frechet_is_that_of_the_square_root_of_the_product() -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 50, 4))
    b = b @ np.diag([1, 2, 3, 0.5]) + 1
    c, d = np.cov(a.T), np.cov(b.T)
    expected = np.square(a.mean(0) - b.mean(0)).sum() + np.trace(c + d - 2 * sqrtm(c @ d).real)
    assert catalogue.create("measure", "frechet")(a, b) == pytest.approx(expected)


@pytest.mark.parametrize("name", DISCREPANCIES)
@settings(max_examples=30, deadline=None)
@given(a=samples, b=samples)
def test_zero_on_itself_symmetric_and_never_negative(name: str, a: np.ndarray, b: np.ndarray) -> None:
    measure = catalogue.create("measure", name)
    scale = 1 + max(np.abs(a).max(), np.abs(b).max()) ** 4
    assert abs(measure(a, a)) <= 1e-12 * scale
    assert measure(a, b) >= 0
    assert measure(a, b) == pytest.approx(measure(b, a), rel=1e-6, abs=1e-12 * scale)


@settings(max_examples=40, deadline=None)
@given(a=samples, b=samples, order=st.sampled_from([1, 2]))
def test_transport_on_a_line_is_exact_for_unequal_sizes(a: np.ndarray, b: np.ndarray, order: int) -> None:
    x, y = a[:, 0], b[:, 0]
    value = catalogue.create("measure", "sliced_wasserstein", order=order)(x[:, None], y[:, None])
    long = np.sort(np.repeat(x, len(y))), np.sort(np.repeat(y, len(x)))
    assert value == pytest.approx(np.mean(np.abs(long[0] - long[1]) ** order), abs=1e-9)
    if order == 1:
        assert value == pytest.approx(wasserstein_distance(x, y), abs=1e-9)


@pytest.mark.parametrize("dimensions", [1, 2, 3, 7, 64])
def test_a_translation_is_measured_without_random_error(dimensions: int) -> None:
    """SW₂² = ‖δ‖²/d, as the directions come in frames."""
    rows = np.random.default_rng(0).normal(size=(20, dimensions))
    shift = np.arange(1.0, dimensions + 1)
    value = catalogue.create("measure", "sliced_wasserstein")(rows, rows[::-1] + shift, seed=5)
    assert value == pytest.approx(np.square(shift).sum() / dimensions)


@pytest.mark.parametrize(("dimensions", "factor"), [(2, 2 / math.pi), (3, 0.5)])
def test_a_translation_at_order_1(dimensions: int, factor: float) -> None:
    """SW₁ = (2/π)‖δ‖ in the plane and ½‖δ‖ in space, up to the random directions (4 standard errors)."""
    rows = np.random.default_rng(0).normal(size=(20, dimensions))
    measure = catalogue.create("measure", "sliced_wasserstein", order=1, directions=4000)
    shift = np.full(dimensions, 2.0)
    assert measure(rows, rows + shift) == pytest.approx(factor * np.linalg.norm(shift), rel=4 * 0.5 / math.sqrt(4000))


def test_fewer_directions_than_dimensions() -> None:
    rows = np.random.default_rng(0).normal(size=(20, 64))
    assert catalogue.create("measure", "sliced_wasserstein", directions=3)(rows, rows + 1) > 0


def test_measures_are_the_values_of_the_losses() -> None:
    a, b = np.random.default_rng(1).normal(size=(2, 30, 5))
    x, y = torch.from_numpy(a), torch.from_numpy(b + 0.5)
    for unbiased in (False, True):
        measure = catalogue.create("measure", "mmd", estimate="unbiased" if unbiased else "biased")
        assert measure(a, b + 0.5) == pytest.approx(mmd_loss(x, y, 5, 2.0, 0.0, unbiased).item())
    assert catalogue.create("measure", "coral")(a, b + 0.5) == pytest.approx(coral_loss(x, y).item())


@pytest.mark.parametrize("name", ["mmd", "energy"])
def test_blocks_and_the_matrix_product_change_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = np.random.default_rng(1).normal(size=(2, 30, 5)) + 100
    measure = catalogue.create("measure", name)
    whole = measure(a, b[:25])
    monkeypatch.setattr(_arrays, "BLOCK", 70)
    assert measure(a, b[:25]) == pytest.approx(whole, rel=1e-9)
    monkeypatch.setattr(_arrays, "EXACT", 0)
    assert measure(a, b[:25]) == pytest.approx(whole, rel=1e-5)


def test_proxy_a_distance_sees_a_shift_and_nothing_where_there_is_none() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(200, 4)), rng.normal(size=(60, 4))
    measure = catalogue.create("measure", "proxy_a_distance")
    assert measure(a, b) < 0.5
    assert 0.5 < measure(a, b + [1.5, 0, 0, 0]) < measure(a, b + 20) == 2


def test_proxy_a_distance_is_not_fooled_by_unequal_sizes() -> None:
    """A classifier that always says "source" errs on 5 % of the samples, but on half of the domains."""
    rng = np.random.default_rng(0)
    assert catalogue.create("measure", "proxy_a_distance")(rng.normal(size=(380, 2)), rng.normal(size=(20, 2))) < 0.6


def test_coral_and_linear_mmd_are_blind_where_others_see() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(100, 3))
    shifted, turned = a + 1, -(a**3)
    turned += a.mean(0) - turned.mean(0)
    assert catalogue.create("measure", "coral")(a, shifted) == pytest.approx(0, abs=1e-12)
    assert catalogue.create("measure", "mmd_linear")(a, turned) == pytest.approx(0, abs=1e-12)
    for name in ("mmd", "energy", "sliced_wasserstein"):
        measure = catalogue.create("measure", name)
        assert min(measure(a, shifted), measure(a, turned)) > 0.01
