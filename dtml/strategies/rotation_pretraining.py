"""Self-supervised pretraining by rotation: the network first learns to tell how an image was turned."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text
from dtml.strategies import Batch, Objective, Phase, Scene, Strategy, moving, shared, start_rate


class RotationPretraining(Strategy):
    """Two phases: the backbone learns the quarter turns of both domains' images, then everything learns classes."""

    name = "rotation_pretraining"
    title = Text("Self-supervised pretraining: rotation", "自监督预训练：旋转预测")
    summary = Text(
        "The backbone first learns, on both domains and without labels, by how many quarter turns an image was "
        "rotated; then everything is trained on the source.",
        "骨干网络先在两个域上、无需标签地学习判断图像旋转了几个 90°；然后在源域上整体训练。",
    )
    formula = r"\min_\theta\ \tfrac14\sum_{r=0}^{3} \mathrm{CE}\bigl(g(f_\theta(\mathrm{rot}(x, 90°r))), r\bigr)"
    paper = Paper(
        "Gidaris, Singh, Komodakis", 2018, "Unsupervised Representation Learning by Predicting Image Rotations",
        "https://arxiv.org/abs/1803.07728", "(2)-(3)",
    )  # fmt: skip
    adapts = True
    accepts = ("images",)
    counterfactual = {"name": "full_training"}

    class Params(BaseParams):
        """How long it pretrains."""

        share: float = param(0.3, "Share of the steps without labels", "无标签训练的步数占比", gt=0, lt=1)

    def phases(self, stages: Sequence[str], learned: bool) -> list[Phase]:
        rate, share = start_rate(learned), self.params.share
        rates = {f"stages.{stage}": rate for stage in stages}
        title = Text("Learning rotations", "学习旋转")
        first = Phase("rotation", title, rates, share, losses=False, objective=Rotations)
        then = Phase("train", Text("Training", "训练"), moving(stages, rate))
        return [first, *shared([then], 1 - share)]


class Rotations(Objective):
    """Cross-entropy of a linear head on the features for the four quarter turns of every image."""

    def begin(self, scene: Scene) -> None:
        self._network = [scene.model.network]  # not a part of this one: it is stepped as the model's
        self.head = nn.Linear(scene.model.network.out_features, 4)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        turned, turns = quarter_turns(batch.all_inputs)
        with batch.autocast():
            scores = self.head(self._network[0](turned))
        return {"rotation": cross_entropy(scores.float(), turns)}


def quarter_turns(images: Tensor) -> tuple[Tensor, Tensor]:
    """All four turns (4n, c, h, w) of square images (n, c, h, w), and how many quarters each was turned (4n,)."""
    turned = torch.cat([torch.rot90(images, quarters, (2, 3)) for quarters in range(4)])
    return turned, torch.arange(4, device=images.device).repeat_interleave(len(images))
