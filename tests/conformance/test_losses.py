"""Every alignment and metric loss of the catalogue proves itself."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from dtml import catalogue
from dtml.losses import Example, Loss
from tests.conformance.claims import (
    by_rows,
    by_target_rows,
    caller,
    draws,
    gradient_agrees,
    represented,
    wrong_claims,
)

KINDS = ("alignment", "metric")
LOSSES = [(kind, name) for kind in KINDS for name in catalogue.components(kind)]


def _class(name: str) -> Any:
    return catalogue.component("alignment", name)


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
    value = caller(loss)(*worked(kind, example))
    assert value.item() == pytest.approx(example.value, abs=1e-5), example.how


def worked(kind: str, example: Example) -> tuple[Any, Any]:
    """The inputs of an example as tensors."""
    rows = torch.tensor(example.inputs[0], dtype=torch.float64)
    if kind == "metric":
        return rows, torch.tensor(example.inputs[1])
    sides = [rows, torch.tensor(example.inputs[1], dtype=torch.float64)]
    logits = [torch.tensor(side, dtype=torch.float64) for side in example.logits] if example.logits else [None, None]
    labels = [torch.tensor(side) for side in example.labels] if example.labels else [None, None]
    first, second = (represented(*each) for each in zip(sides, logits, labels, strict=True))
    return first, second


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
def test_gradient_is_that_of_the_value_unless_it_has_its_own(kind: str, name: str) -> None:
    loss = make(kind, name, **example_params(kind, name))
    assert gradient_agrees(loss) == ("gradient_of_its_own" not in loss.claims)


@pytest.mark.parametrize(("kind", "name"), [pair for pair in LOSSES if pair[1] != "none"])
def test_the_encoder_is_moved(kind: str, name: str) -> None:
    loss = make(kind, name, **example_params(kind, name))
    if not getattr(loss, "moves_encoder", True):
        first, second = draws(kind)[0]
        weights = loss.weights(first, second, 0.5)
        assert weights.mean().item() == pytest.approx(1, abs=1e-5)
        assert weights.std() > 1e-6, "it acts through the weights of the source's samples"
        return
    functions = [by_rows(loss)] if kind == "metric" else [by_rows(loss), by_target_rows(loss)]
    moved = []
    for function, rows in functions:
        rows = rows.clone().requires_grad_(True)
        value = function(rows)
        moved.append(torch.autograd.grad(value, rows, allow_unused=True)[0] if value.requires_grad else None)
    assert any(gradient is not None and gradient.abs().max() > 1e-6 for gradient in moved)


def degenerate(kind: str) -> dict[str, tuple[Any, Any]]:
    one = torch.ones(1, 3)
    if kind == "metric":
        return {
            "collapsed": (torch.ones(6, 3), torch.tensor([0, 0, 0, 1, 1, 1])),
            "one class": (torch.randn(5, 3), torch.zeros(5, dtype=torch.long)),
            "all different": (torch.randn(3, 3), torch.arange(3)),
            "one sample": (one, torch.zeros(1, dtype=torch.long)),
        }
    ones = torch.zeros(5, dtype=torch.long)
    return {
        "collapsed": (represented(torch.ones(6, 3)), represented(torch.ones(4, 3))),
        "one class": (represented(torch.randn(5, 3), labels=ones), represented(torch.randn(5, 3), labels=ones)),
        "one sample": (represented(one), represented(2 * one)),
    }


@pytest.mark.parametrize("case", ["collapsed", "one class", "all different", "one sample"])
@pytest.mark.parametrize(("kind", "name"), LOSSES)
def test_degenerate_batches_stay_finite(kind: str, name: str, case: str) -> None:
    if case not in degenerate(kind):
        return
    first, second = degenerate(kind)[case]
    given = [first] if kind == "metric" else [first.embedding, second.embedding]
    rows = [each.clone().requires_grad_(True) for each in given]
    loss = make(kind, name).float()
    if kind == "metric":
        value = caller(loss)(rows[0], second)
    else:
        value = caller(loss)(represented(rows[0], labels=first.labels), represented(rows[1], labels=second.labels))
    assert value.isfinite()
    if value.requires_grad:
        gradients = torch.autograd.grad(value, rows, allow_unused=True)
        assert all(gradient is None or gradient.isfinite().all() for gradient in gradients)
    if getattr(loss, "has_opponent", False):
        assert loss.opponent(first, second, 0.5).isfinite()
    weights = loss.weights(first, second, 0.5) if kind == "alignment" else None
    assert weights is None or weights.isfinite().all()


@pytest.mark.parametrize("name", [n for n in catalogue.components("alignment") if _class(n).has_opponent])
def test_an_opponent_learns_and_leaves_the_encoder_alone(name: str) -> None:
    loss = make("alignment", name)
    first, second = (domain.detach() for domain in draws("alignment")[2])
    optimiser = torch.optim.Adam(loss.parameters(), lr=0.01)
    values = []
    for _step in range(60):
        optimiser.zero_grad()
        value = loss.opponent(first, second, 0.5)
        value.backward()
        optimiser.step()
        values.append(value.item())
    assert values[-1] < values[0]


@pytest.mark.parametrize(("kind", "name"), LOSSES)
def test_scalar_and_repeatable(kind: str, name: str) -> None:
    rows = draws(kind)[0]
    loss = make(kind, name)
    assert caller(loss)(*rows).shape == ()
    assert caller(loss)(*rows) == caller(loss)(*rows)
