"""Local MMD: the distance between the domains class by class, weighed by soft predictions."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from dtml.alignment import Alignment
from dtml.alignment._adversarial import strength_at
from dtml.alignment._classes import shared_classes, soft_memberships
from dtml.alignment._kernels import KernelParams, class_discrepancies, gaussian_kernel
from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import Example, full_precision, squared_distances
from dtml.representation import Representation


class LMMD(Alignment):
    """Local maximum mean discrepancy, the loss of the deep subdomain adaptation network (DSAN).

    A source sample weighs in its class, a target sample in every class as much as it is predicted to be of it (a
    known label counts as such). As in the authors' code the predictions are constants: the gradient moves the
    embeddings and leaves the predictions alone, so it is not that of the value. The loss grows from 0 with training:
    at the start every target sample is a little of every class, which draws all classes to one point. The paper's
    γ = 10, on learned features, is too early for training from scratch: classes that have met do not part again.
    """

    name = "lmmd"
    title = Text("LMMD (subdomains, DSAN)", "LMMD（子域，DSAN）")
    summary = Text(
        "The mean over the classes of the MMD between the domains, each target sample weighed by its predicted "
        "probability of the class.",
        "各类别上两个域之间 MMD 的平均值，目标样本按其属于该类的预测概率加权。",
    )
    formula = (
        r"\lambda\,\tfrac1C\sum_c \Bigl\| \sum_i w^{sc}_i\,\phi(x^s_i) - \sum_j w^{tc}_j\,\phi(x^t_j) \Bigr\|^2,\quad "
        r"w^{c}_i = y_{ic} \big/ \textstyle\sum_j y_{jc},\quad "
        r"\lambda = \tfrac{2}{1 + e^{-\gamma p}} - 1"
    )
    paper = Paper(
        "Zhu, Zhuang, Wang, Ke, Chen, Bian, Xiong, He", 2020,
        "Deep Subdomain Adaptation Network for Image Classification", "https://arxiv.org/abs/2106.09388",
        "section III-B",
    )  # fmt: skip
    claims = frozenset({
        "permutation_invariant", "translation_invariant", "rotation_invariant", "non_negative", "bounded",
        "gradient_of_its_own",
    })  # fmt: skip
    examples = (
        Example(
            ([[0.0], [2.0]], [[1.0], [3.0]]),
            1.625 + 0.375 * math.exp(-2) - 1.75 * math.exp(-0.5) - 0.25 * math.exp(-4.5),
            "target weights (¾, ¼) and (¼, ¾), within: ⅝ + ⅜·e⁻²; across: ¾·e^-½ + ¼·e^-4½ in class 0, e^-½ in class 1",
            {"kernels": 1, "bandwidth": 1.0, "gamma": 0.0},
            logits=([[0.0, 0.0]] * 2, [[math.log(3), 0.0], [0.0, math.log(3)]]), labels=([0, 1], [-1, -1]),
        ),
        Example(
            ([[0.0], [0.0]], [[1.0]]), 2 - 2 * math.exp(-0.5), "the source has class 1 alone: one distance of 1",
            {"kernels": 1, "bandwidth": 1.0, "gamma": 0.0},
            logits=([[0.0, 0.0]] * 2, [[1.0, 0.0]]), labels=([1, 1], [-1]),
        ),
    )  # fmt: skip

    class Params(KernelParams):
        """Kernels, and the growth of the loss."""

        weight: float = param(0.5, "Trade-off weight", "权衡权重", ge=0)
        gamma: float = param(
            1.0,
            "How early the loss grows (0: it is there from the start)",
            "损失增长的早晚（0：从一开始就完整）",
            ge=0,
            le=100,
        )

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        p = self.params
        both = full_precision(torch.cat([source.embedding, target.embedding]))
        kernel = gaussian_kernel(squared_distances(both, both), p.kernels, p.factor, p.bandwidth)
        strength = strength_at(progress, p.gamma) if p.gamma else 1.0
        return strength * local_discrepancy(kernel, soft_memberships(source), soft_memberships(target))


def local_discrepancy(kernel: Tensor, source: Tensor, target: Tensor) -> Tensor:
    """Mean over the classes of both domains of the MMD² between their rows, weighed by memberships.

    Of the kernel (n + m, n + m) and the memberships source (n, c) and target (m, c), ≥ 0.
    """
    shared = shared_classes(source, target)
    within_class = class_discrepancies(kernel, source, target).diagonal()
    return (within_class * shared).sum() / shared.sum().clamp_min(1)
