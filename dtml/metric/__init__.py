"""Metric losses: what shapes distances from labels. One file each."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from dtml.catalogue import Component, Params, param


class MetricParams(Params):
    """What every metric loss has: its trade-off weight."""

    weight: float = param(1.0, "Trade-off weight", "权衡权重", ge=0)


class Metric(Component, nn.Module):
    """A loss on labelled embeddings: `loss(embeddings, labels) -> scalar`.

    A batch without a usable pair gives a zero that still carries a gradient of zero, and `watched`
    tells the number of active pairs, so that an idle loss can be seen.
    """

    kind = "metric"
    needs_bounded: ClassVar[bool] = False
    """Whether the loss has a lower bound only on bounded embeddings (tanh or normalised)."""
    Params = MetricParams

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self.watched: dict[str, Tensor] = {}

    def build(self, dim: int, classes: int) -> None:
        """Make the learnable parts for embeddings of `dim` dimensions and `classes` classes."""

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The loss of embeddings (n, d) with labels (n,) as a scalar tensor."""
        raise NotImplementedError

    def watch(self, **values: Tensor) -> None:
        """Offer detached numbers of this step to the live view; read without a host sync."""
        self.watched = {name: value.detach() for name, value in values.items()}

    @classmethod
    def facts(cls) -> dict[str, Any]:
        return {"needs_bounded": cls.needs_bounded}


def pairs(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Masks (n, n) of the pairs of the same class (without self) and of different classes."""
    same = labels[:, None] == labels[None, :]
    self_ = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    return same & ~self_, ~same
