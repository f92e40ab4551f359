"""Losses on the target's predictions, and weights of the source's samples: closed forms and directions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize
from torch import Tensor

from dtml import catalogue
from dtml.alignment._kernels import typical_variance
from dtml.alignment._parts import effective_share, mixed
from dtml.alignment.bnm import nuclear_norm
from dtml.alignment.importance import odds
from dtml.alignment.kmm import matched, within_bounds
from dtml.alignment.mcc import confusion
from dtml.losses import squared_distances
from dtml.representation import Representation
from tests.conformance.claims import represented

SURE = 200.0
"""A class score that makes the others' probability 0 in float64."""
CLASSES = torch.arange(20) % 10
PREDICTIONS = {
    "balanced": torch.nn.functional.one_hot(CLASSES).double(),
    "collapsed": torch.nn.functional.one_hot(torch.zeros(20, dtype=torch.long), 10).double(),
    "uniform": torch.full((20, 10), 0.1, dtype=torch.float64),
}


def value(name: str, logits: Tensor, **params: Any) -> Tensor:
    """A loss that reads the target's class scores alone."""
    rows = torch.zeros(len(logits), 1, dtype=logits.dtype)
    domain = represented(rows, logits=logits)
    result: Tensor = catalogue.create("alignment", name, **params)(domain, domain, 0.5)
    return result


@pytest.mark.parametrize(("name", "norm"), [("balanced", 200), ("collapsed", 20), ("uniform", 2)])
def test_nuclear_norm_of_20_predictions_of_10_classes(name: str, norm: float) -> None:
    assert nuclear_norm(PREDICTIONS[name]).item() == pytest.approx(math.sqrt(norm))
    logits = (PREDICTIONS[name] * SURE).requires_grad_(True)
    loss = value("bnm", logits)
    assert loss.item() == pytest.approx(-math.sqrt(norm) / 20)
    assert torch.autograd.grad(loss, logits)[0].isfinite().all()


def test_nuclear_norm_has_one_gradient_on_a_collapsed_batch() -> None:
    """Of rank one: the gradient is u·vᵀ alone, not an arbitrary completion of it."""
    matrix = torch.full((6, 4), 0.25, requires_grad=True)
    (gradient,) = torch.autograd.grad(nuclear_norm(matrix), matrix)
    assert torch.allclose(gradient, torch.full((6, 4), 1 / math.sqrt(24)), atol=1e-5)


@pytest.mark.parametrize(("name", "expected"), [("balanced", -math.log(10)), ("collapsed", 0.0), ("uniform", 0.0)])
def test_infomax_wants_sure_and_spread_predictions(name: str, expected: float) -> None:
    assert value("infomax", PREDICTIONS[name] * SURE).item() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("name", "expected"), [("balanced", 0.0), ("collapsed", 0.0), ("uniform", math.log(10))])
def test_entropy_does_not_see_the_collapse(name: str, expected: float) -> None:
    assert value("entropy", PREDICTIONS[name] * SURE).item() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("name", "expected"), [("balanced", 0.0), ("uniform", 0.9)])
def test_confusion_of_sure_and_of_uniform_predictions(name: str, expected: float) -> None:
    """Uniform predictions confuse each class with each: 9 of 10 equal shares lie off the diagonal."""
    assert value("mcc", PREDICTIONS[name] * SURE).item() == pytest.approx(expected, abs=1e-9)


def test_confusion_by_naive_loops() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(7, 3, generator=generator, dtype=torch.float64)
    p = (logits / 2.5).softmax(1)
    weight = [1 + math.exp(sum(q * math.log(q) for q in row)) for row in p.tolist()]
    weight = [7 * w / sum(weight) for w in weight]
    correlation = [[sum(weight[i] * p[i, j] * p[i, k] for i in range(7)) for k in range(3)] for j in range(3)]
    expected = sum(correlation[j][k] / sum(correlation[j]) for j in range(3) for k in range(3) if j != k) / 3
    assert value("mcc", logits).item() == pytest.approx(float(expected))
    assert confusion(logits, 2.5, constant_weights=False).item() == pytest.approx(float(expected))


