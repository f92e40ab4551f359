"""DTML's criterion: compact classes, separated from their nearest neighbours of other classes."""

from __future__ import annotations

import torch
from torch import Tensor

from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import Example, LossParams, full_precision, neighbour_mean, pair_masks, squared_distances
from dtml.metric import Metric

_POINTS = ([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0], [1.0, 3.0]], [0, 0, 1, 1])


class DTML(Metric):
    """Intra-class compactness less inter-class separability, over each sample's nearest neighbours.

    −αS_b has no lower bound on an unbounded embedding, so it needs tanh (d² ≤ 4·dim) or a normalised one
    (d² ≤ 4). The whole of DTML is this, the alignment `mmd_linear` with weight β, and weight decay γ.
    """

    name = "dtml"
    title = Text("DTML (compactness and separability)", "DTML（类内紧致与类间可分）")
    summary = Text(
        "Draws each sample to its nearest neighbours of the same class and away from its nearest of other classes.",
        "使每个样本靠近其同类近邻，远离其异类近邻。",
    )
    formula = (
        r"S_c - \alpha S_b,\quad S_c = \tfrac1{N k_1}\sum_{ij} P_{ij}\,d_{ij}^2,\quad "
        r"S_b = \tfrac1{N k_2}\sum_{ij} Q_{ij}\,d_{ij}^2"
    )
    paper = Paper(
        "Hu, Lu, Tan", 2015, "Deep Transfer Metric Learning", "https://doi.org/10.1109/CVPR.2015.7298629", "(3)-(5)"
    )
    claims = frozenset({"permutation_invariant", "translation_invariant", "rotation_invariant"})
    needs_bounded = True
    examples = (
        Example(_POINTS, 0.1, "S_c = 1, S_b = 9: 1 - .1·9", {"same": 1, "different": 1}),
        Example(_POINTS, 0.05, "S_c = 1, S_b = (9 + 10)/2: 1 - .1·9.5", {"same": 1, "different": 2}),
    )

    class Params(LossParams):
        """Trade-off and neighbours.

        The default weight suits DTML's own partner, the linear MMD; beside DANN a hundredth of it is enough.
        """

        weight: float = param(0.1, "Trade-off weight", "权衡权重", ge=0)
        alpha: float = param(0.1, "Weight α of separability", "可分性权重 α", ge=0, le=100)
        same: int = param(5, "Nearest neighbours k₁ of the same class", "同类近邻数 k₁", ge=1, le=1000)
        different: int = param(10, "Nearest neighbours k₂ of other classes", "异类近邻数 k₂", ge=1, le=1000)

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        squared = squared_distances(full_precision(embeddings), full_precision(embeddings))
        same, different = pair_masks(labels)
        p = self.params
        compactness, separability = (
            neighbour_mean(squared, same, p.same),
            neighbour_mean(squared, different, p.different),
        )
        pairs = sum(mask.sum(1).clamp(max=k).sum() for mask, k in ((same, p.same), (different, p.different)))
        self.watch(compactness=compactness, separability=separability, active_pairs=torch.as_tensor(pairs).float())
        return compactness - p.alpha * separability
