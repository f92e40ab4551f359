"""RankMe: how many dimensions the target's embeddings really use."""

from __future__ import annotations

import numpy as np

from dtml.catalogue import Paper
from dtml.language import Text
from dtml.measures import Evidence, Validator
from dtml.measures._arrays import Rows, as_rows, entropies


class RankMe(Validator):
    """Effective rank of the embeddings of the target."""

    name = "rankme"
    title = Text("RankMe, effective rank", "RankMe（有效秩）")
    summary = Text(
        "Takes the model whose target embeddings spread over the most dimensions: low for a collapse, but pure noise "
        "has the highest rank of all.",
        "选择目标嵌入分布维度最多的模型：坍缩时得分低，但噪声的秩最高。",
    )
    formula = r"\exp\Bigl(-\sum_k p_k \log p_k\Bigr),\quad p_k = \sigma_k / \textstyle\sum_l \sigma_l"
    paper = Paper(
        "Garrido, Balestriero, Najman, LeCun", 2023,
        "RankMe: Assessing the Downstream Performance of Pretrained Self-Supervised Representations by Their Rank",
        "https://arxiv.org/abs/2210.02885", "(1)",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant", "non_negative"})

    def __call__(self, evidence: Evidence, seed: int = 0) -> float:
        return effective_rank(as_rows(evidence.target_embeddings))


def effective_rank(rows: Rows) -> float:
    """exp of the entropy of the singular values' shares, of rows (m, d) as they are: 1 to min(m, d); 0 if all are 0.

    The paper adds 10⁻⁷ to each share against log 0; here 0 log 0 counts as 0, so that I₅ has rank 5 exactly.
    """
    values = np.linalg.svd(rows, compute_uv=False)
    if not values.any():
        return 0.0
    return float(np.exp(entropies(values / values.sum())))
