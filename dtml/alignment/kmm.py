"""KMM: source samples are weighted so that their mean in a kernel's space is that of the target."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dtml.alignment import Alignment
from dtml.alignment._kernels import typical_variance
from dtml.alignment._parts import effective_share, mixed, zero
from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import Example, LossParams, full_precision, squared_distances
from dtml.representation import Representation

Vector = NDArray[np.float64]
ENOUGH = 1e-3
"""The share of all that was gained below which a step ends the search."""
STEPS = 20
"""Spectral projected gradient steps; they go at least 95 % of the way from equal weights to the minimum (tested)."""


class KMM(Alignment):
    """Kernel mean matching in each batch.

    A Gaussian kernel as wide as the batch's typical distance; the mean weight is exactly 1 (the paper lets it
    depart by ε). Weights from one batch are rougher than from all data, as the paper has them. The bound is far
    below the paper's 1000, which a batch could not reach: at least a share 1/bound of the samples counts.
    `effective_share` is as how large a share of the batch the weighted samples count.
    """

    name = "kmm"
    title = Text("Kernel mean matching", "核均值匹配")
    summary = Text(
        "Weights the source samples so that their weighted mean in the space of a Gaussian kernel matches the "
        "target's; heavy samples count more in the classification.",
        "为源域样本加权，使其在高斯核空间中的加权均值与目标域一致；权重大的样本在分类损失中影响更大。",
    )
    formula = (
        r"\min_\beta\ \tfrac12\beta^\top K\beta - \kappa^\top\beta,\quad 0 \le \beta_i \le B,\quad "
        r"\tfrac1{n_s}\sum_i\beta_i = 1,\quad \kappa_i = \tfrac{n_s}{n_t}\sum_j k(x_i^s, x_j^t)"
    )
    paper = Paper(
        "Huang, Smola, Gretton, Borgwardt, Schölkopf", 2006, "Correcting Sample Selection Bias by Unlabeled Data",
        "https://papers.nips.cc/paper/3075-correcting-sample-selection-bias-by-unlabeled-data",
    )  # fmt: skip
    claims = frozenset({
        "zero_on_equal_domains", "symmetric", "permutation_invariant", "translation_invariant", "rotation_invariant",
        "blind_to_mean_shift", "non_negative", "bounded",
    })  # fmt: skip
    examples = (Example(([[0.0], [2.0]], [[1.0], [5.0]]), 0.0, "always 0: it acts through the weights"),)
    moves_encoder = False

    class Params(LossParams):
        """Bound and share of the weights."""

        weight: float = param(
            1.0,
            "Share of the weighting (0: all samples count the same)",
            "加权的比例（0：所有样本权重相同）",
            ge=0,
            le=1,
        )
        bound: float = param(10.0, "Largest weight B of a sample", "单个样本的最大权重 B", gt=1, le=1000)

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        return zero(source, target)

    @torch.no_grad()
    def weights(self, source: Representation, target: Representation, progress: float) -> Tensor:
        a, b = full_precision(source.embedding), full_precision(target.embedding)
        weights = mixed(matched(a, b, self.params.bound), self.params.weight)
        self.watch(effective_share=effective_share(weights))
        return weights


def matched(source: Tensor, target: Tensor, bound: float) -> Tensor:
    """β (n,) that minimises ½βᵀKβ − κᵀβ for source (n, d) and target (m, d), 0 ≤ β ≤ bound, mean β = 1."""
    n = len(source)
    both = torch.cat([source, target])
    squared = squared_distances(both, both)
    kernel = torch.exp(-squared[:n] / (2 * typical_variance(squared))).double().cpu().numpy()
    return torch.from_numpy(minimum(kernel[:, :n], n * kernel[:, n:].mean(1), bound)).to(source)


def minimum(within: Vector, towards: Vector, bound: float) -> Vector:
    """β (n,) that minimises ½βᵀKβ − κᵀβ for K (n, n) and κ (n,), 0 ≤ β ≤ bound, mean β = 1.

    By spectral projected gradients with an exact line search (Birgin, Martínez, Raydan 2000); the step's length
    is in turn the longer and the shorter one of Barzilai and Borwein. So small a problem is faster on the processor.
    """
    beta = np.ones_like(towards)
    gradient, length = within.sum(1) - towards, 1 / within.sum(1).max()
    gained = 0.0
    for step in range(STEPS):
        way = within_bounds(beta - length * gradient, bound) - beta
        bent = within @ way
        curvature, slope = way @ bent, -(gradient @ way)
        share = min(1.0, slope / max(curvature, 1e-12))
        gain = share * slope - share**2 * curvature / 2
        gained += gain
        if gain <= ENOUGH * gained:
            break
        beta, gradient = beta + share * way, gradient + share * bent
        length = curvature / (bent @ bent) if step % 2 else (way @ way) / curvature
    return beta


def within_bounds(values: Vector, bound: float) -> Vector:
    """The nearest vector to values (n,) with entries in [0, bound] and mean 1: clip(values − τ), τ found exactly.

    The mean falls with τ along straight pieces between the points where an entry meets a bound.
    """
    corners = np.sort(np.concatenate([values, values - bound]))
    excess = np.clip(values - corners[:, None], 0, bound).mean(1) - 1
    after = min(max(int((excess >= 0).sum()), 1), len(corners) - 1)
    left, right, high, low = corners[after - 1], corners[after], excess[after - 1], excess[after]
    return np.clip(values - (left + (right - left) * high / (high - low)), 0, bound)
