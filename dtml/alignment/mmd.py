"""Multi-kernel MMD: the distance between two samples in the space of several Gaussian kernels."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from dtml.alignment import Alignment
from dtml.alignment._kernels import KernelParams, discrepancy, gaussian_kernel
from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import Example, full_precision, squared_distances
from dtml.representation import Representation


class MMD(Alignment):
    """Squared maximum mean discrepancy with the mean of Gaussian kernels of several widths."""

    name = "mmd"
    title = Text("MMD, multi-kernel", "多核 MMD")
    summary = Text(
        "Compares the two samples through Gaussian kernels of several widths, so that any difference between the "
        "distributions counts, not only that of their means.",
        "通过多个宽度的高斯核比较两个样本，因此分布之间的任何差异都会计入，而不仅是均值差异。",
    )
    formula = (
        r"\mathrm{MMD}^2 = \mathbb E\,k(x_s, x_s') + \mathbb E\,k(x_t, x_t') - 2\,\mathbb E\,k(x_s, x_t),\quad "
        r"k(x, y) = \tfrac1K\sum_{i} e^{-\|x - y\|^2 / (2\sigma_i^2)}"
    )
    paper = Paper(
        "Long, Cao, Wang, Jordan", 2015, "Learning Transferable Features with Deep Adaptation Networks",
        "https://arxiv.org/abs/1502.02791", "(2)",
    )  # fmt: skip
    claims = frozenset({
        "zero_on_equal_domains", "symmetric", "permutation_invariant", "translation_invariant", "rotation_invariant",
        "non_negative", "bounded",
    })  # fmt: skip
    examples = (
        Example(([[0.0]], [[1.0]]), 2 - 2 * math.exp(-0.5), "1 + 1 - 2·exp(-½)", {"kernels": 1, "bandwidth": 1.0}),
        Example(
            ([[0.0], [2.0]], [[1.0], [3.0]]), 1 + math.exp(-2) - (3 * math.exp(-0.5) + math.exp(-4.5)) / 2,
            "½(1 + e⁻²) within each domain, less twice ¼(3·e^-½ + e^-4½) across", {"kernels": 1, "bandwidth": 1.0},
        ),
    )  # fmt: skip

    class Params(KernelParams):
        """Kernels and estimate."""

        estimate: Literal["biased", "unbiased"] = param(
            "biased", "Estimate (unbiased may be negative)", "估计方式（无偏估计可能为负）"
        )

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        p = self.params
        a, b = full_precision(source.embedding), full_precision(target.embedding)
        return mmd2(a, b, p.kernels, p.factor, p.bandwidth, p.estimate == "unbiased")


def mmd2(source: Tensor, target: Tensor, kernels: int, factor: float, bandwidth: float, unbiased: bool) -> Tensor:
    """Squared MMD between source (n, d) and target (m, d); see `gaussian_kernel` and `discrepancy`."""
    both = torch.cat([source, target])
    kernel = gaussian_kernel(squared_distances(both, both), kernels, factor, bandwidth)
    return discrepancy(kernel, len(source), unbiased)
