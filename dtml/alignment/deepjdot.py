"""DeepJDOT: optimal transport between the joint distributions of embeddings and labels."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from dtml.alignment import Alignment
from dtml.alignment._classes import soft_memberships
from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import Example, LossParams, full_precision, squared_distances
from dtml.representation import Representation


class DeepJDOT(Alignment):
    """The cost of moving the source's (embedding, label) pairs to the target's (embedding, prediction) pairs.

    The plan is exact, from the batch alone, so a batch whose domains hold different classes is still matched as a
    whole. It is a constant of the step and is computed on the CPU. The weights α and λ are 100 times the paper's, in
    the paper's ratio: those were too weak on a tanh embedding of 64 dimensions.
    """

    name = "deepjdot"
    title = Text("DeepJDOT (optimal transport)", "DeepJDOT（最优传输）")
    summary = Text(
        "Matches the two batches by optimal transport, so that matched samples are near and matched targets are "
        "predicted as the label of their source.",
        "用最优传输匹配两个批次，使匹配的样本彼此接近，且匹配的目标样本被预测为对应源样本的标签。",
    )
    formula = (
        r"\min_{\gamma \in \Pi} \sum_{ij} \gamma_{ij} "
        r"\bigl(\alpha\,\|f(x^s_i) - f(x^t_j)\|^2 + \lambda\,\mathrm{CE}(y^s_i, \hat y^t_j)\bigr)"
    )
    paper = Paper(
        "Damodaran, Kellenberger, Flamary, Tuia, Courty", 2018,
        "DeepJDOT: Deep Joint Distribution Optimal Transport for Unsupervised Domain Adaptation",
        "https://arxiv.org/abs/1803.10081", "section 3",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant", "translation_invariant", "rotation_invariant", "non_negative"})
    examples = (
        Example(
            ([[0.0], [2.0]], [[3.0], [1.0]]), 1 + math.log(2), "0 → 1 and 2 → 3, d² = 1 each; no class is preferred",
            {"alpha": 1.0, "label": 1.0}, logits=([[0.0, 0.0]] * 2, [[0.0, 0.0]] * 2), labels=([0, 1], [-1, -1]),
        ),
        Example(
            ([[0.0], [1.0]], [[0.0], [1.0]]), 1 + 4 * math.log(4 / 3),
            "crossed, d² = 1 and p = ¾, as the straight match costs 0 + 4·log 4",
            {"alpha": 1.0, "label": 4.0}, logits=([[0.0, 0.0]] * 2, [[0.0, math.log(3)], [math.log(3), 0.0]]),
            labels=([0, 1], [-1, -1]),
        ),
    )  # fmt: skip

    class Params(LossParams):
        """The two parts of the cost."""

        alpha: float = param(
            0.1, "Weight α of the squared distance of embeddings", "嵌入距离平方的权重 α", ge=0, le=100
        )
        label: float = param(
            0.01,
            "Weight λ of the cross-entropy of the target's prediction under the source's label",
            "目标预测在源标签下的交叉熵的权重 λ",
            ge=0,
            le=100,
        )

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        near = squared_distances(full_precision(source.embedding), full_precision(target.embedding))
        alike = -soft_memberships(source) @ full_precision(target.logits).log_softmax(1).T.to(near.dtype)
        cost = self.params.alpha * near + self.params.label * alike
        plan = transport_plan(cost)
        self.watch(distance=(plan * near).sum(), label_cost=(plan * alike).sum())
        return (plan * cost).sum()


def transport_plan(cost: Tensor) -> Tensor:
    """The plan (n, m) of least total cost (n, m) between uniform weights; a constant.

    Costs that are not numbers count as 0 here, so that the loss, and not the solver, shows that training broke down.
    """
    import ot

    numbers = torch.nan_to_num(cost.detach(), nan=0.0, posinf=0.0, neginf=0.0).double().cpu().numpy()
    plan = ot.emd([], [], numbers, numItermax=1_000_000)
    return torch.as_tensor(plan, dtype=cost.dtype, device=cost.device)
