"""Importance weighting: source samples count as much as a domain classifier takes them for target samples."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from dtml.alignment import Alignment
from dtml.alignment._adversarial import DiscriminatorParams, discriminator
from dtml.alignment._parts import built, domain_accuracy, domain_entropy, effective_share, mixed, zero
from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import full_precision
from dtml.representation import Representation


class ImportanceWeighting(Alignment):
    """Covariate-shift correction by the odds of a domain classifier on the embedding.

    The odds are held between 1/clip and clip, and divided by their mean in the batch. Where the domains do not
    overlap all of them lie at the lower end and the weights are equal: nothing can be said, and nothing is done.
    `effective_share` is as how large a share of the batch the weighted samples count; far below 1 a few of them lead.
    The paper weights fixed inputs; here the embedding that is classified moves with the training, and the paper's
    logistic regression has a hidden layer (0 layers give the paper's).
    """

    name = "importance"
    title = Text("Importance weighting", "重要性加权")
    summary = Text(
        "A classifier tells the domains apart; source samples that it takes for target samples count more in the "
        "classification.",
        "一个分类器区分两个域；被它认作目标域的源域样本在分类损失中权重更大。",
    )
    formula = (
        r"w(x) = \frac{\pi(x)}{\tfrac1{n_s}\sum_i\pi(x_i)},\quad \pi(x) = \mathrm{clip}\Bigl("
        r"\frac{P(t\mid x)}{P(s\mid x)},\ \tfrac1c,\ c\Bigr)"
    )
    paper = Paper(
        "Bickel, Brückner, Scheffer", 2009, "Discriminative Learning Under Covariate Shift",
        "https://www.jmlr.org/papers/v10/bickel09a.html", "section 4",
    )  # fmt: skip
    claims = frozenset({
        "zero_on_equal_domains", "symmetric", "permutation_invariant", "translation_invariant", "rotation_invariant",
        "blind_to_mean_shift", "non_negative", "bounded",
    })  # fmt: skip
    has_opponent = True
    moves_encoder = False

    class Params(DiscriminatorParams):
        """Domain classifier and bounds of the weights."""

        weight: float = param(
            1.0,
            "Share of the weighting (0: all samples count the same)",
            "加权的比例（0：所有样本权重相同）",
            ge=0,
            le=1,
        )
        layers: int = param(1, "Hidden layers of the domain classifier", "域分类器隐藏层数", ge=0, le=4)
        hidden: int = param(128, "Hidden units of the domain classifier", "域分类器隐藏单元数", ge=1, le=4096)
        clip: float = param(
            10.0, "Largest odds, and the inverse of the smallest", "几率的上限，其倒数为下限", gt=1, le=1000
        )

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self.discriminator: nn.Module | None = None

    def build(self, dim: int, classes: int) -> None:
        self.discriminator = discriminator(dim, self.params)

    def opponent(self, source: Representation, target: Representation, progress: float) -> Tensor:
        losses = domain_entropy(*self._scores(source, target))
        return (losses[0].mean() + losses[1].mean()) / 2

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        return zero(source, target)

    @torch.no_grad()
    def weights(self, source: Representation, target: Representation, progress: float) -> Tensor:
        scores = self._scores(source, target)
        weights = mixed(odds(scores[0], self.params.clip), self.params.weight)
        self.watch(domain_accuracy=domain_accuracy(*scores), effective_share=effective_share(weights))
        return weights

    def _scores(self, source: Representation, target: Representation) -> tuple[Tensor, Tensor]:
        judge = built(self, "discriminator", source)
        return judge(full_precision(source.embedding)).squeeze(1), judge(full_precision(target.embedding)).squeeze(1)


def odds(scores: Tensor, clip: float) -> Tensor:
    """exp(−score) between 1/clip and clip, divided by its mean; scores (n,) are the log odds of the source.

    The scores are those of a classifier to which both domains count the same, whatever their batch sizes.
    """
    raw = torch.exp(-scores.clamp(-math.log(clip), math.log(clip)))
    return raw / raw.mean()
