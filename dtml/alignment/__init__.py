"""Alignment losses: what draws two domains together. One file each."""

from __future__ import annotations

from torch import Tensor

from dtml.losses import Loss
from dtml.representation import Representation


class Alignment(Loss):
    """A loss between two domains: `loss(source, target, progress) -> scalar`."""

    kind = "alignment"

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        """The loss as a scalar tensor; `progress` in [0, 1] is the share of training done."""
        raise NotImplementedError
