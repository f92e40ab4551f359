"""Triplet loss: each sample nearer to its own class than to any other, by a margin."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import Example, LossParams, distances, full_precision, squared_distances
from dtml.metric import Metric, pair_masks


class Triplet(Metric):
    """All triplets of a batch, or the hardest one of each anchor."""

    name = "triplet"
    title = Text("Triplet", "三元组损失")
    summary = Text(
        "Each sample is drawn nearer to samples of its own class than to those of other classes, by a margin.",
        "使每个样本与同类样本的距离比与异类样本的距离更近，且至少相差一个间隔。",
    )
    formula = r"\bigl[\,d_{ap} - d_{an} + m\,\bigr]_+"
    paper = Paper(
        "Schroff, Kalenichenko, Philbin", 2015, "FaceNet: A Unified Embedding for Face Recognition and Clustering",
        "https://arxiv.org/abs/1503.03832", "(3)",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant", "translation_invariant", "rotation_invariant", "non_negative"})
    examples = (
        Example(
            ([[0.0], [1.0], [-2.0]], [0, 0, 1]), 0.5,
            "anchor 0: 1 - 2 + 1.5 = ½; anchor 1: 1 - 3 + 1.5 < 0; mean of the active ones",
            {"squared": False, "margin": 1.5},
        ),
        Example(([[0.0], [2.0], [-1.4142135623730951]], [0, 0, 1]), 2.2, "4 - 2 + .2; the other is inactive"),
    )  # fmt: skip

    class Params(LossParams):
        """Margin, distance, and which triplets count."""

        margin: float = param(0.2, "Margin m", "间隔 m", gt=0, le=100)
        squared: bool = param(True, "Squared Euclidean distances", "使用平方欧氏距离")
        mining: Literal["all", "hardest"] = param(
            "all", "Triplets: all active ones, or each anchor's hardest", "三元组：全部有效三元组，或每个锚点最难的一个"
        )

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        embeddings = full_precision(embeddings)
        measure = squared_distances if self.params.squared else distances
        loss = _all if self.params.mining == "all" else _hardest
        violations = loss(measure(embeddings, embeddings), *pair_masks(labels), self.params.margin)
        active = (violations > 0).sum()
        self.watch(active_triplets=active.float())
        return violations.sum() / active.clamp_min(1)


def _all(distance: Tensor, same: Tensor, different: Tensor, margin: float) -> Tensor:
    """[d_ap − d_an + m]₊ of all (anchor, positive, negative); 0 where they are no triplet. Shape (n, n, n)."""
    gaps = distance[:, :, None] - distance[:, None, :] + margin
    return gaps.clamp_min(0) * (same[:, :, None] & different[:, None, :])


def _hardest(distance: Tensor, same: Tensor, different: Tensor, margin: float) -> Tensor:
    """[max d_ap − min d_an + m]₊ of each anchor with a positive and a negative; 0 for the others. Shape (n,)."""
    farthest = torch.where(same, distance, -torch.inf).amax(1)
    nearest = torch.where(different, distance, torch.inf).amin(1)
    usable = same.any(1) & different.any(1)
    gaps = torch.where(usable, farthest, 0) - torch.where(usable, nearest, 0) + margin
    return gaps.clamp_min(0) * usable