def test_constant_weights_change_the_gradient_and_not_the_value() -> None:
    logits = torch.tensor([[2.0, 0.0, 1.0], [0.0, 0.5, 0.0]], requires_grad=True)
    values = [value("mcc", logits, constant_weights=constant) for constant in (True, False)]
    assert values[0] == values[1]
    constant, learned = (torch.autograd.grad(each, logits)[0] for each in values)
    assert not torch.allclose(constant, learned)


@pytest.mark.parametrize("name", ["mcc", "bnm", "entropy", "infomax"])
@pytest.mark.parametrize("scale", [0.0, 1.0, 1e4])
def test_predictions_of_any_certainty_have_a_finite_gradient_in_half_precision(name: str, scale: float) -> None:
    logits = (scale * torch.randn(6, 4, generator=torch.Generator().manual_seed(0))).bfloat16().requires_grad_(True)
    loss = value(name, logits)
    assert loss.isfinite()
    assert torch.autograd.grad(loss, logits)[0].isfinite().all()


@pytest.mark.parametrize("name", ["mcc", "bnm", "entropy", "infomax"])
def test_two_classes_are_told_apart_where_the_scores_only_hint_at_them(name: str) -> None:
    """Half of the samples lean to either class; following the gradient makes every lean a certainty."""
    lean = torch.tensor([[0.6, 0.0], [0.4, 0.0], [0.0, 0.5], [0.0, 0.7]], dtype=torch.float64)
    logits = lean.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([logits], lr=0.1)
    for _step in range(200):
        optimiser.zero_grad()
        value(name, logits).backward()
        optimiser.step()
    assert torch.equal(logits.argmax(1), lean.argmax(1))
    assert logits.softmax(1).max(1).values.min() > 0.95


# -- weights of the source's samples ---------------------------------------------------------------


def shifted(n: int = 200) -> tuple[Representation, Representation]:
    """A wide source around 0 and a narrow target at (1, 0) within it."""
    generator = torch.Generator().manual_seed(0)
    source = torch.randn(n, 2, generator=generator, dtype=torch.float64)
    target = 0.5 * torch.randn(n, 2, generator=generator, dtype=torch.float64) + torch.tensor([1.0, 0.0])
    return represented(source), represented(target)


def weighted(name: str, **params: Any) -> tuple[Tensor, Representation, Representation]:
    """The weights of `shifted`'s source after the domain classifier, if there is one, has learned."""
    torch.manual_seed(0)
    source, target = shifted()
    loss = catalogue.create("alignment", name, **params)
    loss.build(2, 2)
    loss.double()
    if loss.has_opponent:
        optimiser = torch.optim.Adam(loss.parameters(), lr=0.01)
        for _step in range(200):
            optimiser.zero_grad()
            loss.opponent(source, target, 0.5).backward()
            optimiser.step()
    return loss.weights(source, target, 0.5), source, target


@pytest.mark.parametrize("name", ["importance", "kmm"])
def test_weights_draw_the_sources_mean_to_the_targets(name: str) -> None:
    weights, source, target = weighted(name)
    assert weights.min() >= 0
    assert weights.mean().item() == pytest.approx(1)
    wanted = target.embedding.mean(0)
    before = (source.embedding.mean(0) - wanted).norm()
    after = ((weights[:, None] * source.embedding).mean(0) - wanted).norm()
    assert after < before / 4


@pytest.mark.parametrize("name", ["importance", "kmm"])
def test_source_points_near_the_target_count_more(name: str) -> None:
    weights, source, _target = weighted(name)
    distance = (source.embedding - torch.tensor([1.0, 0.0])).norm(dim=1)
    assert weights[distance < 0.5].mean() > 4 * weights[distance > 1.5].mean()


@pytest.mark.parametrize("name", ["importance", "kmm"])
def test_the_weight_of_the_loss_is_the_share_of_the_weighting(name: str) -> None:
    full, half, none = (weighted(name, weight=share)[0] for share in (1.0, 0.5, 0.0))
    assert torch.allclose(none, torch.ones_like(none))
    assert torch.allclose(half, (1 + full) / 2)


@pytest.mark.parametrize("name", ["importance", "kmm"])
def test_the_effective_share_is_watched(name: str) -> None:
    loss = catalogue.create("alignment", name)
    source, target = shifted()
    weights = loss.weights(source, target, 0.5)
    expected = weights.sum() ** 2 / (weights**2).sum() / len(weights)
    assert loss.watched["effective_share"].item() == pytest.approx(expected.item())


