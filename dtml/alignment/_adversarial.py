"""What adversarial alignments share: a discriminator, the schedule of λ, the reversed gradient."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from dtml.catalogue import param
from dtml.losses import LossParams


class DiscriminatorParams(LossParams):
    """The size of a discriminator."""

    hidden: int = param(128, "Hidden units of the discriminator", "判别器隐藏单元数", ge=1, le=4096)
    layers: int = param(2, "Hidden layers of the discriminator", "判别器隐藏层数", ge=0, le=4)


class AdversarialParams(DiscriminatorParams):
    """The discriminator and the schedule of λ."""

    ceiling: float = param(
        1.0, "Largest λ (strength of the reversed gradient)", "λ 的上限（反转梯度的强度）", ge=0, le=10
    )
    gamma: float = param(10.0, "How early λ rises", "λ 上升的早晚", gt=0, le=100)

    def strength(self, progress: float) -> float:
        """λ when the share `progress` of training is done."""
        return self.ceiling * strength_at(progress, self.gamma)


def discriminator(inputs: int, params: DiscriminatorParams, outputs: int = 1) -> nn.Sequential:
    """A perceptron with ReLU from `inputs` to `outputs` scores."""
    widths = [inputs, *[params.hidden] * params.layers]
    hidden = [m for a, b in zip(widths, widths[1:], strict=False) for m in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(widths[-1], outputs))


def strength_at(progress: float, gamma: float) -> float:
    """λ as a share of its ceiling: 2 / (1 + exp(−γp)) − 1, from 0 at the start towards 1."""
    return 2 / (1 + math.exp(-gamma * progress)) - 1


def reverse_gradient(values: Tensor, strength: float) -> Tensor:
    """`values` unchanged; on the way back their gradient is multiplied by −`strength`."""
    return _Reversal.apply(values, strength)


class _Reversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradients[0], None
