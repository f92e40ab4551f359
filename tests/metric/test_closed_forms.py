"""Metric losses where their value is known in closed form, and at the edges of their domains."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dtml import Experiment, catalogue
from dtml.losses import Loss
from dtml.metric import unit

AXES = torch.eye(2, dtype=torch.float64)
ON_SPHERE = ("ntxent", "supcon", "multi_similarity", "proxy_anchor", "arcface")


def made(name: str, proxies: Tensor | None = None, **params: Any) -> Any:
    """A loss, with its proxies set."""
    loss = catalogue.create("metric", name, **params)
    if proxies is not None:
        loss.proxies = nn.Parameter(proxies.clone())
    return loss


@pytest.mark.parametrize("name", ["supcon", "ntxent"])
@pytest.mark.parametrize(("temperature", "value"), [(1.0, 0.551445), (0.5, 0.239545)])
def test_two_orthogonal_classes_of_two(name: str, temperature: float, value: float) -> None:
    """log(1 + 2·exp(−1/τ)): the positive at cosine 1, two others at 0."""
    loss = made(name, temperature=temperature)(AXES[[0, 0, 1, 1]], torch.tensor([0, 0, 1, 1]))
    assert loss.item() == pytest.approx(value, abs=1e-6)


def test_collapsed_supcon_is_the_log_of_the_others() -> None:
    loss = made("supcon")(torch.ones(7, 3, dtype=torch.float64), torch.tensor([0, 0, 0, 1, 1, 2, 2]))
    assert loss.item() == pytest.approx(math.log(6), abs=1e-12)


def test_collapsed_ntxent_leaves_other_positives_out() -> None:
    """With one positive a sample log(N − 1), with more the log of its own place and its negatives'."""
    rows = torch.ones(6, 3, dtype=torch.float64)
    pairs = made("ntxent")(rows, torch.tensor([0, 0, 1, 1, 2, 2]))
    triples = made("ntxent")(rows, torch.tensor([0, 0, 0, 1, 1, 1]))
    assert pairs.item() == pytest.approx(math.log(5), abs=1e-12)
    assert triples.item() == pytest.approx(math.log(4), abs=1e-12)


def test_multi_similarity_of_one_positive_and_one_negative() -> None:
    """½·log(1 + e⁻¹) + log(1 + e⁻²⁵)/50 for a sample with a positive at 1 and a negative at 0."""
    from dtml.metric.multi_similarity import multi_similarity

    similarity = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    same = torch.tensor([[True, False]])
    assert multi_similarity(similarity, same, ~same, 2, 50, 0.5).item() == pytest.approx(0.156631, abs=1e-6)


def test_proxy_anchor_of_two_samples_on_their_proxies() -> None:
    """log(1 + e^{−28.8}) + log(1 + e^{3.2})."""
    loss = made("proxy_anchor", AXES)(AXES, torch.tensor([0, 1]))
    assert loss.item() == pytest.approx(3.239953, abs=1e-6)


def test_proxy_anchor_s_positives_are_averaged_over_the_classes_that_are_there() -> None:
    """Of three proxies at right angles to both samples: log(1 + 2e^{3.2}) once, log(1 + 2e^{3.2})·2/3 beside."""
    proxies = torch.tensor([[0.0, 1.0], [0.0, 2.0], [0.0, 3.0]], dtype=torch.float64)
    loss = made("proxy_anchor", proxies)(AXES[[0, 0]], torch.tensor([1, 1]))
    assert loss.item() == pytest.approx(math.log1p(2 * math.exp(3.2)) * (1 + 2 / 3), abs=1e-9)


def test_arcface_at_its_centre() -> None:
    """log(1 + exp(−cos ½)): θ = 0, the other class at a right angle."""
    loss = made("arcface", AXES, scale=1.0)(AXES[:1], torch.tensor([0]))
    assert loss.item() == pytest.approx(0.347685, abs=1e-6)


