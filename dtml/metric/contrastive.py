"""Contrastive loss (Siamese): same-class pairs together, different ones at least a margin apart."""

from __future__ import annotations

from torch import Tensor

from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import Example, LossParams, distances, full_precision, pair_masks, squared_distances
from dtml.metric import Metric, mean_over


class Contrastive(Metric):
    """All pairs of a batch.

    Pairs of the same class and pairs of different classes are averaged each by themselves, so that the many
    different ones do not drown the few others.
    """

    name = "contrastive"
    title = Text("Contrastive (Siamese)", "对比损失（孪生网络）")
    summary = Text(
        "Pulls pairs of the same class together and pushes pairs of different classes apart, up to a margin.",
        "拉近同类样本对，推远异类样本对，直到间隔为止。",
    )
    formula = r"\tfrac12\,y\,D^2 + \tfrac12\,(1 - y)\,\max(0, m - D)^2"
    paper = Paper(
        "Hadsell, Chopra, LeCun", 2006, "Dimensionality Reduction by Learning an Invariant Mapping",
        "https://doi.org/10.1109/CVPR.2006.100", "(4)",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant", "translation_invariant", "rotation_invariant", "non_negative"})
    examples = (
        Example(([[0.0], [1.0]], [3, 3]), 0.5, "one pair of the same class, D = 1: ½·1²"),
        Example(([[0.0], [0.4]], [3, 5]), 0.18, "one pair of different classes, D = .4: ½·(1 - .4)²"),
        Example(([[0.0], [0.5], [3.0]], [0, 0, 1]), 0.125, "same: ½·.5²; the others are farther apart than 1"),
    )

    class Params(LossParams):
        """The margin.

        The default weight is one at which DANN keeps most of its gain on the default digits task.
        """

        weight: float = param(0.1, "Trade-off weight", "权衡权重", ge=0)
        margin: float = param(1.0, "Margin m between different classes", "不同类别之间的间隔 m", gt=0, le=100)

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        value, active = contrastive(full_precision(embeddings), labels, self.params.margin)
        self.watch(active_pairs=active)
        return value


def contrastive(embeddings: Tensor, labels: Tensor, margin: float) -> tuple[Tensor, Tensor]:
    """Mean of ½D² over the pairs of the same class, plus mean of ½max(0, m − D)² over the others; the active pairs."""
    same, different = pair_masks(labels)
    near = squared_distances(embeddings, embeddings) / 2
    far = (margin - distances(embeddings, embeddings)).clamp_min(0).square() / 2
    active = (same | different & (far > 0)).sum().float() / 2
    return mean_over(near, same) + mean_over(far, different), active
