"""MCD: two classifiers look for target samples on which they disagree, and the encoder takes those away."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from dtml.alignment import Alignment
from dtml.alignment._parts import built
from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import LossParams, full_precision
from dtml.representation import Representation


class MCD(Alignment):
    """Maximum classifier discrepancy with two classifiers of its own.

    The paper's steps A (both: cross-entropy of the source), B (classifiers: cross-entropy less discrepancy) and C
    (encoder: discrepancy, up to four times) are two here. The classifiers' step is A + B; the encoder's is A + C,
    taken once, with the discrepancy multiplied by `pull` instead of repeated. The discrepancy is summed over the
    classes, where the paper takes their mean, which leaves little of it with many classes: `discrepancy` = 1/c is the
    paper's. A weaker one than the default gained nothing on small digits; with a `pull` of 4 the embeddings of two
    moons grew without bound. The model's own classifier gives the predictions, not these two.
    """

    name = "mcd"
    title = Text("MCD (classifier discrepancy)", "MCD（分类器差异）")
    summary = Text(
        "Two classifiers agree on the source and disagree on the target as much as they can; the encoder then moves "
        "target samples to where both agree.",
        "两个分类器在源域上一致、在目标域上尽量不一致；编码器再把目标域样本移到两者一致的区域。",
    )
    formula = (
        r"\begin{gathered}\min_{\phi_1,\phi_2}\ 2\mathcal L_y(\phi_1) + 2\mathcal L_y(\phi_2) - \beta\,d_t \\ "
        r"\min_\theta\ \mathcal L_y(\phi_1) + \mathcal L_y(\phi_2) + \kappa\beta\,d_t \\ "
        r"d_t = \mathbb E_t\,\|p_1(x) - p_2(x)\|_1\end{gathered}"
    )
    paper = Paper(
        "Saito, Watanabe, Ushiku, Harada", 2018, "Maximum Classifier Discrepancy for Unsupervised Domain Adaptation",
        "https://arxiv.org/abs/1712.02560", "section 3.3, steps A to C",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant", "non_negative"})
    has_opponent = True

    class Params(LossParams):
        """Classifiers and the strength of their discrepancy."""

        hidden: int = param(128, "Hidden units of each classifier", "每个分类器的隐藏单元数", ge=1, le=4096)
        discrepancy: float = param(
            1.0,
            "Strength β of the discrepancy beside the source's cross-entropy",
            "差异项相对源域交叉熵的强度 β",
            gt=0,
            le=100,
        )
        pull: float = param(
            2.0,
            "How many of the paper's encoder steps the one step stands for (κ)",
            "一个编码器步骤相当于论文中的几个步骤（κ）",
            gt=0,
            le=100,
        )

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self.classifiers: nn.Module | None = None

    def build(self, dim: int, classes: int) -> None:
        hidden = self.params.hidden
        self.classifiers = nn.ModuleList(
            nn.Sequential(nn.Linear(dim, hidden), nn.ReLU(), nn.Linear(hidden, classes)) for _each in range(2)
        )

    def opponent(self, source: Representation, target: Representation, progress: float) -> Tensor:
        learned, apart = self._terms(source, target)
        return 2 * learned - self.params.discrepancy * apart

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        learned, apart = self._terms(source, target)
        self.watch(discrepancy=apart)
        return learned + self.params.pull * self.params.discrepancy * apart

    def _terms(self, source: Representation, target: Representation) -> tuple[Tensor, Tensor]:
        """The cross-entropies of both classifiers on the source, added, and their discrepancy on the target."""
        if source.labels is None:
            raise ValueError("mcd trains two classifiers on the source and got a source without labels; give it labels")
        first, second = built(self, "classifiers", source).children()
        known, unknown = full_precision(source.embedding), full_precision(target.embedding)
        learned = cross_entropy(first(known), source.labels) + cross_entropy(second(known), source.labels)
        return learned, discrepancy(first(unknown), second(unknown))


def discrepancy(first: Tensor, second: Tensor) -> Tensor:
    """Mean over samples of ‖softmax(first) − softmax(second)‖₁ for class scores (n, c); between 0 and 2."""
    return (first.softmax(1) - second.softmax(1)).abs().sum(1).mean()
