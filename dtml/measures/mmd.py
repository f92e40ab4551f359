"""Multi-kernel MMD: the distance between two samples in the space of several Gaussian kernels."""

from __future__ import annotations

from typing import Literal

import numpy as np

from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text
from dtml.measures import Array, Discrepancy
from dtml.measures._arrays import Rows, as_domains, blocks, squared_distances


class MMD(Discrepancy):
    """Squared maximum mean discrepancy with the mean of Gaussian kernels of several widths."""

    name = "mmd"
    title = Text("MMD, multi-kernel", "多核 MMD")
    summary = Text(
        "Compares the two samples through Gaussian kernels of several widths; 0 where they are the same, at most 2.",
        "通过多个宽度的高斯核比较两个样本；相同时为 0，最大为 2。",
    )
    formula = (
        r"\mathrm{MMD}^2 = \mathbb E\,k(x_s, x_s') + \mathbb E\,k(x_t, x_t') - 2\,\mathbb E\,k(x_s, x_t),\quad "
        r"k(x, y) = \tfrac1K\sum_{i} e^{-\|x - y\|^2 / (2\sigma_i^2)}"
    )
    paper = Paper(
        "Gretton, Borgwardt, Rasch, Schölkopf, Smola", 2012, "A Kernel Two-Sample Test",
        "https://jmlr.org/papers/v13/gretton12a.html", "lemma 6",
    )  # fmt: skip
    claims = frozenset({
        "zero_on_equal_domains", "symmetric", "permutation_invariant", "translation_invariant", "rotation_invariant",
        "non_negative", "bounded",
    })  # fmt: skip
    limits = (0.0, 2.0)

    class Params(BaseParams):
        """Kernels and estimate."""

        kernels: int = param(5, "Gaussian kernels", "高斯核个数", ge=1, le=25)
        factor: float = param(2.0, "Ratio of neighbouring variances", "相邻核方差之比", gt=1, le=10)
        bandwidth: float = param(
            0.0,
            "Width σ of the middle kernel (0: from the samples' mean distance)",
            "中间核的宽度 σ（0：由样本平均距离决定）",
            ge=0,
        )
        estimate: Literal["biased", "unbiased"] = param(
            "biased", "Estimate (unbiased may be negative)", "估计方式（无偏估计可能为负）"
        )

    def __call__(self, source: Array, target: Array, seed: int = 0) -> float:
        p = self.params
        unbiased = p.estimate == "unbiased"
        a, b = as_domains(source, target, least=2 if unbiased else 1)
        return mmd2(a, b, variances(a, b, p.kernels, p.factor, p.bandwidth), unbiased)


def variances(source: Rows, target: Rows, kernels: int, factor: float, bandwidth: float) -> list[float]:
    """The variances of the kernels: `bandwidth`² times powers of `factor` around 1.

    A bandwidth of 0 takes half the mean squared distance between different rows of both samples for its
    square: that is the sum of the columns' unbiased variances, so no distances are needed.
    """
    both = np.concatenate([source, target])
    middle = bandwidth**2 or max(float(both.var(0).sum()) * len(both) / (len(both) - 1), 1e-6)
    return [middle * factor ** (i - (kernels - 1) / 2) for i in range(kernels)]


def mmd2(source: Rows, target: Rows, widths: list[float], unbiased: bool) -> float:
    """Squared MMD between source (n, d) and target (m, d) with Gaussian kernels of the variances `widths`.

    The biased estimate is ≥ 0 and 0 on equal samples; the unbiased one leaves out each row with itself,
    needs two rows a domain and may be negative.
    """
    n, m = len(source), len(target)
    within_source, within_target = _kernel_sum(source, source, widths), _kernel_sum(target, target, widths)
    across = _kernel_sum(source, target, widths) / (n * m)
    if unbiased:
        return (within_source - n) / (n * (n - 1)) + (within_target - m) / (m * (m - 1)) - 2 * across
    return max(within_source / n**2 + within_target / m**2 - 2 * across, 0.0)


def _kernel_sum(a: Rows, b: Rows, widths: list[float]) -> float:
    total = 0.0
    for rows in blocks(len(a), len(b)):
        squared = squared_distances(a[rows], b)
        total += sum(float(np.exp(squared / (-2 * width)).sum()) for width in widths)
    return total / len(widths)
