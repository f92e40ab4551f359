"""CORAL: the distance between the two covariances."""

from __future__ import annotations

import numpy as np

from dtml.catalogue import Paper
from dtml.language import Text
from dtml.measures import Array, Discrepancy
from dtml.measures._arrays import Rows, as_domains, covariance_root


class CORAL(Discrepancy):
    """What Deep CORAL minimises; it cannot see a shift of the mean."""

    name = "coral"
    title = Text("CORAL", "CORAL")
    summary = Text(
        "The squared Frobenius distance between the covariances of the two domains; blind to a shift of the mean.",
        "两个域协方差矩阵之间的弗罗贝尼乌斯距离平方；看不到均值偏移。",
    )
    formula = r"\tfrac{1}{4d^2}\,\|C_s - C_t\|_F^2"
    paper = Paper(
        "Sun, Saenko", 2016, "Deep CORAL: Correlation Alignment for Deep Domain Adaptation",
        "https://arxiv.org/abs/1607.01719", "(1)",
    )  # fmt: skip
    claims = frozenset({
        "zero_on_equal_domains", "symmetric", "permutation_invariant", "translation_invariant", "rotation_invariant",
        "blind_to_mean_shift", "non_negative",
    })  # fmt: skip

    def __call__(self, source: Array, target: Array, seed: int = 0) -> float:
        return coral(*as_domains(source, target))


def coral(source: Rows, target: Rows) -> float:
    """‖C_s − C_t‖²_F / (4d²) of source (n, d) and target (m, d), with unbiased covariances.

    The covariance of a single row counts as 0.
    """
    a, b = covariance_root(source), covariance_root(target)
    return float(np.square(a.T @ a - b.T @ b).sum()) / (4 * source.shape[1] ** 2)
