"""Calibration: whether predictions are as sure as they are right."""

from __future__ import annotations

import numpy as np

from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text
from dtml.measures import Array, Labels, PredictionQuality
from dtml.measures._arrays import Classes, Rows, as_predictions


class Calibration(PredictionQuality):
    """Expected calibration error: of predictions made at 80 %, 80 % should be right."""

    name = "calibration"
    title = Text("Expected calibration error", "期望校准误差")
    summary = Text(
        "How far the model's confidence is from its accuracy, averaged over bins of confidence; 0 is best.",
        "模型置信度与其准确率之间的差距，按置信度分箱取平均；0 为最佳。",
    )
    formula = r"\mathrm{ECE} = \sum_b \tfrac{|B_b|}{n}\,\bigl|\operatorname{acc}(B_b) - \operatorname{conf}(B_b)\bigr|"
    paper = Paper(
        "Guo, Pleiss, Sun, Weinberger", 2017, "On Calibration of Modern Neural Networks",
        "https://arxiv.org/abs/1706.04599", "ECE",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant", "non_negative"})
    higher_is_better = False

    class Params(BaseParams):
        """How finely confidence is divided."""

        bins: int = param(15, "Bins of equal width", "等宽分箱数", ge=1, le=100)

    def __call__(self, probabilities: Array, labels: Labels) -> float:
        return calibration_error(*as_predictions(probabilities, labels), self.params.bins)


def calibration_error(probabilities: Rows, labels: Classes, bins: int) -> float:
    """Σ_b |share right − mean confidence| · |B_b|/n of probabilities (n, c) and labels (n,), from 0 to 1.

    The confidence is the largest probability; bin b holds those in ((b − 1)/bins, b/bins].
    """
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    inner = np.arange(1, bins) / bins
    gaps = np.bincount(np.searchsorted(inner, confidence), weights=right - confidence, minlength=bins)
    return float(np.abs(gaps).sum()) / len(labels)
