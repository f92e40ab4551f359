"""Entropy: how sure a model is of the target, whether rightly or not."""

from __future__ import annotations

from dtml.catalogue import Paper
from dtml.language import Text
from dtml.measures import Evidence, Validator
from dtml.measures._arrays import Rows, as_probabilities, entropies


class Entropy(Validator):
    """Negated mean entropy of the predictions on the target."""

    name = "entropy"
    title = Text("Entropy", "熵")
    summary = Text(
        "Takes the model that is surest of its target predictions. A model that calls everything the same class is "
        "surest of all.",
        "选择对目标预测最确信的模型。把所有样本都判为同一类的模型反而最确信。",
    )
    formula = r"-\tfrac1m\sum_j H(p^t_j)"
    paper = Paper(
        "Morerio, Cavazza, Murino", 2018,
        "Minimal-Entropy Correlation Alignment for Unsupervised Deep Domain Adaptation",
        "https://arxiv.org/abs/1711.10288", "section 3.3",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant"})

    def __call__(self, evidence: Evidence, seed: int = 0) -> float:
        return negative_entropy(as_probabilities(evidence.target_probabilities))


def negative_entropy(probabilities: Rows) -> float:
    """−mean H(p) in nats of probabilities (m, c): from −log c to 0, the higher the surer."""
    return -float(entropies(probabilities).mean())
