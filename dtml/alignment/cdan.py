"""CDAN: the discriminator sees the embedding together with what the classifier makes of it."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax

from dtml.alignment import Alignment
from dtml.alignment._adversarial import AdversarialParams, discriminator, reverse_gradient
from dtml.alignment._parts import built, domain_accuracy, domain_entropy
from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import full_precision
from dtml.representation import Representation

LARGEST = 4096
"""The largest product of both widths that the discriminator sees in full (the paper's own threshold)."""


class CDAN(Alignment):
    """Conditional adversarial training, with entropy weights (CDAN+E).

    Class probabilities and entropy weights are constants, the paper leaves that open: as in the authors' code the
    classifier is not trained to hide the domain (there the entropy does get a reversed gradient). The loss is the
    mean over both domains, log 2 when undecided, where the paper adds them. The discriminator is smaller than the
    paper's (1024 units a layer).
    """

    name = "cdan"
    title = Text("CDAN (conditional adversarial)", "CDAN（条件对抗）")
    summary = Text(
        "Like DANN, but the discriminator sees the product of embedding and class probabilities, so that classes are "
        "matched with classes; samples that the classifier is sure of count more.",
        "与 DANN 类似，但判别器看到嵌入与类别概率的乘积，使各类别与对应类别匹配；分类器更有把握的样本权重更大。",
    )
    formula = (
        r"\mathcal L = -\tfrac12\,\mathbb E_s\,w\log D(f\otimes g) - \tfrac12\,\mathbb E_t\,w\log(1 - D(f\otimes g)),"
        r"\quad w \propto 1 + e^{-H(g)},\quad \min_\phi\mathcal L,\ \max_\theta\lambda\mathcal L"
    )
    paper = Paper(
        "Long, Cao, Wang, Jordan", 2018, "Conditional Adversarial Domain Adaptation",
        "https://arxiv.org/abs/1705.10667", "section 3",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant", "non_negative", "gradient_of_its_own"})

    class Params(AdversarialParams):
        """Discriminator, schedule and conditioning."""

        entropy: bool = param(
            True, "Samples with sure predictions count more (CDAN+E)", "预测有把握的样本权重更大（CDAN+E）"
        )
        random_dim: int = param(
            1024,
            "Width of the random projection, where dimensions × classes exceed 4096",
            "随机投影的宽度（仅当嵌入维数 × 类别数超过 4096 时使用）",
            ge=1,
            le=16384,
        )

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self.discriminator: nn.Module | None = None

    def build(self, dim: int, classes: int) -> None:
        product = Product(dim, classes, self.params.random_dim if dim * classes > LARGEST else 0)
        self.discriminator = nn.Sequential(product, discriminator(product.width, self.params))

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        strength = self.params.strength(progress)
        judge = built(self, "discriminator", source)
        n = len(source.embedding)
        embeddings = full_precision(torch.cat([source.embedding, target.embedding]))
        log_p = log_softmax(full_precision(torch.cat([source.logits, target.logits])).detach(), 1)
        scores = judge((reverse_gradient(embeddings, strength), log_p.exp())).squeeze(1)
        self.watch(domain_accuracy=domain_accuracy(scores[:n], scores[n:]), strength=scores.new_tensor(strength))
        losses = domain_entropy(scores[:n], scores[n:])
        if self.params.entropy:
            losses = sureness(log_p[:n]) * losses[0], sureness(log_p[n:]) * losses[1]
        return (losses[0].mean() + losses[1].mean()) / 2


class Product(nn.Module):
    """Embeddings (n, d) times class probabilities (n, c) as (n, d·c), or as (n, width) random projections of it."""

    def __init__(self, dim: int, classes: int, random_dim: int) -> None:
        super().__init__()
        self.width = random_dim or dim * classes
        self.random = bool(random_dim)
        if random_dim:
            self.register_buffer("of_embedding", torch.randn(dim, random_dim))
            self.register_buffer("of_classes", torch.randn(classes, random_dim))

    def forward(self, given: tuple[Tensor, Tensor]) -> Tensor:
        embeddings, probabilities = given
        if self.random:
            return randomised(embeddings, probabilities, self.of_embedding, self.of_classes)  # type: ignore[arg-type]
        return outer(embeddings, probabilities)


def outer(embeddings: Tensor, probabilities: Tensor) -> Tensor:
    """f ⊗ g, flattened: embeddings (n, d) and probabilities (n, c) give (n, d·c)."""
    return (embeddings[:, :, None] * probabilities[:, None, :]).flatten(1)


def randomised(embeddings: Tensor, probabilities: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """(f R_f) ⊙ (g R_g) / √r with fixed Gaussian R_f (d, r) and R_g (c, r): stands in for f ⊗ g."""
    return (embeddings @ first) * (probabilities @ second) / math.sqrt(first.shape[1])


def sureness(log_p: Tensor) -> Tensor:
    """w = 1 + exp(−H) of log probabilities (n, c), divided by its mean; (n,)."""
    weights = 1 + torch.exp((log_p.exp() * log_p).sum(1))
    return weights / weights.mean()
