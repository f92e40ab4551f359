"""d-SNE: each labelled target sample nearer to its whole class than to any other."""

from __future__ import annotations

import torch
from torch import Tensor

from dtml.alignment import Alignment
from dtml.alignment._classes import known_labels
from dtml.alignment.ccsa import pairs_across
from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import Example, LossParams, full_precision, squared_distances
from dtml.representation import Representation


class DSNE(Alignment):
    """The farthest source sample of the own class against the nearest one of another class.

    It learns from labelled target samples alone: the mean is over those whose class, and another one, the source's
    batch has; a batch without any gives 0. One mislabelled source sample is the farthest of its class everywhere.
    """

    name = "dsne"
    title = Text("d-SNE (few labels)", "d-SNE（少量标签）")
    summary = Text(
        "Draws each labelled target sample nearer to the farthest source sample of its class than to the nearest of "
        "another class, by a margin.",
        "使每个有标签目标样本到同类最远源样本的距离，小于到异类最近源样本的距离，且至少相差一个间隔。",
    )
    formula = (
        r"\underset{x_t}{\mathbb E}\Bigl[\max_{y_s = y_t} \|f(x_s) - f(x_t)\|^2 - "
        r"\min_{y_s \ne y_t} \|f(x_s) - f(x_t)\|^2 + m\Bigr]_+"
    )
    paper = Paper(
        "Xu, Zhou, Venkatesan, Swaminathan, Majumder", 2019,
        "d-SNE: Domain Adaptation using Stochastic Neighborhood Embedding", "https://arxiv.org/abs/1905.12775",
        "section 3",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant", "translation_invariant", "rotation_invariant", "non_negative"})
    needs_labels = True
    examples = (
        Example(
            ([[0.0], [1.0], [3.0]], [[0.0], [9.0]]), 0.0, "1 - 9 + 1 < 0; the other label is unknown",
            labels=([0, 0, 1], [0, -1]),
        ),
        Example(
            ([[0.0], [1.0], [3.0]], [[2.0], [3.0], [2.5]]), 11 / 3,
            "class 0 at 2: 4 - 1 + 1 = 4; class 1 at 3: 0 - 4 + 1 < 0; class 0 at 2.5: 6.25 - .25 + 1 = 7; mean of 3",
            labels=([0, 0, 1], [0, 1, 0]),
        ),
    )  # fmt: skip

    class Params(LossParams):
        """Weight of the authors' runs, and the margin."""

        weight: float = param(0.25, "Trade-off weight", "权衡权重", ge=0)
        margin: float = param(1.0, "Margin m, in squared distance", "间隔 m（平方距离）", gt=0, le=1000)

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        squared = squared_distances(full_precision(target.embedding), full_precision(source.embedding))
        masks = pairs_across(known_labels(target), known_labels(source))
        violations, usable = neighbour_violations(squared, *masks, self.params.margin)
        self.watch(labelled=usable.sum().float(), active=(violations > 0).sum().float())
        return violations.sum() / usable.sum().clamp_min(1)


def neighbour_violations(squared: Tensor, same: Tensor, different: Tensor, margin: float) -> tuple[Tensor, Tensor]:
    """[max same-class d² − min other-class d² + margin]₊ (m,) of squared distances (m, n), and where it has both."""
    usable = same.any(1) & different.any(1)
    farthest = torch.where(same, squared, -torch.inf).amax(1)
    nearest = torch.where(different, squared, torch.inf).amin(1)
    gaps = torch.where(usable, farthest, 0) - torch.where(usable, nearest, 0) + margin
    return gaps.clamp_min(0) * usable, usable