def test_arcface_without_margin_is_cross_entropy() -> None:
    rows = torch.randn(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 1, 0, 1])
    expected = nn.functional.cross_entropy(3 * unit(rows), labels)
    assert made("arcface", AXES, scale=3.0, margin=0.0)(rows, labels).item() == pytest.approx(expected.item())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_arcface_s_gradient_is_finite_at_its_centre_and_opposite(dtype: torch.dtype) -> None:
    rows = torch.tensor([[2.0, 0.0], [-3.0, 0.0], [0.0, 1.0]], dtype=dtype, requires_grad=True)
    loss = made("arcface", AXES.to(dtype))
    loss(rows, torch.tensor([0, 0, 1])).backward()
    assert rows.grad is not None
    assert rows.grad.isfinite().all()
    assert loss.proxies.grad.isfinite().all()


def test_arcface_costs_more_at_every_larger_angle() -> None:
    angles = torch.linspace(0, math.pi, 200, dtype=torch.float64)
    loss = made("arcface", torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], dtype=torch.float64), scale=4.0)
    rows = torch.stack([angles.cos(), angles.sin(), torch.zeros_like(angles)], 1)
    costs = torch.stack([loss(row[None], torch.tensor([0])) for row in rows])
    assert (costs.diff() > 0).all()


@pytest.mark.parametrize("name", ON_SPHERE)
def test_on_the_unit_sphere_lengths_do_not_count(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(8, 3, dtype=torch.float64, generator=generator)
    lengths = 0.1 + 9 * torch.rand(8, 1, dtype=torch.float64, generator=generator)
    labels = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2])
    loss = made(name, torch.randn(3, 3, dtype=torch.float64, generator=generator) if name in ON_SPHERE[3:] else None)
    assert loss(lengths * rows, labels).item() == pytest.approx(loss(rows, labels).item(), rel=1e-9)


@pytest.mark.parametrize("name", ON_SPHERE)
def test_a_row_of_zeros_has_no_direction_and_no_gradient(name: str) -> None:
    rows = torch.tensor([[0.0, 0.0], [1.0, 2.0], [3.0, -1.0], [-1.0, 1.0]], requires_grad=True)
    loss = made(name, AXES.float() if name in ON_SPHERE[3:] else None)
    loss(rows, torch.tensor([0, 0, 1, 1])).backward()
    assert rows.grad is not None
    assert rows.grad.isfinite().all()
    assert (rows.grad[0] == 0).all()


@pytest.mark.parametrize("name", ["proxy_anchor", "arcface"])
def test_proxies_are_made_from_the_first_batch_where_nobody_built_them(name: str) -> None:
    loss = made(name)
    value = loss(torch.randn(4, 3, dtype=torch.float64), torch.tensor([0, 4, 1, 1]))
    assert value.isfinite()
    assert loss.proxies.shape == (5, 3)
    assert loss.proxies.dtype == torch.float64


def test_active_pairs_and_triplets_are_told() -> None:
    labels = torch.tensor([0, 0, 0, 1, 1])
    rows = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    told = {}
    for name in ("triplet", "n_pair", "ntxent", "supcon", "contrastive", "dtml"):
        loss: Loss = made(name, **({"margin": 100.0} if name in ("triplet", "contrastive") else {}))
        loss(rows, labels)
        told[name] = list(loss.watched.values())[-1].item()
    pairs = {"ntxent": 8, "supcon": 8, "contrastive": 10, "dtml": 8 + 12}
    assert told == {"triplet": 6 * 2 + 2 * 3, "n_pair": 2, **pairs}


def test_a_loss_s_learnable_parts_have_their_own_rate() -> None:
    from dtml.strategies import Phase
    from dtml.training.model import build
    from dtml.training.optimisation import optimiser, set_rate

    experiment = Experiment(task="moons", backbone="mlp")
    model = build(experiment, (2,), 2)
    losses = [made("proxy_anchor", AXES), made("arcface", AXES)]
    phase: Phase = catalogue.create("strategy", "scratch").phases(list(model.network.stages), False)[0]
    extra = [(p, loss.rate) for loss in losses for p in loss.parameters()]
    stepped = optimiser(model, phase, extra, experiment.training)
    set_rate(stepped, experiment.training, 0.0)
    rates = [group["lr"] / experiment.training.learning_rate for group in stepped.param_groups]
    assert rates[-2:] == pytest.approx([1, 100])
