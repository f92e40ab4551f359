"""Self-supervised pretraining by NT-Xent (SimCLR): two views of a sample are drawn together, all others apart."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from dtml.augmentation import view
from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text
from dtml.metric.ntxent import nt_xent
from dtml.strategies import Batch, Objective, Phase, Scene, Strategy, moving, shared, start_rate


class ContrastivePretraining(Strategy):
    """Two phases: the backbone learns from pairs of views of both domains' samples, then everything learns classes.

    Views are moved, turned, scaled, and brighter or darker; rows of numbers are jittered, texts lose tokens.
    """

    name = "contrastive_pretraining"
    title = Text("Self-supervised pretraining: NT-Xent", "自监督预训练：NT-Xent")
    summary = Text(
        "The backbone first learns, on both domains and without labels, to recognise two views of the same sample; "
        "then everything is trained on the source.",
        "骨干网络先在两个域上、无需标签地学习识别同一样本的两个视图；然后在源域上整体训练。",
    )
    formula = (
        r"\ell_{i,j} = -\log\frac{e^{\mathrm{sim}(z_i, z_j)/\tau}}{\sum_{k \ne i} e^{\mathrm{sim}(z_i, z_k)/\tau}}"
    )
    paper = Paper(
        "Chen, Kornblith, Norouzi, Hinton", 2020,
        "A Simple Framework for Contrastive Learning of Visual Representations",
        "https://arxiv.org/abs/2002.05709", "(1)",
    )  # fmt: skip
    adapts = True
    counterfactual = {"name": "full_training"}

    class Params(BaseParams):
        """How long it pretrains, and how sharply it tells views apart."""

        share: float = param(0.3, "Share of the steps without labels", "无标签训练的步数占比", gt=0, lt=1)
        temperature: float = param(0.5, "Temperature τ", "温度 τ", gt=0, le=10)
        projection: int = param(64, "Dimensions of the projection", "投影维数", ge=2, le=1024)

    def phases(self, stages: Sequence[str], learned: bool) -> list[Phase]:
        p, rate = self.params, start_rate(learned)
        rates = {f"stages.{stage}": rate for stage in stages}
        objective = partial(Views, p.temperature, p.projection)
        title = Text("Learning from views", "从视图中学习")
        first = Phase("views", title, rates, p.share, losses=False, objective=objective)
        then = Phase("train", Text("Training", "训练"), moving(stages, rate))
        return [first, *shared([then], 1 - p.share)]


class Views(Objective):
    """NT-Xent between two views of every sample, on a projection of the features that is thrown away afterwards."""

    def __init__(self, temperature: float, projection: int) -> None:
        super().__init__()
        self.temperature, self.projection = temperature, projection

    def begin(self, scene: Scene) -> None:
        self._network = [scene.model.network]  # not a part of this one: it is stepped as the model's
        width = scene.model.network.out_features
        self.project = nn.Sequential(nn.Linear(width, 128), nn.ReLU(), nn.Linear(128, self.projection))

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        inputs = batch.all_inputs
        with batch.autocast():
            seen = self.project(self._network[0](torch.cat([view(inputs), view(inputs)])))
        samples = torch.arange(len(inputs), device=inputs.device).repeat(2)
        return {"views": nt_xent(seen.float(), samples, self.temperature)}
