"""BNM: predictions on the target that are sure and of many classes have a large nuclear norm."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import softmax

from dtml.alignment import Alignment
from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import Example, LossParams, full_precision
from dtml.representation import Representation


class BNM(Alignment):
    """Batch nuclear-norm maximisation, of the target's class scores only: it never compares the domains.

    Divided by the batch size as in the paper (the authors' code takes the mean of the singular values). With a
    batch of fewer samples than classes, or of very unequal classes, variety is overrated.
    """

    name = "bnm"
    title = Text("BNM (nuclear norm)", "BNM（核范数）")
    summary = Text(
        "Maximises the nuclear norm of the matrix of class probabilities on the target: predictions become sure and "
        "stay varied.",
        "最大化目标域类别概率矩阵的核范数：预测变得确定，同时保持多样。",
    )
    formula = r"\mathcal L = -\tfrac1B\,\|P\|_*,\quad P = \sigma(Z_t)"
    paper = Paper(
        "Cui, Wang, Zhuo, Li, Huang, Tian", 2020,
        "Towards Discriminability and Diversity: Batch Nuclear-norm Maximization under Label Insufficient Situations",
        "https://arxiv.org/abs/2003.12237", "section 3.4",
    )  # fmt: skip
    claims = frozenset({
        "permutation_invariant", "translation_invariant", "rotation_invariant", "blind_to_mean_shift", "bounded",
    })  # fmt: skip
    examples = (
        Example(
            ([[0.0]], [[0.0], [1.0], [2.0]]), -(math.sqrt(2) + 1) / 3,
            "sure of class 1, 1 and 2: singular values √2 and 1",
            logits=([[0.0, 0.0]], [[60.0, 0.0], [60.0, 0.0], [0.0, 60.0]]),
        ),
        Example(
            ([[0.0]], [[0.0], [1.0]]), -0.75,
            "rows (¾, ¼) and (¼, ¾): symmetric with the eigenvalues 1 and ½",
            logits=([[0.0, 0.0]], [[math.log(3), 0.0], [0.0, math.log(3)]]),
        ),
    )  # fmt: skip

    class Params(LossParams):
        """Weight."""

        weight: float = param(3.0, "Trade-off weight", "权衡权重", ge=0)

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        return -nuclear_norm(softmax(full_precision(target.logits), 1)) / len(target.logits)


def nuclear_norm(matrix: Tensor) -> Tensor:
    """The sum of the singular values of a matrix (m, c).

    Singular values that are rounding errors count as 0 and have no gradient: their directions are arbitrary.
    """
    values = torch.linalg.svdvals(matrix)
    noise = values.detach().max() * max(matrix.shape) * torch.finfo(matrix.dtype).eps
    return torch.where(values > noise, values, 0).sum()
