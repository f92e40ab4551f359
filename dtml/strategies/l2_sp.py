"""L2-SP: fine-tuning that is drawn back to the weights it started from."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text
from dtml.strategies import Batch, Objective, Phase, Scene, Strategy, moving, pretrained_first


class L2SP(Strategy):
    """One phase; the backbone's weights pay for their distance from the start, not for their size.

    The optimiser's weight decay goes on acting on all weights besides; the paper's β on the new head is that.
    """

    name = "l2_sp"
    title = Text("Fine-tuning with L2-SP", "L2-SP 微调")
    summary = Text(
        "Fine-tuning in which every backbone weight is drawn back to its starting point, so that what was learned "
        "is kept unless the data speaks against it.",
        "微调时将骨干网络的每个权重拉回其起点，除非数据反对，否则保留已学到的知识。",
    )
    formula = r"\mathcal L + \tfrac{\alpha}{2}\,\|\theta - \theta_0\|^2"
    paper = Paper(
        "Li, Grandvalet, Davoine", 2018, "Explicit Inductive Bias for Transfer Learning with Convolutional Networks",
        "https://arxiv.org/abs/1802.01483", "(2)",
    )  # fmt: skip

    class Params(BaseParams):
        """How strong the pull is."""

        alpha: float = param(0.1, "Strength α of the pull to the start", "拉回起点的强度 α", ge=0, le=1e4)
        backbone_rate: float = param(
            0.1, "Learning rate of the backbone, relative", "骨干网络的相对学习率", gt=0, le=10
        )

    def phases(self, stages: Sequence[str], learned: bool) -> list[Phase]:
        rates = moving(stages, self.params.backbone_rate)
        tuned = Phase(
            "finetune", Text("Fine-tuning", "微调"), rates, objective=partial(StartingPoint, self.params.alpha)
        )
        return pretrained_first([tuned], stages, learned)


class StartingPoint(Objective):
    """½α·‖θ − θ₀‖² of the backbone, θ₀ being its weights when the phase begins."""

    def __init__(self, alpha: float) -> None:
        super().__init__()
        self.alpha = alpha

    def begin(self, scene: Scene) -> None:
        self._weights = list(scene.model.network.parameters())
        self.register_buffer("start", torch.cat([w.detach().flatten() for w in self._weights]))

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        return {"l2_sp": self.alpha * squared_distance(self._weights, self.get_buffer("start"))}


def squared_distance(weights: list[Tensor], start: Tensor) -> Tensor:
    """½ the squared distance of the weights from `start`, the same weights in one vector."""
    return (torch.cat([w.flatten() for w in weights]) - start).square().sum() / 2
