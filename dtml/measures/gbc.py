"""GBC: how little the classes overlap, each taken for a Gaussian."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text
from dtml.measures import Array, Labels, Transferability
from dtml.measures._arrays import Classes, Rows, as_labelled


class GBC(Transferability):
    """Gaussian Bhattacharyya coefficient: the overlap of all pairs of classes, negated."""

    name = "gbc"
    title = Text("GBC, Gaussian Bhattacharyya coefficient", "GBC（高斯巴氏系数）")
    summary = Text(
        "Fits a Gaussian to each class and adds up how much each pair overlaps, negated: 0 where no classes overlap.",
        "为每个类别拟合高斯分布，累加各对类别的重叠程度并取负：无重叠时为 0。",
    )
    formula = r"-\sum_{i \neq j} e^{-D_B(\mathcal N_i, \mathcal N_j)}"
    paper = Paper(
        "Pándy, Agostinelli, Uijlings, Ferrari, Mensink", 2022,
        "Transferability Estimation using Bhattacharyya Class Separability",
        "https://arxiv.org/abs/2111.12780", "GBC",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant", "translation_invariant", "bounded"})
    limits = (-math.inf, 0.0)

    class Params(BaseParams):
        """The Gaussians."""

        covariance: Literal["diagonal", "spherical"] = param("diagonal", "Shape of the covariances", "协方差形状")

    def __call__(self, given: Array, labels: Labels, seed: int = 0) -> float:
        return gbc(*as_labelled(given, labels), self.params.covariance == "spherical")


def gbc(features: Rows, labels: Classes, spherical: bool) -> float:
    """−Σ_{i≠j} exp(−D_B) over the pairs of classes of features (n, d) with labels (n,); at least −C(C − 1).

    D_B = ⅛ Σ Δμ²/v + ½ Σ log(v/√(v_i v_j)), v = ½(v_i + v_j), with diagonal variances (spherical: their mean).
    Variances are kept above 10⁻⁶ of the features' mean variance, so that a class of one sample has a Gaussian.
    """
    least = max(1e-6 * float(features.var(0).mean()), 1e-12)
    classes = np.unique(labels)
    means = np.stack([features[labels == label].mean(0) for label in classes])
    spreads = np.stack([features[labels == label].var(0) for label in classes])
    if spherical:
        spreads = np.broadcast_to(spreads.mean(1, keepdims=True), spreads.shape)
    spreads = np.maximum(spreads, least)
    total = 0.0
    for i in range(len(classes) - 1):
        both = (spreads[i] + spreads[i + 1 :]) / 2
        apart = (np.square(means[i] - means[i + 1 :]) / both).sum(1) / 8
        unlike = (np.log(both) - (np.log(spreads[i]) + np.log(spreads[i + 1 :])) / 2).sum(1) / 2
        total += 2 * float(np.exp(-apart - unlike).sum())
    return -total
