"""Fréchet distance: between the two domains as if each were one Gaussian."""

from __future__ import annotations

import numpy as np

from dtml.catalogue import Paper
from dtml.language import Text
from dtml.measures import Array, Discrepancy
from dtml.measures._arrays import Rows, as_domains, covariance_root, nuclear_norm


class Frechet(Discrepancy):
    """The squared 2-Wasserstein distance between the Gaussians fitted to the two domains."""

    name = "frechet"
    title = Text("Fréchet distance", "弗雷歇距离")
    summary = Text(
        "Fits one Gaussian to each domain and gives the squared Wasserstein distance between the two: means and "
        "covariances count, nothing else.",
        "为每个域拟合一个高斯分布，并给出两者之间的 Wasserstein 距离平方：只计均值和协方差。",
    )
    formula = r"\|\mu_s - \mu_t\|^2 + \operatorname{tr}\bigl(C_s + C_t - 2\,(C_s C_t)^{1/2}\bigr)"
    paper = Paper(
        "Heusel, Ramsauer, Unterthiner, Nessler, Hochreiter", 2017,
        "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium",
        "https://arxiv.org/abs/1706.08500", "(6)",
    )  # fmt: skip
    claims = frozenset({
        "zero_on_equal_domains", "symmetric", "permutation_invariant", "translation_invariant", "rotation_invariant",
        "non_negative",
    })  # fmt: skip

    def __call__(self, source: Array, target: Array, seed: int = 0) -> float:
        a, b = as_domains(source, target)
        return frechet(a.mean(0), covariance_root(a), b.mean(0), covariance_root(b))


def frechet(source_mean: Rows, source_root: Rows, target_mean: Rows, target_root: Rows) -> float:
    """‖Δμ‖² + tr(C_s + C_t − 2(C_s C_t)^½) of means (d,) and covariances C = RᵀR given by roots R (r, d); ≥ 0.

    tr (C_s C_t)^½ is the sum of the singular values of R_s R_tᵀ: no square root of a matrix is needed, so
    singular covariances do no harm.
    """
    means = np.square(source_mean - target_mean).sum()
    traces = np.square(source_root).sum() + np.square(target_root).sum()
    return float(means + max(traces - 2 * nuclear_norm(source_root @ target_root.T), 0.0))
