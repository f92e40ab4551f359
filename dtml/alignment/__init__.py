"""Alignment losses: what draws two domains together. One file each."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor

from dtml.losses import Loss
from dtml.representation import Representation


class Alignment(Loss):
    """A loss between two domains: `loss(source, target, progress) -> scalar`.

    Most losses are stepped as one with the model. Two other roles are open to a loss: it may train its learnable
    parts against the encoder in a step of their own (`opponent`), and it may weigh the source's samples (`weights`).
    """

    kind = "alignment"
    needs_labels: ClassVar[bool] = False
    """Whether it learns from labelled target samples."""
    has_opponent: ClassVar[bool] = False
    """Whether its learnable parts are stepped by themselves, on the value of `opponent`."""
    moves_encoder: ClassVar[bool] = True
    """Whether its gradient reaches the encoder; otherwise it acts through `weights` alone."""

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        """The loss as a scalar tensor; `progress` in [0, 1] is the share of training done."""
        raise NotImplementedError

    def opponent(self, source: Representation, target: Representation, progress: float) -> Tensor:
        """What the learnable parts minimise where that is not the loss itself.

        Called before `forward`, on representations without a gradient; one optimiser step on its value moves
        the learnable parts, and `forward` then moves the encoder only.
        """
        raise NotImplementedError

    def weights(self, source: Representation, target: Representation, progress: float) -> Tensor | None:
        """Weights (n,) of the source's samples in the classification, of mean 1; None: all count the same."""
        return None

    @classmethod
    def facts(cls) -> dict[str, Any]:
        return {**super().facts(), "needs_labels": cls.needs_labels}
