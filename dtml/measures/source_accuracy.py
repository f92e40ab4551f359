"""Source accuracy: the plainest choice between models, which does not look at the target."""

from __future__ import annotations

from dtml.catalogue import Paper
from dtml.language import Text
from dtml.measures import Evidence, Validator
from dtml.measures._arrays import as_predictions
from dtml.measures.accuracy import accuracy


class SourceAccuracy(Validator):
    """Accuracy on held-out source samples."""

    name = "source_accuracy"
    title = Text("Source accuracy", "源域准确率")
    summary = Text(
        "Takes the model that is best on held-out source samples. Steady, but blind to what becomes of the target.",
        "选择在源域留出样本上最好的模型。稳定，但看不到目标域的变化。",
    )
    formula = r"\tfrac1n\sum_i \bigl[\,\arg\max_c p^s_{ic} = y^s_i\,\bigr]"
    paper = Paper(
        "Musgrave, Belongie, Lim", 2022,
        "Three New Validators and a Large-Scale Benchmark Ranking for Unsupervised Domain Adaptation",
        "https://arxiv.org/abs/2208.07360", "Accuracy",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant", "non_negative"})

    def __call__(self, evidence: Evidence, seed: int = 0) -> float:
        return accuracy(*as_predictions(evidence.source_probabilities, evidence.source_labels))
