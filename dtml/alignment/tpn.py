"""TPN: the class prototypes of the two domains, and of both together, become one."""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Tensor

from dtml.alignment import Alignment
from dtml.alignment._classes import confidence_param, hard_memberships, shared_classes
from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import Example, LossParams, full_precision, squared_distances
from dtml.representation import Representation


class TPN(Alignment):
    """Transferrable prototypical networks.

    The target's classes are the classifier's own guesses (known labels where there are some), where the paper takes
    the nearest source prototype and has no other classifier. Prototypes are means over the batch, of the classes
    that it has in both domains. The paper's weight of 1 is ten times as much: beside the classification of a linear
    layer it draws the classes together.
    """

    name = "tpn"
    title = Text("TPN (class prototypes)", "TPN（类别原型）")
    summary = Text(
        "Draws the class means of source, target and both together to each other, and makes the samples' scores "
        "against the three agree.",
        "拉近源域、目标域及两者合并的类别均值，并使样本相对三组原型的得分分布一致。",
    )
    formula = (
        r"\tfrac1C\sum_c \sum_{a < b} \|\mu^a_c - \mu^b_c\|^2 + \tfrac{\beta}{n}\sum_x \sum_{a < b} "
        r"\tfrac12\bigl(\mathrm{KL}(p^a_x \| p^b_x) + \mathrm{KL}(p^b_x \| p^a_x)\bigr),\quad "
        r"p^a_{xc} \propto e^{-\|f(x) - \mu^a_c\|^2},\quad a, b \in \{s, t, st\}"
    )
    paper = Paper(
        "Pan, Yao, Li, Wang, Ngo, Mei", 2019,
        "Transferrable Prototypical Networks for Unsupervised Domain Adaptation", "https://arxiv.org/abs/1904.11227",
        "sections 3.3 and 3.4",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant", "translation_invariant", "rotation_invariant", "non_negative"})
    examples = (
        Example(
            ([[0.0], [2.0]], [[4.0]]), 14.0, "means 1, 4 and 2: 3² + 1² + 2²; one class has no other to be told from",
            logits=([[0.0, 0.0]] * 2, [[1.0, 0.0]]), labels=([0, 0], [-1]),
        ),
        Example(
            ([[0.0], [1.0]], [[0.0], [3.0]]), 3 + 1.2942902,
            "means (0, 1), (0, 3), (0, 2): ½(0 + 4 + 1 + 1); log-odds 1 - 2x, 9 - 6x, 4 - 4x of class 0: the sum of "
            "½(σ(a) - σ(b))(a - b) is 1.4963620 at 0 (twice), 2.1616559 at 1 and 0.0227811 at 3",
            logits=([[0.0, 0.0]] * 2, [[1.0, 0.0], [0.0, 1.0]]), labels=([0, 1], [-1, -1]),
        ),
    )  # fmt: skip

    class Params(LossParams):
        """A weight that leaves the classes apart, the second term, and pseudo-labels."""

        weight: float = param(0.1, "Trade-off weight", "权衡权重", ge=0)
        scores: float = param(1.0, "Weight β of the agreement of scores", "得分分布一致性的权重 β", ge=0, le=100)
        confidence: float = confidence_param()

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        rows = full_precision(torch.cat([source.embedding, target.embedding]))
        members = [hard_memberships(domain, self.params.confidence) for domain in (source, target)]
        apart, disagreement = prototype_gaps(rows, *members)
        self.watch(prototypes=apart, scores=disagreement, shared_classes=shared_classes(*members).sum().float())
        return apart + self.params.scores * disagreement


def prototype_gaps(rows: Tensor, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Squared distances between the prototypes of source, target and both, and the divergence of their scores.

    Summed over the three pairs: the mean over the classes that both domains have, and the mean over the rows of the
    symmetric KL divergence. `rows` (n + m, d) begin with the source; one-hot memberships (n, c) and (m, c).
    """
    shared = shared_classes(source, target)
    both = torch.cat([source, target])
    prototypes = [
        members.T @ some / members.sum(0).clamp_min(1)[:, None]
        for members, some in ((source, rows[: len(source)]), (target, rows[len(source) :]), (both, rows))
    ]
    apart = torch.stack([(a - b).square().sum(1) for a, b in combinations(prototypes, 2)]).sum(0)
    scores = [(-squared_distances(rows, p)).masked_fill(~shared, -1e9).log_softmax(1) for p in prototypes]
    gaps = [((a.exp() - b.exp()) * (a - b)).sum(1) / 2 for a, b in combinations(scores, 2)]
    return (apart * shared).sum() / shared.sum().clamp_min(1), torch.stack(gaps).sum(0).mean()
