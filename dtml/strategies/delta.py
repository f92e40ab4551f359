"""DELTA: fine-tuning that keeps what the starting network's layers give, where it matters."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text
from dtml.strategies import Batch, Objective, Phase, Scene, Strategy, moving, pretrained_first


class DELTA(Strategy):
    """One phase; the outputs of the stages pay for their distance from those of the starting network.

    The paper weighs channels by how much the source's loss grows without each filter, found in a separate pass.
    Here a channel's weight is the share of the starting network's squared activations that it carries, batch by
    batch: no pass and no labels are needed, and it also vanishes for channels that are silent.
    """

    name = "delta"
    title = Text("Fine-tuning with DELTA", "DELTA 微调")
    summary = Text(
        "Fine-tuning in which the feature maps are held near those of the starting network, channel by channel.",
        "微调时逐通道地使特征图保持接近起始网络的特征图。",
    )
    formula = r"\mathcal L + \beta\sum_m\sum_c a^{(m)}_c\,\|h^{(m)}_c(x; \theta) - h^{(m)}_c(x; \theta_0)\|^2"
    paper = Paper(
        "Li, Xiong, Wang, Rao, Liu, Huan", 2019,
        "DELTA: Deep Learning Transfer using Feature Map with Attention for Convolutional Networks",
        "https://arxiv.org/abs/1901.09229", "(4)-(6)",
    )  # fmt: skip

    class Params(BaseParams):
        """How strongly the feature maps are held."""

        beta: float = param(0.1, "Strength β", "强度 β", ge=0, le=1e4)
        backbone_rate: float = param(
            0.1, "Learning rate of the backbone, relative", "骨干网络的相对学习率", gt=0, le=10
        )

    def phases(self, stages: Sequence[str], learned: bool) -> list[Phase]:
        rates = moving(stages, self.params.backbone_rate)
        held = partial(HeldMaps, self.params.beta)
        tuned = Phase("finetune", Text("Fine-tuning", "微调"), rates, objective=held)
        return pretrained_first([tuned], stages, learned)


class HeldMaps(Objective):
    """β times the attention-weighted squared distance of the stages' outputs from the starting network's."""

    needs_layers = True

    def __init__(self, beta: float) -> None:
        super().__init__()
        self.beta = beta
        self.start: Any = None

    def begin(self, scene: Scene) -> None:
        self.start = copy.deepcopy(scene.model.network).eval().requires_grad_(False)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        now = [torch.cat(maps).float() for maps in zip(*(side.layers for side in batch.seen if side), strict=True)]
        with torch.no_grad():
            before = [maps.float() for maps in self.start.outputs(batch.all_inputs)]
        distance = sum(attentive_distance(a, b) for a, b in zip(now, before, strict=False))
        return {"delta": self.beta * torch.as_tensor(distance)}


def attentive_distance(now: Tensor, before: Tensor) -> Tensor:
    """Σ_c a_c·‖now_c − before_c‖² of maps (n, c, ...), a mean over samples; a_c: channel c's share of ‖before‖²."""
    energy = before.flatten(2).square().sum((0, 2)) if before.ndim > 2 else before.square().sum(0)
    attention = energy / energy.sum().clamp_min(1e-12)
    gaps = (now - before).reshape(len(now), len(attention), -1).square().sum(2)
    return (gaps * attention).sum(1).mean()
