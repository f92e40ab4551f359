"""MADA: a discriminator for each class, fed the embedding as far as the sample seems to belong to that class."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softmax

from dtml.alignment import Alignment
from dtml.alignment._adversarial import AdversarialParams, reverse_gradient
from dtml.alignment._parts import built, domain_accuracy, domain_entropy
from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import full_precision
from dtml.representation import Representation


class MADA(Alignment):
    """Multi-adversarial training.

    The class probabilities are constants: the classifier is not trained to hide the domain (the paper leaves that
    open). The losses of the classes are added as in the paper, so that the value grows with their number while the
    encoder's gradient, weighted by the probabilities, does not. Each discriminator sees a class's share of the batch:
    with 128 units and λ up to 1 they gained nothing on small digits.
    """

    name = "mada"
    title = Text("MADA (one discriminator a class)", "MADA（每类一个判别器）")
    summary = Text(
        "One discriminator for each class sees the embedding times the probability of that class; the encoder gets "
        "their gradients reversed.",
        "每个类别一个判别器，看到嵌入乘以该类别的概率；编码器收到它们反转后的梯度。",
    )
    formula = (
        r"\min_{\theta, w}\max_{\phi}\ \mathcal L_y - \frac{\lambda}{n}\sum_{k}\sum_{i}"
        r"\mathrm{BCE}\bigl(D_k(\hat y_i^k f_i),\, d_i\bigr)"
    )
    paper = Paper(
        "Pei, Cao, Long, Wang", 2018, "Multi-Adversarial Domain Adaptation", "https://arxiv.org/abs/1809.02176",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant", "non_negative", "gradient_of_its_own"})

    class Params(AdversarialParams):
        """Discriminators, one small one a class, and schedule."""

        hidden: int = param(32, "Hidden units of each discriminator", "每个判别器的隐藏单元数", ge=1, le=4096)
        layers: int = param(1, "Hidden layers of each discriminator", "每个判别器的隐藏层数", ge=0, le=4)
        ceiling: float = param(
            0.3, "Largest λ (strength of the reversed gradient)", "λ 的上限（反转梯度的强度）", ge=0, le=10
        )

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self.discriminators: nn.Module | None = None

    def build(self, dim: int, classes: int) -> None:
        p = self.params
        widths = [dim, *[p.hidden] * p.layers, 1]
        layers = [GroupedLinear(classes, a, b) for a, b in zip(widths, widths[1:], strict=False)]
        self.discriminators = nn.Sequential(*[m for layer in layers for m in (layer, nn.ReLU())][:-1])

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        strength = self.params.strength(progress)
        judges = built(self, "discriminators", source)
        n = len(source.embedding)
        embeddings = full_precision(torch.cat([source.embedding, target.embedding]))
        probabilities = softmax(full_precision(torch.cat([source.logits, target.logits])).detach(), 1)
        scores = judges(by_class(reverse_gradient(embeddings, strength), probabilities)).squeeze(2)
        likely = scores.detach().gather(0, probabilities.argmax(1)[None]).squeeze(0)
        self.watch(domain_accuracy=domain_accuracy(likely[:n], likely[n:]), strength=scores.new_tensor(strength))
        return torch.cat(domain_entropy(scores[:, :n], scores[:, n:]), 1).mean(1).sum()


class GroupedLinear(nn.Module):
    """A linear layer for each of `groups`, applied at once: (groups, n, inputs) gives (groups, n, outputs)."""

    def __init__(self, groups: int, inputs: int, outputs: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.empty(groups, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(groups, 1, outputs).uniform_(-bound, bound))

    def forward(self, values: Tensor) -> Tensor:
        return torch.baddbmm(self.bias, values, self.weight)


def by_class(embeddings: Tensor, probabilities: Tensor) -> Tensor:
    """ŷ_k·f for every class k: embeddings (n, d) and probabilities (n, c) give (c, n, d)."""
    return probabilities.T[:, :, None] * embeddings
