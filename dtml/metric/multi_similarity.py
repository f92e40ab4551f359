"""Multi-Similarity loss: pairs weighted by their own similarity and by how it compares with the others'."""

from __future__ import annotations

import torch
from torch import Tensor

from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import Example, LossParams, full_precision, pair_masks
from dtml.metric import Metric, cosines, log_one_plus_sum_exp

SLACK = 0.1
"""The paper's ε of the mining."""
_POINTS = ([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0]], [0, 0, 1])


class MultiSimilarity(Metric):
    """Weighting by all pairs that the mining leaves: those that are hardly in order, within ε = 0.1.

    The mean is over all samples of the batch, those without a pair included, as in the paper. λ is the paper's
    0.5; its code starts from 1 on some data sets.
    """

    name = "multi_similarity"
    title = Text("Multi-Similarity", "多重相似度损失")
    summary = Text(
        "Pulls the least similar pairs of a class together and pushes the most similar of different classes apart.",
        "拉近同类中最不相似的样本对，推远异类中最相似的样本对。",
    )
    formula = (
        r"\frac1m\sum_i \Bigl\{\tfrac1\alpha\log\Bigl[1 + \sum_{k \in P_i} e^{-\alpha(S_{ik} - \lambda)}\Bigr]"
        r" + \tfrac1\beta\log\Bigl[1 + \sum_{k \in N_i} e^{\beta(S_{ik} - \lambda)}\Bigr]\Bigr\}"
    )
    paper = Paper(
        "Wang, Han, Huang, Dong, Scott", 2019,
        "Multi-Similarity Loss with General Pair Weighting for Deep Metric Learning",
        "https://arxiv.org/abs/1904.06627", "(13), (14), (15)",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant", "rotation_invariant", "non_negative", "bounded"})
    examples = (
        Example(
            ([[1.0, 0.0], [4.0, 0.0], [0.0, 2.0], [0.0, 5.0], [-1.0, 0.0]], [0, 0, 1, 1, 2]), 0.0,
            "cosines: 1 within a class, at most 0 between them: nothing is left by the mining",
        ),
        Example(
            _POINTS, 0.4377539,
            "rows 0, 1: ½·log(1 + e) for their pair with cosine 0; negatives: -1 and 0, all next to nothing",
            {"mining": False},
        ),
        Example(
            _POINTS, 0.2188769,
            "row 1 alone: its pair 0 is no nearer than its negative 0; row 0: 0 - .1 > -1; row 2 has no pair",
        ),
    )  # fmt: skip

    class Params(LossParams):
        """Weights, threshold, and whether easy pairs are left out.

        The default weight is one at which DANN keeps most of its gain on the default digits task.
        """

        weight: float = param(0.1, "Trade-off weight", "权衡权重", ge=0)
        alpha: float = param(2.0, "Sharpness α among pairs of the same class", "同类样本对的锐度 α", gt=0, le=1000)
        beta: float = param(50.0, "Sharpness β among pairs of different classes", "异类样本对的锐度 β", gt=0, le=1000)
        threshold: float = param(0.5, "Cosine λ that parts near from far", "区分远近的余弦值 λ", ge=-1, le=1)
        mining: bool = param(True, "Leave out pairs that are in order", "忽略已满足要求的样本对")

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        embeddings = full_precision(embeddings)
        similarity = cosines(embeddings, embeddings)
        same, different = pair_masks(labels)
        if self.params.mining:
            same, different = informative(similarity.detach(), same, different)
        self.watch(active_pairs=(same.sum() + different.sum()).float())
        return multi_similarity(similarity, same, different, self.params.alpha, self.params.beta, self.params.threshold)


def informative(similarity: Tensor, same: Tensor, different: Tensor) -> tuple[Tensor, Tensor]:
    """The pairs (n, n) that are not yet in order: positives no more than ε above the anchor's most similar
    negative, and negatives no more than ε below its least similar positive.
    """
    nearest = similarity.where(different, -torch.inf).amax(1, keepdim=True)
    farthest = similarity.where(same, torch.inf).amin(1, keepdim=True)
    return same & (similarity - SLACK < nearest), different & (similarity + SLACK > farthest)


def multi_similarity(
    similarity: Tensor, same: Tensor, different: Tensor, alpha: float, beta: float, threshold: float
) -> Tensor:
    """Mean over the rows of log(1 + Σ exp(−α(S − λ)))/α over the same class, plus log(1 + Σ exp(β(S − λ)))/β over
    the others.

    Args:
        similarity: cosines (n, n).
        same: mask (n, n) of the pairs of the same class that count.
        different: mask (n, n) of the pairs of different classes that count.
        alpha: sharpness of the first.
        beta: sharpness of the second.
        threshold: λ.
    """
    near = log_one_plus_sum_exp(-alpha * (similarity - threshold), same) / alpha
    far = log_one_plus_sum_exp(beta * (similarity - threshold), different) / beta
    return (near + far).mean()
