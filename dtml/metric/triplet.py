"""Triplet loss: each sample nearer to its own class than to any other, by a margin."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import Example, LossParams, distances, full_precision, pair_masks, squared_distances
from dtml.metric import Metric


class Triplet(Metric):
    """All triplets of a batch, the semi-hard one of each pair, or the hardest one of each anchor.

    The mean is over the active triplets (violations above 0). FaceNet normalises its embeddings; here the
    embedding's activation does that where it is wanted.
    """

    name = "triplet"
    title = Text("Triplet", "三元组损失")
    summary = Text(
        "Each sample is drawn nearer to samples of its own class than to those of other classes, by a margin.",
        "使每个样本与同类样本的距离比与异类样本的距离更近，且至少相差一个间隔。",
    )
    formula = r"\bigl[\,d_{ap} - d_{an} + m\,\bigr]_+"
    paper = Paper(
        "Schroff, Kalenichenko, Philbin", 2015, "FaceNet: A Unified Embedding for Face Recognition and Clustering",
        "https://arxiv.org/abs/1503.03832", "(3), (4)",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant", "translation_invariant", "rotation_invariant", "non_negative"})
    examples = (
        Example(
            ([[0.0], [1.0], [1.25], [-1.5]], [0, 0, 1, 1]), 0.75,
            "anchor 0: 1 - 1.25 + 1; anchor 1: .25 is nearer than the positive, so 1 - 2.5 + 1 < 0; the other class is "
            "2.75 wide, and none lies beyond",
            {"squared": False, "margin": 1.0, "mining": "semihard"},
        ),
        Example(
            ([[0.0], [1.0], [-2.0]], [0, 0, 1]), 0.5,
            "anchor 0: 1 - 2 + 1.5 = ½; anchor 1: 1 - 3 + 1.5 < 0; mean of the active ones",
            {"squared": False, "margin": 1.5},
        ),
        Example(([[0.0], [2.0], [-1.4142135623730951]], [0, 0, 1]), 2.2, "4 - 2 + .2; the other is inactive"),
    )  # fmt: skip

    class Params(LossParams):
        """Margin, distance, and which triplets count.

        The default weight is one at which DANN keeps most of its gain on the default digits task.
        """

        weight: float = param(0.005, "Trade-off weight", "权衡权重", ge=0)
        margin: float = param(0.2, "Margin m", "间隔 m", gt=0, le=100)
        squared: bool = param(True, "Squared Euclidean distances", "使用平方欧氏距离")
        mining: Literal["all", "semihard", "hardest"] = param(
            "all",
            "Triplets: all active ones, each pair's nearest negative beyond the positive, or each anchor's hardest",
            "三元组：全部有效三元组，每个正样本对之外最近的负样本，或每个锚点最难的一个",
        )

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        embeddings = full_precision(embeddings)
        measure = squared_distances if self.params.squared else distances
        mined = {"all": _all, "semihard": _semihard, "hardest": _hardest}[self.params.mining]
        total, active = mined(measure(embeddings, embeddings), *pair_masks(labels), self.params.margin)
        self.watch(active_triplets=active.float())
        return total / active.clamp_min(1)


def _all(distance: Tensor, same: Tensor, different: Tensor, margin: float) -> tuple[Tensor, Tensor]:
    """Sum of [d_ap − d_an + m]₊ over all triplets, and the number of active ones, from matrices (n, n).

    The sum is Σ w·d + m·active, where w counts the active triplets that a pair is in: the negatives nearer than
    d_ap + m for a positive pair, less the positives with d_ap + m > d_an for a negative one. Counting in sorted
    rows takes O(n² log n) and no n³ memory, and w is the exact gradient.
    """
    with torch.no_grad():
        negatives, order = distance.where(different, torch.inf).sort(1)
        nearer = torch.searchsorted(negatives, (distance + margin).where(same, -torch.inf))
        # The negative of rank r is active with the positives that have more than r nearer ones.
        reaching = torch.zeros_like(distance).scatter_add_(1, (nearer - 1).clamp_min(0), (nearer > 0).to(distance))
        beyond = torch.zeros_like(distance).scatter_(1, order, reaching.flip(1).cumsum(1).flip(1))
        active = nearer.sum()
    return ((nearer - beyond) * distance).sum() + margin * active, active


def _semihard(distance: Tensor, same: Tensor, different: Tensor, margin: float) -> tuple[Tensor, Tensor]:
    """Sum of [d_ap − d_an + m]₊ with the nearest negative beyond the positive (d_an > d_ap), and how many are active.

    A pair without such a negative is left out, as in FaceNet; some libraries take the farthest negative then.
    """
    with torch.no_grad():
        negatives, order = distance.where(different, torch.inf).sort(1)
        rank = torch.searchsorted(negatives, distance, right=True).clamp_max(len(distance) - 1)
        usable = same & (negatives.gather(1, rank) > distance) & negatives.gather(1, rank).isfinite()
        chosen = order.gather(1, rank)
    gaps = (distance - distance.gather(1, chosen) + margin).clamp_min(0) * usable
    return gaps.sum(), (gaps > 0).sum()


def _hardest(distance: Tensor, same: Tensor, different: Tensor, margin: float) -> tuple[Tensor, Tensor]:
    """Sum of [max d_ap − min d_an + m]₊ over the anchors with a positive and a negative, and how many are active."""
    farthest = torch.where(same, distance, -torch.inf).amax(1)
    nearest = torch.where(different, distance, torch.inf).amin(1)
    usable = same.any(1) & different.any(1)
    gaps = (torch.where(usable, farthest, 0) - torch.where(usable, nearest, 0) + margin).clamp_min(0) * usable
    return gaps.sum(), (gaps > 0).sum()
