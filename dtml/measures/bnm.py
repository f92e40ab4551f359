"""BNM: the nuclear norm of the target predictions."""

from __future__ import annotations

from dtml.catalogue import Paper
from dtml.language import Text
from dtml.measures import Evidence, Validator
from dtml.measures._arrays import as_probabilities, nuclear_norm


class BNM(Validator):
    """Sum of the singular values of the predictions: high for sure and diverse ones."""

    name = "bnm"
    title = Text("BNM, nuclear norm of the predictions", "BNM（预测矩阵核范数）")
    summary = Text(
        "Takes the model whose target predictions are both sure and diverse. Grows with the number of samples, so only "
        "scores on the same samples compare.",
        "选择目标预测既确信又多样的模型。数值随样本数增大，因此只能比较相同样本上的得分。",
    )
    formula = r"\|P^t\|_*"
    paper = Paper(
        "Cui, Wang, Zhuo, Li, Huang, Tian", 2020,
        "Towards Discriminability and Diversity: Batch Nuclear-norm Maximization under Label Insufficient Situations",
        "https://arxiv.org/abs/2003.12237", "‖A‖_*",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant", "non_negative"})

    def __call__(self, evidence: Evidence, seed: int = 0) -> float:
        return nuclear_norm(as_probabilities(evidence.target_probabilities))
