"""What each claim means, as a check on a loss that is called on two domains, or on rows and labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from dtml.losses import Loss
from dtml.representation import Representation

Inputs = tuple[Any, Any]
"""Two representations (alignment), or rows and labels (metric)."""
Call = Callable[[Any, Any], Tensor]

PROGRESS = 0.5
SHIFT = torch.tensor([3.0, -1.0, 2.0], dtype=torch.float64)


def represented(rows: Tensor, logits: Tensor | None = None, labels: Tensor | None = None) -> Representation:
    """Rows as the representation of a domain, with as many classes as columns; all labels known."""
    logits = 2 * rows.flip(1) if logits is None else logits
    labels = torch.arange(len(rows)) % logits.shape[1] if labels is None else labels
    return Representation(features=rows, embedding=rows, logits=logits, labels=labels, layers=(rows.tanh(), rows))


def caller(loss: Loss) -> Call:
    """The loss as a function of two representations (alignment), or of rows and labels (metric).

    What it draws at random is the same in every call; target labels are sealed unless the loss needs them.
    """

    def alignment(source: Representation, target: Representation) -> Tensor:
        torch.manual_seed(0)
        return loss(source, target if loss.needs_labels else sealed(target), PROGRESS)

    return alignment if loss.kind == "alignment" else lambda a, b: loss(a, b)


def sealed(domain: Representation) -> Representation:
    """The domain without its labels."""
    assert domain.labels is not None
    return replace(domain, labels=torch.full_like(domain.labels, -1))


def draws(kind: str) -> list[Inputs]:
    """Asymmetric random inputs in float64; in some of them the domains or classes lie far apart.

    In the last of an alignment the classes are apart, and the same in both domains and for the classifier.
    """
    generator = torch.Generator().manual_seed(0)
    inputs: list[Inputs] = []
    for far in (0.0, 0.0, 1.0, 30.0):
        a = torch.randn(8, 3, generator=generator, dtype=torch.float64)
        b = 0.5 * torch.randn(6, 3, generator=generator, dtype=torch.float64) + far
        labels = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2])
        inputs.append((a + far * labels[:, None], labels) if kind == "metric" else (represented(a), represented(b)))
    if kind == "alignment":
        corners = 3 * torch.eye(3, dtype=torch.float64).flip(1)
        a, b = (corners[torch.arange(n) % 3] for n in (8, 6))
        inputs.append((represented(a + 0.2 * inputs[0][0].embedding), represented(b + 0.2 * inputs[0][1].embedding)))
    return inputs


def _same(left: Tensor, right: Tensor) -> bool:
    return torch.allclose(left, right, rtol=1e-6, atol=1e-9)


def _moved(change: Callable[[Tensor], Tensor], given: Any) -> Any:
    """`change` on embeddings and features; the class scores stay as they are."""
    if isinstance(given, Tensor):
        return change(given)
    layers = tuple(map(change, given.layers))
    return replace(given, embedding=change(given.embedding), features=change(given.features), layers=layers)


def _both(kind: str, change: Callable[[Tensor], Tensor], inputs: Inputs) -> Inputs:
    """`change` on the embeddings of both domains, or on the rows and not on their labels."""
    return (_moved(change, inputs[0]), inputs[1] if kind == "metric" else _moved(change, inputs[1]))


def _rotation() -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64)).Q


def _ordered(domain: Representation, order: Tensor) -> Representation:
    assert domain.labels is not None
    layers = tuple(layer[order] for layer in domain.layers)
    return Representation(
        domain.features[order], domain.embedding[order], domain.logits[order], domain.labels[order], layers
    )


def _permuted(kind: str, inputs: Inputs) -> Inputs:
    first, second = inputs
    generator = torch.Generator().manual_seed(2)
    if kind == "metric":
        order = torch.randperm(len(first), generator=generator)
        return first[order], second[order]
    orders = [torch.randperm(len(domain.embedding), generator=generator) for domain in inputs]
    return _ordered(first, orders[0]), _ordered(second, orders[1])


def holds(loss: Loss, claim: str) -> bool:
    """Whether the claim is true of the loss on all draws."""
    call, kind = caller(loss), loss.kind
    inputs = draws(kind)
    match claim:
        case "zero_on_equal_domains":
            return all(_same(call(a, a), torch.zeros((), dtype=torch.float64)) for a, _b in inputs)
        case "symmetric":
            return all(_same(call(a, b), call(b, a)) for a, b in inputs)
        case "permutation_invariant":
            return all(_same(call(*each), call(*_permuted(kind, each))) for each in inputs)
        case "translation_invariant":
            return all(_same(call(*each), call(*_both(kind, lambda x: x + SHIFT, each))) for each in inputs)
        case "rotation_invariant":
            return all(_same(call(*each), call(*_both(kind, lambda x: x @ _rotation(), each))) for each in inputs)
        case "blind_to_mean_shift":
            return all(_same(call(a, b), call(a, _moved(lambda x: x + SHIFT, b))) for a, b in inputs)
        case "non_negative":
            return all(call(*each) >= -1e-12 for each in inputs)
        case "bounded":
            return all(call(*_both(kind, lambda x: 1e6 * x, each)).abs() <= 10 for each in inputs)
        case "gradient_of_its_own":
            return not gradient_agrees(loss)
    raise AssertionError(f"no check for the claim '{claim}'")


def by_rows(loss: Loss) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    """The loss as a function of its first rows alone, and rows to begin with."""
    first, second = draws(loss.kind)[0]
    call = caller(loss)
    if loss.kind == "metric":
        return lambda rows: call(rows, second), first
    return lambda rows: call(represented(rows), second), first.embedding


def by_target_rows(loss: Loss) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    """An alignment as a function of the target's rows alone, and rows to begin with."""
    first, second = draws(loss.kind)[0]
    call = caller(loss)
    return lambda rows: call(first, represented(rows)), second.embedding


def gradient_agrees(loss: Loss) -> bool:
    """Whether the gradient to the embeddings is that of the value (finite differences in float64)."""
    functions = [by_rows(loss)] if loss.kind == "metric" else [by_rows(loss), by_target_rows(loss)]
    return all(
        torch.autograd.gradcheck(function, (rows.clone().requires_grad_(True),), raise_exception=False)
        for function, rows in functions
    )


ALIGNMENT = (
    "zero_on_equal_domains", "symmetric", "permutation_invariant", "translation_invariant", "rotation_invariant",
    "blind_to_mean_shift", "non_negative", "bounded", "gradient_of_its_own",
)  # fmt: skip
METRIC = (
    "permutation_invariant", "translation_invariant", "rotation_invariant", "non_negative", "bounded",
    "gradient_of_its_own",
)  # fmt: skip


def wrong_claims(loss: Loss, claimed: frozenset[str]) -> set[str]:
    """Claims that do not hold, and what holds without being claimed."""
    known = ALIGNMENT if loss.kind == "alignment" else METRIC
    true = {claim for claim in known if holds(loss, claim)}
    return true ^ set(claimed)
