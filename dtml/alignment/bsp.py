"""Batch spectral penalisation: no direction of the embedding may dominate."""

from __future__ import annotations

import torch
from torch import Tensor

from dtml.alignment import Alignment
from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import Example, LossParams, full_precision
from dtml.representation import Representation


class BSP(Alignment):
    """Penalises the largest singular values of each domain's batch of embeddings.

    It draws no domains together by itself: in the paper it stands beside an adversarial loss, which it keeps from
    giving up discriminability for transferability. The singular values grow with the batch, and so does the value.
    """

    name = "bsp"
    title = Text("BSP (spectral penalty)", "BSP（谱惩罚）")
    summary = Text(
        "Penalises the largest singular values of both embedding matrices, beside an adversarial alignment.",
        "惩罚两个嵌入矩阵的最大奇异值，与对抗对齐配合使用。",
    )
    formula = r"\sum_{i=1}^{k} \bigl(\sigma_{s,i}^2 + \sigma_{t,i}^2\bigr)"
    paper = Paper(
        "Chen, Wang, Long, Wang", 2019,
        "Transferability vs. Discriminability: Batch Spectral Penalization for Adversarial Domain Adaptation",
        "https://proceedings.mlr.press/v97/chen19i.html", "section 4",
    )  # fmt: skip
    claims = frozenset({"symmetric", "permutation_invariant", "rotation_invariant", "non_negative"})
    examples = (
        Example(
            ([[3.0, 0.0], [0.0, 4.0], [0.0, 0.0]], [[1.0, 2.0]]), 30.0, "3² + 4² and the one value of a single row, 5",
            {"singular_values": 2},
        ),
        Example(([[3.0, 0.0], [0.0, 4.0]], [[0.0, 2.0], [1.0, 0.0], [0.0, 0.0]]), 20.0, "the largest: 4² + 2²"),
    )  # fmt: skip

    class Params(LossParams):
        """Weight of the paper, and how many singular values."""

        weight: float = param(1e-4, "Trade-off weight", "权衡权重", ge=0)
        singular_values: int = param(
            1, "Largest singular values k that are penalised", "受惩罚的最大奇异值个数 k", ge=1, le=1000
        )

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        k = self.params.singular_values
        parts = [spectral_energy(full_precision(domain.embedding), k) for domain in (source, target)]
        self.watch(source_largest=parts[0], target_largest=parts[1])
        return parts[0] + parts[1]


def spectral_energy(rows: Tensor, k: int) -> Tensor:
    """Sum of the `k` largest squared singular values of rows (n, d); of all where there are fewer.

    Rows that are not numbers make it not a number, where the decomposition would stop with an error of its own.
    """
    finite = torch.nan_to_num(rows, nan=0.0, posinf=0.0, neginf=0.0)
    return torch.linalg.svdvals(finite)[:k].square().sum() + 0 * rows.sum()
