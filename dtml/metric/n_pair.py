"""N-pair loss: each anchor nearer to its positive than to the positives of all other classes at once."""

from __future__ import annotations

import torch
from torch import Tensor

from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import Example, LossParams, full_precision
from dtml.metric import Metric, log_sum_exp, mean_over


class NPair(Metric):
    """One pair a class: the first two samples of each class in the batch, which a shuffled batch draws at random.

    It compares inner products, so the lengths of the embeddings count, and a weight on their squares keeps them
    small. The paper asks for that weight without a number; 0.02 is common in implementations.
    """

    name = "n_pair"
    title = Text("N-pair", "N-pair 损失")
    summary = Text(
        "Each anchor is compared with one sample of its own class and, at once, with one of every other class.",
        "每个锚点与一个同类样本以及其他每个类别的一个样本同时比较。",
    )
    formula = (
        r"\frac1N\sum_i \log\Bigl(1 + \sum_{j \ne i} e^{\,a_i^\top p_j - a_i^\top p_i}\Bigr)"
        r" + \frac{\lambda}{2N}\sum_i \bigl(\|a_i\|^2 + \|p_i\|^2\bigr)"
    )
    paper = Paper(
        "Sohn", 2016, "Improved Deep Metric Learning with Multi-class N-pair Loss Objective",
        "https://papers.nips.cc/paper/6200-improved-deep-metric-learning-with-multi-class-n-pair-loss-objective",
        "section 3.2",
    )  # fmt: skip
    claims = frozenset({"rotation_invariant", "non_negative"})
    examples = (
        Example(
            ([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0], [0.0, 3.0], [9.0, 9.0]], [0, 1, 0, 1, 1]), 0.0877576,
            "pairs (e₁, 2e₁) and (e₂, 3e₂): (log(1 + e⁻²) + log(1 + e⁻³))/2; the third sample of class 1 is unused",
            {"regularisation": 0.0},
        ),
        Example(
            ([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0], [0.0, 3.0]], [0, 1, 0, 1]), 0.4627576,
            "the same and .1 times the mean of 1, 4, 1, 9",
            {"regularisation": 0.1},
        ),
    )  # fmt: skip

    class Params(LossParams):
        """The weight of the lengths.

        The default weight is one at which DANN keeps most of its gain on the default digits task.
        """

        weight: float = param(0.02, "Trade-off weight", "权衡权重", ge=0)
        regularisation: float = param(
            0.02, "Weight λ of the squared lengths of the embeddings", "嵌入向量长度平方的权重 λ", ge=0, le=10
        )

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        embeddings = full_precision(embeddings)
        anchors, positives = first_pairs(labels)
        self.watch(active_pairs=anchors.sum().float())
        lengths = mean_over(embeddings.square().sum(1), anchors | positives)
        return n_pair(embeddings, labels, anchors, positives) + self.params.regularisation * lengths


def first_pairs(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Masks (n,) of the first and of the second sample of every class that has two among labels (n,)."""
    same = labels[:, None] == labels[None, :]
    earlier = same.tril(-1).sum(1)
    return (earlier == 0) & (same.sum(1) > 1), earlier == 1


def n_pair(embeddings: Tensor, labels: Tensor, anchors: Tensor, positives: Tensor) -> Tensor:
    """Mean over the anchors of log(1 + Σ exp(a·n − a·p)), n being the positives of the other classes.

    Args:
        embeddings: (n, d).
        labels: (n,).
        anchors: mask (n,), at most one sample a class.
        positives: mask (n,), one sample of every anchor's class.
    """
    scores = embeddings @ embeddings.T
    own = (labels[:, None] == labels[None, :]) & positives
    losses = log_sum_exp(scores, positives.expand_as(own)) - scores.where(own, 0).sum(1)
    return mean_over(losses.where(anchors, torch.zeros_like(losses)), anchors)
