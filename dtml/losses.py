"""What alignment and metric losses share: a weight, learnable parts, numbers for the live view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from dtml.catalogue import Component, Params, param


@dataclass(frozen=True)
class Example:
    """A small input worked by hand.

    Attributes:
        inputs: what the loss is called on: rows of the two domains (alignment), or rows and labels (metric).
        value: the exact result.
        how: how it was got.
        params: the hyper-parameters that differ from the defaults.
        logits: class scores of the rows of both domains, where an alignment depends on them.
        labels: labels of the rows of both domains (-1: unknown), where an alignment depends on them.
    """

    inputs: tuple[Sequence[Any], Sequence[Any]]
    value: float
    how: str
    params: dict[str, Any] = field(default_factory=dict)
    logits: tuple[Sequence[Any], Sequence[Any]] | None = None
    labels: tuple[Sequence[int], Sequence[int]] | None = None


class LossParams(Params):
    """What every loss has: its trade-off weight."""

    weight: float = param(1.0, "Trade-off weight", "权衡权重", ge=0)


class Loss(Component, nn.Module):
    """A loss term that is a component.

    Learnable parts are made by `build`, before the first call, and are stepped with the model in one
    optimiser. `watched` holds detached numbers of the last call.
    """

    Params = LossParams  # type: ignore[assignment]
    examples: ClassVar[tuple[Example, ...]] = ()
    needs_bounded: ClassVar[bool] = False
    """Whether the loss has a lower bound only on bounded embeddings (tanh or normalised)."""
    needs_layers: ClassVar[bool] = False
    """Whether it reads what the backbone's stages give."""
    rate: ClassVar[float] = 1.0
    """The factor on the learning rate of the learnable parts."""

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self.watched: dict[str, Tensor] = {}

    @classmethod
    def facts(cls) -> dict[str, Any]:
        return {"needs_bounded": cls.needs_bounded}

    def build(self, dim: int, classes: int) -> None:
        """Make the learnable parts for embeddings of `dim` dimensions and `classes` classes."""

    def watch(self, **values: Tensor) -> None:
        """Offer numbers of this step to the live view; they are read later, without a host sync."""
        self.watched = {name: value.detach() for name, value in values.items()}


def squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """Squared Euclidean distances (n, m) between the rows of a (n, d) and b (m, d), from one product; ≥ 0.

    The rows are centred first: far from the origin the product would lose the digits of small distances.
    """
    centre = b.detach().mean(0)
    a, b = a - centre, b - centre
    return torch.addmm(a.square().sum(1)[:, None] + b.square().sum(1), a, b.T, alpha=-2).clamp_min(0)


def distances(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean distances (n, m) between the rows of a (n, d) and b (m, d); their gradient at 0 is 0."""
    return squared_distances(a, b).clamp_min(1e-12).sqrt()


def pair_masks(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Masks (n, n) of the pairs of the same class (without self) and of different classes.

    Rows of unknown label (-1) are in no pair.
    """
    same = labels[:, None] == labels[None, :]
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    known = (labels[:, None] >= 0) & (labels[None, :] >= 0)
    return same & ~itself & known, ~same & known


def neighbour_mean(squared: Tensor, candidates: Tensor, k: int) -> Tensor:
    """Mean squared distance (..., n, n) from each row to its k nearest candidates (n, n), (...).

    Rows with fewer candidates give what they have; where each has k it is the paper's sum over 1/(N·k).
    """
    nearest = squared.masked_fill(~candidates, float("inf")).topk(min(k, len(candidates)), largest=False).values
    found = nearest.isfinite()
    return nearest.where(found, 0).sum((-2, -1)) / found.sum((-2, -1)).clamp_min(1)


def full_precision(tensor: Tensor) -> Tensor:
    """The tensor in at least float32: statistics of bfloat16 features lose their digits."""
    return tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor
