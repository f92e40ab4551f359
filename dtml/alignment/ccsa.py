"""CCSA: pairs of a source and a labelled target sample, together or apart."""

from __future__ import annotations

from torch import Tensor

from dtml.alignment import Alignment
from dtml.alignment._classes import known_labels
from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import Example, LossParams, distances, full_precision, squared_distances
from dtml.representation import Representation


class CCSA(Alignment):
    """Classification and contrastive semantic alignment: the contrastive loss across the domains.

    It learns from labelled target samples alone: a batch without any gives 0. Pairs of the same class and pairs of
    different classes are averaged each by themselves, where the paper draws three of the latter for one of the
    former. The paper weighs classification by 1 less the weight; here it keeps its full weight.
    """

    name = "ccsa"
    title = Text("CCSA (contrastive, few labels)", "CCSA（对比，少量标签）")
    summary = Text(
        "Draws source and labelled target samples of the same class together and pushes those of different classes "
        "apart, up to a margin.",
        "拉近同类的源样本与有标签目标样本，推远异类样本，直到间隔为止。",
    )
    formula = (
        r"\underset{y_s = y_t}{\mathbb E}\ \tfrac12 D^2 + \underset{y_s \ne y_t}{\mathbb E}\ \tfrac12\max(0, m - D)^2,"
        r"\quad D = \|f(x_s) - f(x_t)\|"
    )
    paper = Paper(
        "Motiian, Piccirilli, Adjeroh, Doretto", 2017,
        "Unified Deep Supervised Domain Adaptation and Generalization", "https://arxiv.org/abs/1709.10190",
        "section 4",
    )  # fmt: skip
    claims = frozenset({
        "symmetric", "permutation_invariant", "translation_invariant", "rotation_invariant", "non_negative",
    })  # fmt: skip
    needs_labels = True
    examples = (
        Example(
            ([[0.0], [3.0]], [[1.0], [0.1]]), 0.5, "one pair of the same class: ½·1²; the other label is unknown",
            labels=([0, 2], [0, -1]),
        ),
        Example(
            ([[0.0], [0.6]], [[1.0], [3.0], [0.5]]), 4.71 / 3,
            "same: ½(3² + .4² + .1²)/3; different: 0 and .5 are .5 too near, the two others far enough: ½(.5²)/3",
            labels=([0, 1], [1, 0, 1]),
        ),
    )  # fmt: skip

    class Params(LossParams):
        """Weight of the paper, and the margin."""

        weight: float = param(0.25, "Trade-off weight", "权衡权重", ge=0)
        margin: float = param(1.0, "Margin m between different classes", "不同类别之间的间隔 m", gt=0, le=100)

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        a, b = full_precision(source.embedding), full_precision(target.embedding)
        same, different = pairs_across(known_labels(source), known_labels(target))
        distance, margin = distances(a, b), self.params.margin
        self.watch(
            same_class_pairs=same.sum().float(),
            active_pairs=(same.sum() + (different & (distance < margin)).sum()).float(),
        )
        near, far = squared_distances(a, b) / 2, (margin - distance).clamp_min(0).square() / 2
        return _mean(near, same) + _mean(far, different)


def pairs_across(source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Masks (n, m) of the pairs of known labels (n,) and (m,) that are of the same class, and of different ones."""
    known = (source >= 0)[:, None] & (target >= 0)
    same = source[:, None] == target
    return same & known, ~same & known


def _mean(values: Tensor, chosen: Tensor) -> Tensor:
    return (values * chosen).sum() / chosen.sum().clamp_min(1)
