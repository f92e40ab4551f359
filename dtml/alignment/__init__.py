"""Alignment losses: what draws two domains together. One file each."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from dtml.catalogue import Component, Params, param
from dtml.representation import Representation


class AlignmentParams(Params):
    """What every alignment loss has: its trade-off weight."""

    weight: float = param(1.0, "Trade-off weight", "权衡权重", ge=0)


class Alignment(Component, nn.Module):
    """A loss between two domains: `loss(source, target, progress) -> scalar`.

    Learnable parts are made by `build`, which the first call does itself where the trainer has not. They
    are stepped with the model, in one optimiser.
    """

    kind = "alignment"
    Params = AlignmentParams

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self.watched: dict[str, Tensor] = {}

    def build(self, dim: int, classes: int) -> None:
        """Make the learnable parts for embeddings of `dim` dimensions and `classes` classes."""

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        """The loss as a scalar tensor; `progress` in [0, 1] is the share of training done."""
        raise NotImplementedError

    def watch(self, **values: Tensor) -> None:
        """Offer detached numbers of this step to the live view; read without a host sync."""
        self.watched = {name: value.detach() for name, value in values.items()}


def squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """Squared Euclidean distances (n, m) between the rows of a (n, d) and b (m, d), from one product; ≥ 0."""
    product = a @ b.T
    return (a.square().sum(1)[:, None] + b.square().sum(1) - 2 * product).clamp_min(0)


def full_precision(*tensors: Tensor) -> tuple[Tensor, ...]:
    """The tensors in at least float32: statistics of bfloat16 features lose their digits."""
    return tuple(t.float() if t.dtype in (torch.bfloat16, torch.float16) else t for t in tensors)
