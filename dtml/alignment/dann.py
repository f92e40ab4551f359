"""DANN: a discriminator tells the domains apart, and its gradient is reversed on the way to the encoder."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from dtml.alignment import Alignment
from dtml.alignment._adversarial import AdversarialParams, discriminator, reverse_gradient
from dtml.alignment._parts import built
from dtml.catalogue import Paper
from dtml.language import Text
from dtml.losses import full_precision
from dtml.representation import Representation


class DANN(Alignment):
    """Domain-adversarial training.

    The discriminator learns in the same optimiser step as the encoder. λ grows from 0 to a ceiling, so that
    the classes are there before the domains are confused; a ceiling of 1 is the paper's, and often too much.
    """

    name = "dann"
    title = Text("DANN (adversarial)", "DANN（对抗）")
    summary = Text(
        "A discriminator learns to tell the domains apart; the encoder gets its gradient reversed and learns to "
        "make that impossible.",
        "判别器学习区分两个域；编码器收到反转后的梯度，学习让两个域无法区分。",
    )
    formula = (
        r"\min_{\theta, w}\max_{\phi}\ \mathcal L_y(\theta, w) - \lambda\,\mathcal L_d(\theta, \phi),\quad "
        r"\lambda = \lambda_{\max}\Bigl(\tfrac{2}{1 + e^{-\gamma p}} - 1\Bigr)"
    )
    paper = Paper(
        "Ganin, Ustinova, Ajakan, Germain, Larochelle, Laviolette, Marchand, Lempitsky", 2016,
        "Domain-Adversarial Training of Neural Networks", "https://arxiv.org/abs/1505.07818", "(9), section 5.2.2",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant", "non_negative", "gradient_of_its_own"})

    Params = AdversarialParams  # type: ignore[assignment]

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self.discriminator: nn.Module | None = None

    def build(self, dim: int, classes: int) -> None:
        self.discriminator = discriminator(dim, self.params)

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        strength = self.params.strength(progress)
        judge = built(self, "discriminator", source)
        embeddings = full_precision(torch.cat([source.embedding, target.embedding]))
        scores = judge(reverse_gradient(embeddings, strength)).squeeze(1)
        truth = torch.cat([scores.new_ones(len(source.embedding)), scores.new_zeros(len(target.embedding))])
        self.watch(
            domain_accuracy=((scores.detach() > 0) == truth.bool()).float().mean(),
            strength=scores.new_tensor(strength),
        )
        return binary_cross_entropy_with_logits(scores, truth)