def test_effective_share_worked_by_hand() -> None:
    """(3, 1, 0, 0): 16 / (4·10) = .4; halfway to equal weights (2, 1, ½, ½): 16 / (4·5.5)."""
    weights = torch.tensor([3.0, 1.0, 0.0, 0.0])
    assert effective_share(weights).item() == pytest.approx(0.4)
    assert effective_share(mixed(weights, 0.5)).item() == pytest.approx(16 / 22)


def test_odds_worked_by_hand() -> None:
    """Odds of the target 2 and ⅛, the second held at ¼: mean 1.125."""
    scores = torch.tensor([-math.log(2), math.log(8)], dtype=torch.float64)
    assert odds(scores, 4.0).tolist() == pytest.approx([2 / 1.125, 0.25 / 1.125])


def test_domains_that_do_not_overlap_are_not_weighted() -> None:
    assert odds(torch.tensor([50.0, 70.0, 1000.0]), 10.0).tolist() == pytest.approx([1, 1, 1])


def test_kernel_mean_matching_worked_by_hand() -> None:
    """Sources 0 and 1, target 0: β = (1 + a, 1 − a) has the derivative 2(1 − k)(a − 1), so a = 1, or what B allows."""
    source, target = torch.tensor([[0.0], [1.0]]), torch.tensor([[0.0]])
    assert matched(source, target, 10.0).tolist() == pytest.approx([2.0, 0.0], abs=1e-3)
    assert matched(source, target, 1.5).tolist() == pytest.approx([1.5, 0.5], abs=1e-3)


def test_equal_domains_need_no_weights() -> None:
    rows = torch.randn(12, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert matched(rows, rows, 10.0).tolist() == pytest.approx([1.0] * 12)


@pytest.mark.parametrize("shift", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("dim", [2, 16])
def test_kernel_mean_matching_goes_nearly_all_the_way(shift: float, dim: int) -> None:
    """Against scipy's SLSQP: at least 95 % of the way from equal weights to the minimum."""
    generator = torch.Generator().manual_seed(1)
    source = torch.randn(30, dim, generator=generator, dtype=torch.float64)
    target = torch.randn(20, dim, generator=generator, dtype=torch.float64) + shift
    both = torch.cat([source, target])
    squared = squared_distances(both, both)
    kernel = torch.exp(-squared / (2 * typical_variance(squared))).numpy()
    within, towards = kernel[:30, :30], 30 * kernel[:30, 30:].mean(1)

    def objective(beta: np.ndarray) -> float:
        return float(beta @ within @ beta / 2 - towards @ beta)

    best = minimize(
        objective, np.ones(30), jac=lambda beta: within @ beta - towards, bounds=[(0, 10)] * 30, method="SLSQP",
        constraints={"type": "eq", "fun": lambda beta: beta.mean() - 1, "jac": lambda beta: np.full(30, 1 / 30)},
        options={"maxiter": 1000, "ftol": 1e-12},
    )  # fmt: skip
    start, reached = objective(np.ones(30)), objective(matched(source, target, 10.0).numpy())
    assert start - reached >= 0.95 * (start - best.fun)


@settings(max_examples=100, deadline=None)
@given(arrays(np.float64, st.integers(1, 20), elements=st.floats(-100, 100)), st.floats(1.01, 50))
def test_the_nearest_weights_within_bounds(values: np.ndarray, bound: float) -> None:
    """Feasible, and what is free of the bounds was moved by one τ (the optimality condition of the projection)."""
    nearest = within_bounds(values, bound)
    assert nearest.min() >= 0
    assert nearest.max() <= bound
    assert nearest.mean().item() == pytest.approx(1, abs=1e-9)
    free = (nearest > 1e-9) & (nearest < bound - 1e-9)
    moved = (values - nearest)[free]
    if len(moved):
        assert (moved.max() - moved.min()).item() < 1e-9
        assert (values[nearest <= 1e-9] <= moved.max() + 1e-6).all()
        assert (values[nearest >= bound - 1e-9] >= moved.min() + bound - 1e-6).all()
