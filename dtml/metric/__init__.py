"""Metric losses: what shapes distances from labels. One file each."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from dtml.losses import Loss


class Metric(Loss):
    """A loss on labelled embeddings: `loss(embeddings, labels) -> scalar`.

    A batch without a usable pair gives a zero that still carries a gradient (of zero), and `watched`
    tells the number of active pairs, so that an idle loss can be seen.
    """

    kind = "metric"
    needs_bounded: ClassVar[bool] = False
    """Whether the loss has a lower bound only on bounded embeddings (tanh or normalised)."""

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The loss of embeddings (n, d) with labels (n,) as a scalar tensor."""
        raise NotImplementedError

    @classmethod
    def facts(cls) -> dict[str, Any]:
        return {"needs_bounded": cls.needs_bounded}


def pair_masks(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Masks (n, n) of the pairs of the same class (without self) and of different classes."""
    same = labels[:, None] == labels[None, :]
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    return same & ~itself, ~same
