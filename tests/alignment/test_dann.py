"""DANN: the schedule of λ, the reversed gradient, and a discriminator that learns."""

from __future__ import annotations

import math

import pytest
import torch

from dtml import catalogue
from dtml.alignment._adversarial import reverse_gradient, strength_at
from tests.conformance.claims import represented


@pytest.mark.parametrize(("progress", "strength"), [(0, 0.0), (0.1, 0.462117), (0.5, 0.986614), (1, 0.999909)])
def test_strength_follows_the_paper(progress: float, strength: float) -> None:
    assert strength_at(progress, gamma=10) == pytest.approx(strength, abs=1e-6)


def test_reversal_is_the_identity_forward_and_minus_lambda_backward() -> None:
    values = torch.tensor([1.0, -2.0], requires_grad=True)
    reversed_ = reverse_gradient(values, 0.3)
    assert torch.equal(reversed_, values)
    (reversed_ * torch.tensor([5.0, 7.0])).sum().backward()
    assert torch.allclose(values.grad, torch.tensor([-1.5, -2.1]))  # type: ignore[arg-type]


def test_an_undecided_discriminator_costs_log_2() -> None:
    loss = catalogue.create("alignment", "dann")
    loss.build(4, 2)
    for parameter in loss.parameters():
        torch.nn.init.zeros_(parameter)
    value = loss(represented(torch.randn(5, 4)), represented(torch.randn(5, 4)), 1.0)
    assert value.item() == pytest.approx(math.log(2))


def test_the_ceiling_bounds_lambda() -> None:
    loss = catalogue.create("alignment", "dann", ceiling=0.25)
    loss(represented(torch.randn(5, 4)), represented(torch.randn(5, 4)), 1.0)
    assert loss.watched["strength"].item() == pytest.approx(0.25, abs=1e-4)


def test_the_discriminator_learns_to_tell_the_domains_apart() -> None:
    torch.manual_seed(0)
    loss = catalogue.create("alignment", "dann")
    source, target = represented(torch.randn(64, 4) + 2), represented(torch.randn(64, 4) - 2)
    loss(source, target, 0.5)
    optimiser = torch.optim.Adam(loss.parameters(), lr=0.01)
    for _step in range(50):
        optimiser.zero_grad()
        loss(source, target, 0.5).backward()
        optimiser.step()
    assert loss.watched["domain_accuracy"] > 0.95
