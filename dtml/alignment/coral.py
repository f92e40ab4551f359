"""Deep CORAL: the distance between the two covariances."""

from __future__ import annotations

from torch import Tensor

from dtml.alignment import Alignment
from dtml.catalogue import Paper
from dtml.language import Text
from dtml.losses import Example, full_precision
from dtml.representation import Representation


class CORAL(Alignment):
    """Draws the covariances together; it cannot see a shift of the mean."""

    name = "coral"
    title = Text("Deep CORAL", "Deep CORAL")
    summary = Text(
        "The squared Frobenius distance between the covariances of the two domains' embeddings.",
        "两个域嵌入协方差矩阵之间的弗罗贝尼乌斯距离平方。",
    )
    formula = r"\mathcal L = \tfrac{1}{4d^2}\,\|C_s - C_t\|_F^2"
    paper = Paper(
        "Sun, Saenko", 2016, "Deep CORAL: Correlation Alignment for Deep Domain Adaptation",
        "https://arxiv.org/abs/1607.01719", "(1)",
    )  # fmt: skip
    claims = frozenset({
        "zero_on_equal_domains", "symmetric", "permutation_invariant", "translation_invariant", "rotation_invariant",
        "blind_to_mean_shift", "non_negative",
    })  # fmt: skip
    examples = (
        Example(([[1.0], [-1.0]], [[2.0], [-2.0]]), 9.0, "variances 2 and 8, d = 1: (2 - 8)² / 4 = 9"),
        Example(
            ([[1, 0], [-1, 0], [0, 1], [0, -1]], [[2, 0], [-2, 0], [0, 2], [0, -2]]), 0.5,
            "covariances ⅔·I and 8/3·I: 2·2² / (4·2²) = ½",
        ),
    )  # fmt: skip

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        return coral(full_precision(source.embedding), full_precision(target.embedding))


def coral(source: Tensor, target: Tensor) -> Tensor:
    """‖C_s − C_t‖²_F / (4d²) of source (n, d) and target (m, d), with unbiased covariances.

    The covariance of a single row counts as 0.
    """
    return (_covariance(source) - _covariance(target)).square().sum() / (4 * source.shape[1] ** 2)


def _covariance(rows: Tensor) -> Tensor:
    centred = rows - rows.mean(0)
    return centred.T @ centred / max(len(rows) - 1, 1)
