"""Accuracy: the share of right predictions."""

from __future__ import annotations

from dtml.catalogue import Paper
from dtml.language import Text
from dtml.measures import Array, Labels, PredictionQuality
from dtml.measures._arrays import Classes, Rows, as_predictions


class Accuracy(PredictionQuality):
    """How often the likeliest class is the true one."""

    name = "accuracy"
    title = Text("Accuracy", "准确率")
    summary = Text("The share of samples whose likeliest class is the true one.", "最可能的类别即真实类别的样本比例。")
    formula = r"\tfrac1n\sum_i \bigl[\,\arg\max_c p_{ic} = y_i\,\bigr]"
    paper = Paper(
        "Sokolova, Lapalme", 2009, "A systematic analysis of performance measures for classification tasks",
        "https://doi.org/10.1016/j.ipm.2009.03.002", "table 2",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant", "non_negative"})
    higher_is_better = True

    def __call__(self, probabilities: Array, labels: Labels) -> float:
        return accuracy(*as_predictions(probabilities, labels))


def accuracy(probabilities: Rows, labels: Classes) -> float:
    """Share of rows (n, c) whose largest column (of equal ones the first) is the label (n,)."""
    return float((probabilities.argmax(1) == labels).mean())
