"""ADDA: the target's embedding is trained to be taken for the source's, by a discriminator with a step of its own."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn.functional import softplus

from dtml.alignment import Alignment
from dtml.alignment._adversarial import DiscriminatorParams, discriminator
from dtml.alignment._parts import built, domain_accuracy, domain_entropy, zero
from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import full_precision
from dtml.representation import Representation


class ADDA(Alignment):
    """Adversarial discriminative adaptation with inverted labels.

    Both domains share one encoder here. The paper unties them: it learns the source's encoder, freezes it, and
    trains a copy for the target. What stands for that here: the classification goes on to hold the source, and the
    mapping may begin when a share of the training is done (`start`). The discriminator has the paper's two hidden
    layers, but fewer units (the paper takes 500): with 128 it told the domains apart so well that the encoder of
    small digits could not follow.
    """

    name = "adda"
    title = Text("ADDA (inverted labels)", "ADDA（标签反转）")
    summary = Text(
        "A discriminator learns to tell the domains apart in steps of its own; then the encoder learns to make target "
        "samples be taken for source samples.",
        "判别器以独立的步骤学习区分两个域；随后编码器学习让目标域样本被误认为源域样本。",
    )
    formula = r"\min_\phi -\mathbb E_s\log D(f) - \mathbb E_t\log(1 - D(f)),\qquad \min_\theta -\mathbb E_t\log D(f)"
    paper = Paper(
        "Tzeng, Hoffman, Saenko, Darrell", 2017, "Adversarial Discriminative Domain Adaptation",
        "https://arxiv.org/abs/1702.05464", "(9)",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant", "non_negative"})
    has_opponent = True

    class Params(DiscriminatorParams):
        """Weight, discriminator and beginning."""

        weight: float = param(0.3, "Trade-off weight", "权衡权重", ge=0)
        hidden: int = param(32, "Hidden units of the discriminator", "判别器隐藏单元数", ge=1, le=4096)
        start: float = param(
            0.0, "Share of the training after which the mapping begins", "训练完成多大比例后开始映射", ge=0, le=1
        )

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self.discriminator: nn.Module | None = None

    def build(self, dim: int, classes: int) -> None:
        self.discriminator = discriminator(dim, self.params)

    def opponent(self, source: Representation, target: Representation, progress: float) -> Tensor:
        judge = built(self, "discriminator", source)
        scores = [judge(full_precision(domain.embedding)).squeeze(1) for domain in (source, target)]
        self.watch(domain_accuracy=domain_accuracy(*scores))
        losses = domain_entropy(*scores)
        return (losses[0].mean() + losses[1].mean()) / 2

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        judge = built(self, "discriminator", target)
        if progress < self.params.start:
            return zero(source, target)
        return mapping_loss(judge(full_precision(target.embedding)))


def mapping_loss(scores: Tensor) -> Tensor:
    """−mean log D of the target's scores (m, 1), D their sigmoid: small where they are taken for the source's."""
    return softplus(-scores).mean()
