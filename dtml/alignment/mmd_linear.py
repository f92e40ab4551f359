"""Linear MMD: the distance between the two mean embeddings, as in DTML."""

from __future__ import annotations

from torch import Tensor

from dtml.alignment import Alignment
from dtml.catalogue import Paper
from dtml.language import Text
from dtml.losses import Example, full_precision
from dtml.representation import Representation


class LinearMMD(Alignment):
    """Draws the two mean embeddings together; blind to any other difference."""

    name = "mmd_linear"
    title = Text("MMD, linear", "线性 MMD")
    summary = Text(
        "The squared distance between the mean embeddings of the two domains; DTML's own term.",
        "两个域平均嵌入之间的平方距离；DTML 自己的对齐项。",
    )
    formula = r"D_{ts} = \Bigl\|\tfrac1{n_t}\sum_i f(x^t_i) - \tfrac1{n_s}\sum_i f(x^s_i)\Bigr\|^2"
    paper = Paper(
        "Hu, Lu, Tan", 2015, "Deep Transfer Metric Learning", "https://doi.org/10.1109/CVPR.2015.7298629", "(6)"
    )
    claims = frozenset({
        "zero_on_equal_domains", "symmetric", "permutation_invariant", "translation_invariant", "rotation_invariant",
        "non_negative",
    })  # fmt: skip
    examples = (
        Example(([[0.0], [2.0]], [[1.0], [3.0]]), 1.0, "means 1 and 2: (1 - 2)² = 1"),
        Example(([[0.0, 0.0], [1.0, 0.0]], [[3.0, 4.0], [4.0, 4.0], [3.5, 4.0]]), 25.0, "means differ by (3, 4)"),
    )

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        return mean_distance(full_precision(source.embedding), full_precision(target.embedding))


def mean_distance(source: Tensor, target: Tensor) -> Tensor:
    """Squared Euclidean distance between the means of source (n, d) and target (m, d)."""
    return (source.mean(0) - target.mean(0)).square().sum()
