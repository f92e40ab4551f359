"""Multi-kernel MMD: the distance between two samples in the space of several Gaussian kernels."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from dtml.alignment import Alignment
from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import Example, LossParams, full_precision, squared_distances
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

    class Params(LossParams):
        """Kernels and estimate."""

        kernels: int = param(5, "Gaussian kernels", "高斯核个数", ge=1, le=25)
        factor: float = param(2.0, "Ratio of neighbouring variances", "相邻核方差之比", gt=1, le=10)
        bandwidth: float = param(
            0.0,
            "Width σ of the middle kernel (0: from the batch's mean distance)",
            "中间核的宽度 σ（0：由批内平均距离决定）",
            ge=0,
        )
        estimate: Literal["biased", "unbiased"] = param(
            "biased", "Estimate (unbiased may be negative)", "估计方式（无偏估计可能为负）"
        )

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        p = self.params
        a, b = full_precision(source.embedding), full_precision(target.embedding)
        return mmd2(a, b, p.kernels, p.factor, p.bandwidth, p.estimate == "unbiased")


def mmd2(source: Tensor, target: Tensor, kernels: int, factor: float, bandwidth: float, unbiased: bool) -> Tensor:
    """Squared MMD between source (n, d) and target (m, d).

    The variances are `bandwidth`² times powers of `factor` around 1. A bandwidth of 0 takes half the mean
    squared distance between different rows of both samples for its square, as a constant.
    The biased estimate is ≥ 0 and 0 on equal samples; the unbiased one leaves out each row with itself and
    needs two rows a domain (with fewer the biased one stands in).
    """
    n = len(source)
    both = torch.cat([source, target])
    squared = squared_distances(both, both)
    variance = squared.new_tensor(bandwidth**2) if bandwidth else _typical(squared.detach())
    variances = [variance * factor ** (i - (kernels - 1) / 2) for i in range(kernels)]
    kernel = torch.stack([torch.exp(-squared / (2 * v)) for v in variances]).mean(0)
    within_source, within_target, across = kernel[:n, :n], kernel[n:, n:], kernel[:n, n:]
    leave_out = unbiased and min(n, len(target)) > 1
    return _mean(within_source, leave_out) + _mean(within_target, leave_out) - 2 * across.mean()


def _typical(squared: Tensor) -> Tensor:
    """Half the mean squared distance between different rows; never 0."""
    n = len(squared)
    return (squared.sum() / max(n * (n - 1), 1) / 2).clamp_min(1e-6)


def _mean(kernel: Tensor, leave_out_diagonal: bool) -> Tensor:
    n = len(kernel)
    return (kernel.sum() - kernel.diagonal().sum()) / (n * (n - 1)) if leave_out_diagonal else kernel.mean()
