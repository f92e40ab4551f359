"""LogME: the evidence for a linear model from features to labels."""

from __future__ import annotations

import numpy as np

from dtml.catalogue import Paper
from dtml.language import Text
from dtml.measures import Array, Labels, Transferability
from dtml.measures._arrays import Classes, Rows, as_labelled

SHARPEST = 1e6
"""The greatest precision β of the noise. Features that give the 0/1 labels exactly would have infinite evidence."""


class LogME(Transferability):
    """Logarithm of the maximum evidence: immune to overfitting, as no weights are fitted."""

    name = "logme"
    title = Text("LogME", "LogME")
    summary = Text(
        "How probable the labels are under all linear models on the features at once, at the best width of prior and "
        "noise.",
        "在所有线性模型上取平均时标签的概率（先验与噪声取最佳宽度）。",
    )
    formula = (
        r"\tfrac1n \max_{\alpha, \beta} \log p(y \mid F, \alpha, \beta),\quad "
        r"y \sim \mathcal N(Fw, \beta^{-1} I),\; w \sim \mathcal N(0, \alpha^{-1} I)"
    )
    paper = Paper(
        "You, Liu, Wang, Long", 2021, "LogME: Practical Assessment of Pre-trained Models for Transfer Learning",
        "https://arxiv.org/abs/2102.11005", "algorithm 1",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant", "rotation_invariant", "bounded"})

    def __call__(self, given: Array, labels: Labels, seed: int = 0) -> float:
        return logme(*as_labelled(given, labels))


def logme(features: Rows, labels: Classes) -> float:
    """Mean over the classes of the largest log evidence per sample, one class against the rest.

    Features (n, d), labels (n,). With F = U diag(s) Vᵀ the evidence of a target y depends on s and on
    z = Uᵀy only. Given t = α/β the best β is n/E(t), E(t) = Σ z²·t/(t + s²) + ‖y‖² − ‖z‖², so that one number
    is left to maximise over: it is done on a grid that is refined three times, where the paper iterates to a
    fixed point; the maximum is the same.
    """
    u, s, _vt = np.linalg.svd(features, full_matrices=False)
    targets = (labels[:, None] == np.unique(labels)).astype(np.float64)
    explained = np.square(u.T @ targets)
    rest = np.maximum(np.square(targets).sum(0) - explained.sum(0), 0)
    power = np.square(s)
    scale = max(float(power.max()), 1e-12)
    values = [_best_evidence(z2, r, power, len(labels), scale) for z2, r in zip(explained.T, rest, strict=True)]
    return float(np.mean(values)) / len(labels)


def _best_evidence(explained: Rows, rest: float, power: Rows, n: int, scale: float) -> float:
    low, high = np.log(scale) - 35, np.log(scale) + 35
    for _refinement in range(4):
        grid = np.linspace(low, high, 141)
        values = log_evidence(np.exp(grid), explained, rest, power, n)
        best, step = int(values.argmax()), grid[1] - grid[0]
        low, high = grid[best] - step, grid[best] + step
    return float(values[best])


def log_evidence(ratio: Rows, explained: Rows, rest: float, power: Rows, n: int) -> Rows:
    """log p(y | F, α, β) for each ratio t = α/β (g,), at the best noise precision β ≤ `SHARPEST`.

    ½ [n log β − β E(t) − n log 2π + Σ log(t/(t + s²))], where `explained` is z² (r,), `rest` is ‖y‖² − ‖z‖²
    and `power` is s² (r,). Directions that the features lack cancel out.
    """
    shrunk = ratio[:, None] / (ratio[:, None] + power)
    error = shrunk @ explained + rest
    beta = np.minimum(n / np.maximum(error, n / SHARPEST), SHARPEST)
    return (n * np.log(beta) - beta * error - n * np.log(2 * np.pi) + np.log(shrunk).sum(1)) / 2
