"""InfoMax: sure predictions that use all classes."""

from __future__ import annotations

from dtml.catalogue import Paper
from dtml.language import Text
from dtml.measures import Evidence, Validator
from dtml.measures._arrays import Rows, as_probabilities, entropies


class InfoMax(Validator):
    """The information between a target sample and its predicted class."""

    name = "infomax"
    title = Text("InfoMax", "InfoMax")
    summary = Text(
        "Takes the model whose target predictions are sure one by one and even over the classes as a whole; it assumes "
        "that the target's classes are about equally frequent.",
        "选择逐个样本确信、整体上各类均衡的模型；它假设目标域各类别频率大致相同。",
    )
    formula = r"H(\bar p^t) - \tfrac1m\sum_j H(p^t_j)"
    paper = Paper(
        "Shi, Sha", 2012,
        "Information-Theoretical Learning of Discriminative Clusters for Unsupervised Domain Adaptation",
        "https://arxiv.org/abs/1206.6438", "mutual information",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant", "non_negative"})

    def __call__(self, evidence: Evidence, seed: int = 0) -> float:
        return mutual_information(as_probabilities(evidence.target_probabilities))


def mutual_information(probabilities: Rows) -> float:
    """H(mean p) − mean H(p) in nats of probabilities (m, c): from 0 to log c, the higher the better."""
    return max(float(entropies(probabilities.mean(0)) - entropies(probabilities).mean()), 0.0)
