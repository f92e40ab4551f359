"""What each claim means, as a check on a loss that is called on rows."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from dtml.losses import Loss
from dtml.representation import Representation

Rows = tuple[Tensor, Tensor]
Call = Callable[[Tensor, Tensor], Tensor]

PROGRESS = 0.5
SHIFT = torch.tensor([3.0, -1.0, 2.0], dtype=torch.float64)


def represented(rows: Tensor) -> Representation:
    """Rows as the representation of a domain."""
    return Representation(features=rows, embedding=rows, logits=rows)


def caller(loss: Loss) -> Call:
    """The loss as a function of two row tensors (alignment), or of rows and labels (metric)."""
    if loss.kind == "alignment":
        return lambda a, b: loss(represented(a), represented(b), PROGRESS)
    return lambda a, b: loss(a, b)


def draws(kind: str) -> list[Rows]:
    """Asymmetric random inputs in float64; in some of them the domains or classes lie far apart."""
    generator = torch.Generator().manual_seed(0)
    inputs = []
    for far in (0.0, 0.0, 1.0, 30.0):
        a = torch.randn(8, 3, generator=generator, dtype=torch.float64)
        b = 0.5 * torch.randn(6, 3, generator=generator, dtype=torch.float64) + far
        labels = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2])
        inputs.append((a + far * labels[:, None], labels) if kind == "metric" else (a, b))
    return inputs


def _same(left: Tensor, right: Tensor) -> bool:
    return torch.allclose(left, right, rtol=1e-6, atol=1e-9)


def _both(kind: str, change: Callable[[Tensor], Tensor], rows: Rows) -> Rows:
    """`change` on all embeddings: those of both domains, or the rows and not their labels."""
    return (change(rows[0]), rows[1] if kind == "metric" else change(rows[1]))


def _rotation() -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64)).Q


def _permuted(kind: str, rows: Rows) -> Rows:
    order = torch.randperm(len(rows[0]), generator=torch.Generator().manual_seed(2))
    return (rows[0][order], rows[1][order]) if kind == "metric" else (rows[0][order], rows[1].flip(0))


def holds(loss: Loss, claim: str) -> bool:
    """Whether the claim is true of the loss on all draws."""
    call, kind = caller(loss), loss.kind
    inputs = draws(kind)
    match claim:
        case "zero_on_equal_domains":
            return all(_same(call(a, a), torch.zeros((), dtype=a.dtype)) for a, _b in inputs)
        case "symmetric":
            return all(_same(call(a, b), call(b, a)) for a, b in inputs)
        case "permutation_invariant":
            return all(_same(call(*rows), call(*_permuted(kind, rows))) for rows in inputs)
        case "translation_invariant":
            return all(_same(call(*rows), call(*_both(kind, lambda x: x + SHIFT, rows))) for rows in inputs)
        case "rotation_invariant":
            return all(_same(call(*rows), call(*_both(kind, lambda x: x @ _rotation(), rows))) for rows in inputs)
        case "blind_to_mean_shift":
            return all(_same(call(a, b), call(a, b + SHIFT)) for a, b in inputs)
        case "non_negative":
            return all(call(*rows) >= -1e-12 for rows in inputs)
        case "bounded":
            return all(call(*_both(kind, lambda x: 1e6 * x, rows)).abs() <= 10 for rows in inputs)
        case "gradient_reversed":
            return not gradient_agrees(loss)
    raise AssertionError(f"no check for the claim '{claim}'")


def gradient_agrees(loss: Loss) -> bool:
    """Whether the gradient to the embeddings is that of the value (finite differences in float64)."""
    rows, other = draws(loss.kind)[0]
    call = caller(loss)
    return torch.autograd.gradcheck(lambda a: call(a, other), (rows.requires_grad_(True),), raise_exception=False)


ALIGNMENT = (
    "zero_on_equal_domains", "symmetric", "permutation_invariant", "translation_invariant", "rotation_invariant",
    "blind_to_mean_shift", "non_negative", "bounded", "gradient_reversed",
)  # fmt: skip
METRIC = (
    "permutation_invariant", "translation_invariant", "rotation_invariant", "non_negative", "bounded",
    "gradient_reversed",
)  # fmt: skip


def wrong_claims(loss: Loss, claimed: frozenset[str]) -> set[str]:
    """Claims that do not hold, and what holds without being claimed."""
    known = ALIGNMENT if loss.kind == "alignment" else METRIC
    true = {claim for claim in known if holds(loss, claim)}
    return true ^ set(claimed)
