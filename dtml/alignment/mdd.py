"""MDD: a second classifier agrees with the first on the source and departs from it on the target."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softplus

from dtml.alignment import Alignment
from dtml.alignment._adversarial import AdversarialParams, discriminator, reverse_gradient
from dtml.alignment._parts import built
from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import full_precision
from dtml.representation import Representation


class MDD(Alignment):
    """Margin disparity discrepancy.

    The main classifier's most likely class is what the adversarial one is held against; that choice has no
    gradient. The reversed gradient's λ rises by DANN's schedule over the share of training (the authors count
    iterations), and to 1: the 0.1 of the authors' code gained nothing on small digits, but was better on two moons.
    The adversarial classifier has the authors' one hidden layer, but fewer units (they take 1024) and no dropout.
    """

    name = "mdd"
    title = Text("MDD (margin disparity)", "MDD（间隔差异）")
    summary = Text(
        "An adversarial classifier learns to agree with the main one on the source and to disagree on the target; the "
        "encoder gets its gradient reversed.",
        "对抗分类器学习在源域上与主分类器一致、在目标域上不一致；编码器收到反转后的梯度。",
    )
    formula = (
        r"\min_{f'}\max_{\theta}\ -\gamma\,\mathbb E_s\log\sigma_{\hat y}(f') - \mathbb E_t\log"
        r"\bigl(1 - \sigma_{\hat y}(f')\bigr),\quad \hat y = \arg\max f"
    )
    paper = Paper(
        "Zhang, Liu, Long, Jordan", 2019, "Bridging Theory and Algorithm for Domain Adaptation",
        "https://arxiv.org/abs/1904.05801", "section 4",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant", "non_negative", "gradient_of_its_own"})

    class Params(AdversarialParams):
        """Adversarial classifier, margin and schedule."""

        hidden: int = param(128, "Hidden units of the adversarial classifier", "对抗分类器隐藏单元数", ge=1, le=4096)
        layers: int = param(1, "Hidden layers of the adversarial classifier", "对抗分类器隐藏层数", ge=0, le=4)
        margin: float = param(
            4.0, "Margin factor γ: weight of the source's agreement", "间隔因子 γ：源域一致性的权重", gt=0, le=100
        )

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self.adversary: nn.Module | None = None

    def build(self, dim: int, classes: int) -> None:
        self.adversary = discriminator(dim, self.params, classes)

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        strength = self.params.strength(progress)
        adversary = built(self, "adversary", source)
        n = len(source.embedding)
        embeddings = full_precision(torch.cat([source.embedding, target.embedding]))
        scores = adversary(reverse_gradient(embeddings, strength))
        chosen = torch.cat([source.logits, target.logits]).detach().argmax(1)
        agrees = (scores.detach().argmax(1) == chosen).float()
        self.watch(
            source_agreement=agrees[:n].mean(),
            target_agreement=agrees[n:].mean(),
            strength=scores.new_tensor(strength),
        )
        return disparity(scores[:n], chosen[:n], scores[n:], chosen[n:], self.params.margin)


def disparity(source: Tensor, source_class: Tensor, target: Tensor, target_class: Tensor, margin: float) -> Tensor:
    """γ·mean −log σ_y(source) + mean −log(1 − σ_y(target)), y the class that the main classifier chose.

    Scores of the adversarial classifier are (n, c) and (m, c), the chosen classes (n,) and (m,).
    """
    return margin * cross_entropy(source, source_class) + departed(target, target_class).mean()


def departed(scores: Tensor, chosen: Tensor) -> Tensor:
    """−log(1 − σ_y) per sample for scores (n, c) and classes y (n,): softplus of the class's score over the others'."""
    own = scores.gather(1, chosen[:, None])
    others = scores.scatter(1, chosen[:, None], -torch.inf).logsumexp(1)
    return softplus(own.squeeze(1) - others)
