"""Every alignment and metric loss of the catalogue proves itself."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from dtml import catalogue
from dtml.losses import Example, Loss
from tests.conformance.claims import caller, draws, gradient_agrees, wrong_claims

KINDS = ("alignment", "metric")
LOSSES = [(kind, name) for kind in KINDS for name in catalogue.components(kind)]
EXAMPLES = [
    pytest.param(kind, name, example, id=f"{kind}-{name}-{number}")
    for kind, name in LOSSES
    for number, example in enumerate(catalogue.component(kind, name).examples)  # type: ignore[attr-defined]
]


def make(kind: str, name: str, **params: object) -> Loss:
    """The loss in float64, its learnable parts made from a fixed seed."""
    torch.manual_seed(0)
    loss: Loss = catalogue.create(kind, name, **params)
    loss.build(dim=3, classes=3)
    return loss.double()


def example_params(kind: str, name: str) -> dict[str, object]:
    """The parameters of the last example: there the value is a smooth function of its inputs."""
    examples = catalogue.component(kind, name).examples  # type: ignore[attr-defined]
    return examples[-1].params if examples else {}


@pytest.mark.parametrize(("kind", "name", "example"), EXAMPLES)
def test_example_worked_by_hand(kind: str, name: str, example: Example) -> None:
    loss = catalogue.create(kind, name, **example.params)
    first, second = example.inputs
    other = torch.tensor(second) if kind == "metric" else torch.tensor(second, dtype=torch.float64)
    value = caller(loss)(torch.tensor(first, dtype=torch.float64), other)
    assert value.item() == pytest.approx(example.value, abs=1e-5), example.how


@pytest.mark.parametrize(("kind", "name"), LOSSES)
def test_a_loss_has_an_example_or_learnable_parts(kind: str, name: str) -> None:
    assert catalogue.component(kind, name).examples or list(make(kind, name).parameters())  # type: ignore[attr-defined]


@pytest.mark.parametrize(("kind", "name"), LOSSES)
def test_claims_hold_and_nothing_holds_unclaimed(kind: str, name: str) -> None:
    assert wrong_claims(make(kind, name, **example_params(kind, name)), catalogue.component(kind, name).claims) == set()


def test_a_lie_is_caught_both_ways() -> None:
    coral = make("alignment", "coral")
    assert wrong_claims(coral, coral.claims | {"bounded"}) == {"bounded"}
    assert wrong_claims(coral, coral.claims - {"symmetric"}) == {"symmetric"}


@pytest.mark.parametrize(("kind", "name"), LOSSES)
def test_gradient_is_that_of_the_value_unless_reversed(kind: str, name: str) -> None:
    loss = make(kind, name, **example_params(kind, name))
    assert gradient_agrees(loss) == ("gradient_reversed" not in loss.claims)


@pytest.mark.parametrize(("kind", "name"), [pair for pair in LOSSES if pair[1] != "none"])
def test_the_encoder_is_moved(kind: str, name: str) -> None:
    rows, other = draws(kind)[0]
    rows.requires_grad_(True)
    caller(make(kind, name))(rows, other).backward()
    assert rows.grad is not None
    assert rows.grad.abs().max() > 1e-6


def degenerate(kind: str) -> dict[str, tuple[Tensor, Tensor]]:
    one = torch.ones(1, 3)
    if kind == "metric":
        return {
            "collapsed": (torch.ones(6, 3), torch.tensor([0, 0, 0, 1, 1, 1])),
            "one class": (torch.randn(5, 3), torch.zeros(5, dtype=torch.long)),
            "all different": (torch.randn(4, 3), torch.arange(4)),
            "one sample": (one, torch.zeros(1, dtype=torch.long)),
        }
    return {"collapsed": (torch.ones(6, 3), torch.ones(4, 3)), "one sample": (one, 2 * one)}


@pytest.mark.parametrize("case", ["collapsed", "one class", "all different", "one sample"])
@pytest.mark.parametrize(("kind", "name"), LOSSES)
def test_degenerate_batches_stay_finite(kind: str, name: str, case: str) -> None:
    if case not in degenerate(kind):
        return
    rows, other = degenerate(kind)[case]
    rows = rows.clone().requires_grad_(True)
    value = caller(make(kind, name).float())(rows, other)
    value.backward()
    assert value.isfinite()
    assert rows.grad is not None
    assert rows.grad.isfinite().all()


@pytest.mark.parametrize(("kind", "name"), LOSSES)
def test_scalar_and_repeatable(kind: str, name: str) -> None:
    rows = draws(kind)[0]
    loss = make(kind, name)
    assert caller(loss)(*rows).shape == ()
    assert caller(loss)(*rows) == caller(loss)(*rows)
