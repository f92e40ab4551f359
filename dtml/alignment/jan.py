"""JAN: the distance between the joint distributions of embedding and class scores."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from dtml.alignment import Alignment
from dtml.alignment._kernels import KernelParams, discrepancy, gaussian_kernel
from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import Example, full_precision, squared_distances
from dtml.representation import Representation

_K, _H = math.exp(-0.5), math.exp(-0.25)


class JAN(Alignment):
    """Squared MMD with the product of a kernel on the embedding and one on the class probabilities.

    It sees that embeddings and predictions are paired differently in the two domains, even where each of them
    alone is distributed alike. The biased estimate over all pairs; the paper has a linear-time one as well.
    """

    name = "jan"
    title = Text("JAN (joint MMD)", "JAN（联合 MMD）")
    summary = Text(
        "Compares the joint distributions of embedding and predicted class probabilities through a product of kernels.",
        "通过核的乘积比较嵌入与预测类别概率的联合分布。",
    )
    formula = (
        r"\mathrm{JMMD}^2 = \mathbb E\,\kappa(s, s') + \mathbb E\,\kappa(t, t') - 2\,\mathbb E\,\kappa(s, t),\quad "
        r"\kappa(x, y) = k(f_x, f_y)\;\ell(\hat y_x, \hat y_y)"
    )
    paper = Paper(
        "Long, Zhu, Wang, Jordan", 2017, "Deep Transfer Learning with Joint Adaptation Networks",
        "https://arxiv.org/abs/1605.06636", "section 4.1",
    )  # fmt: skip
    claims = frozenset({
        "zero_on_equal_domains", "symmetric", "permutation_invariant", "translation_invariant", "rotation_invariant",
        "non_negative", "bounded",
    })  # fmt: skip
    examples = (
        Example(
            ([[0.0]], [[1.0]]), 2 - 2 * math.exp(-0.75), "k = e^-½; p = (½, ½) and (¾, ¼): |Δp|² = ⅛, ℓ = e^-¼",
            {"kernels": 1, "bandwidth": 1.0, "score_bandwidth": 0.5}, logits=([[0.0, 0.0]], [[math.log(3), 0.0]]),
        ),
        Example(
            ([[0.0], [1.0]], [[0.0], [1.0]]), (1 - _K) * (1 - _H),
            "equal embeddings, equal scores, paired the other way: 2·½(1 + kℓ) - 2·½(k + ℓ) with k = e^-½, ℓ = e^-¼",
            {"kernels": 1, "bandwidth": 1.0, "score_bandwidth": 0.5},
            logits=([[0.0, 0.0], [math.log(3), 0.0]], [[math.log(3), 0.0], [0.0, 0.0]]),
        ),
    )  # fmt: skip

    class Params(KernelParams):
        """Kernels of the embedding and of the class probabilities."""

        score_kernels: int = param(
            1, "Gaussian kernels on the class probabilities", "类别概率上的高斯核个数", ge=1, le=25
        )
        score_bandwidth: float = param(
            0.92,
            "Width σ of the middle kernel on the class probabilities (0: from the batch's mean distance)",
            "类别概率上中间核的宽度 σ（0：由批内平均距离决定）",
            ge=0,
        )

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        p = self.params
        both = full_precision(torch.cat([source.embedding, target.embedding]))
        scores = full_precision(torch.cat([source.logits, target.logits])).softmax(1)
        on_embedding = gaussian_kernel(squared_distances(both, both), p.kernels, p.factor, p.bandwidth)
        on_scores = gaussian_kernel(squared_distances(scores, scores), p.score_kernels, p.factor, p.score_bandwidth)
        return discrepancy(on_embedding * on_scores, len(source.embedding))
