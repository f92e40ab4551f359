"""H-score: how much of the features' spread lies between the classes."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text
from dtml.measures import Array, Labels, Transferability
from dtml.measures._arrays import Classes, Rows, as_labelled


class HScore(Transferability):
    """The trace of the between-class covariance in units of the whole covariance."""

    name = "h_score"
    title = Text("H-score", "H-score")
    summary = Text(
        "The features' variance between the classes relative to all of their variance, summed over directions: from 0 "
        "to the number of classes less one.",
        "特征的类间方差相对于总方差的比例，对各方向求和：取值从 0 到类别数减一。",
    )
    formula = r"\operatorname{tr}\bigl(\operatorname{cov}(f)^{-1} \operatorname{cov}(\mathbb E[f \mid y])\bigr)"
    paper = Paper(
        "Bao, Li, Huang, Zhang, Zheng, Zamir, Guibas", 2019,
        "An Information-Theoretic Approach to Transferability in Task Transfer Learning",
        "https://doi.org/10.1109/ICIP.2019.8803726", "definition of the H-score",
    )  # fmt: skip
    claims = frozenset({
        "permutation_invariant", "translation_invariant", "rotation_invariant", "non_negative", "bounded",
    })  # fmt: skip
    limits = (0.0, math.inf)

    class Params(BaseParams):
        """The inverse."""

        covariance: Literal["pseudo_inverse", "ledoit_wolf"] = param(
            "pseudo_inverse",
            "Inverse of the covariance (ledoit_wolf: shrunk, for fewer samples than dimensions)",
            "协方差的逆（ledoit_wolf：收缩估计，适用于样本少于维数）",
        )

    def __call__(self, given: Array, labels: Labels, seed: int = 0) -> float:
        shrink = self.params.covariance == "ledoit_wolf"
        return (shrunk_h_score if shrink else h_score)(*as_labelled(given, labels))


def h_score(features: Rows, labels: Classes) -> float:
    """tr(C⁺ B) of features (n, d) with covariance C and covariance B of their class means (labels (n,)).

    Computed in the directions that the features span, by the pseudo-inverse: with centred features U diag(s) Vᵀ
    it is Σ_c n_c ‖mean of U's rows in class c‖². Features that do not vary have score 0. As soon as the
    features span the samples (d ≥ n − 1) every labelling is perfect: prefer the shrunk form there.
    """
    centred = features - features.mean(0)
    u, s, _vt = np.linalg.svd(centred, full_matrices=False)
    spanned = s > max(float(np.abs(features).max()), float(s[0])) * max(features.shape) * np.finfo(np.float64).eps
    means, sizes = _class_means(u[:, spanned], labels)
    return float(sizes @ np.square(means).sum(1))


def shrunk_h_score(features: Rows, labels: Classes) -> float:
    """(1 − γ) tr(C_γ⁻¹ B) with the covariance C_γ = (1 − γ)C + γ·tr(C)/d·I shrunk as Ledoit and Wolf do.

    Source: Ibrahim, Ponomareva, Mazumder, "Newer is not always better: Rethinking transferability metrics, their
    peculiarities, stability and performance" (2021), https://arxiv.org/abs/2110.06893.
    """
    from sklearn.covariance import ledoit_wolf

    centred = features - features.mean(0)
    if not centred.any():
        return 0.0
    covariance, shrinkage = ledoit_wolf(centred, assume_centered=True)
    means, sizes = _class_means(centred, labels)
    between = (means.T * sizes) @ means / len(labels)
    inverse = np.linalg.pinv(covariance, hermitian=True)
    return float((1 - shrinkage) * (inverse * between).sum())


def _class_means(rows: Rows, labels: Classes) -> tuple[Rows, Rows]:
    """The mean (c, d) of each class's rows, and how many those are (c,)."""
    _classes, codes = np.unique(labels, return_inverse=True)
    sums = np.zeros((codes.max() + 1, rows.shape[1]))
    np.add.at(sums, codes, rows)
    sizes = np.bincount(codes).astype(np.float64)
    return sums / sizes[:, None], sizes
