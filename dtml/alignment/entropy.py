"""Conditional entropy: the classifier is made sure of its predictions on the target."""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn.functional import log_softmax

from dtml.alignment import Alignment
from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import Example, LossParams, full_precision
from dtml.representation import Representation


class Entropy(Alignment):
    """Entropy minimisation, of the target's class scores only: it never compares the domains.

    It makes any prediction surer, right or wrong; all samples in one class is its minimum too. The paper gives no
    weight and selects it; a small one lets the source's labels lead.
    """

    name = "entropy"
    title = Text("Entropy minimisation", "熵最小化")
    summary = Text(
        "The mean entropy of the predictions on the target: the boundary between classes moves to where few target "
        "samples are.",
        "目标域预测的平均熵：类别边界移向目标样本稀少之处。",
    )
    formula = r"\mathcal L = -\tfrac1{n_t}\sum_i\sum_k p_k(x_i)\log p_k(x_i)"
    paper = Paper(
        "Grandvalet, Bengio", 2005, "Semi-supervised Learning by Entropy Minimization",
        "https://papers.nips.cc/paper/2740-semi-supervised-learning-by-entropy-minimization", "section 2",
    )  # fmt: skip
    claims = frozenset({
        "permutation_invariant", "translation_invariant", "rotation_invariant", "blind_to_mean_shift", "non_negative",
        "bounded",
    })  # fmt: skip
    examples = (
        Example(
            ([[0.0]], [[0.0], [1.0]]), math.log(2) / 2, "one coin and one certainty: ½·(log 2 + 0)",
            logits=([[0.0, 0.0]], [[5.0, 5.0], [0.0, 60.0]]),
        ),
        Example(
            ([[0.0]], [[0.0]]), math.log(4) - 0.75 * math.log(3), "(¾, ¼): log 4 - ¾·log 3",
            logits=([[0.0, 0.0]], [[math.log(3), 0.0]]),
        ),
    )  # fmt: skip

    class Params(LossParams):
        """The weight."""

        weight: float = param(0.1, "Trade-off weight", "权衡权重", ge=0)

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        return mean_entropy(log_softmax(full_precision(target.logits), 1))


def mean_entropy(log_p: Tensor) -> Tensor:
    """Mean over samples of −Σ p log p, in nats, for log probabilities (m, c)."""
    return -(log_p.exp() * log_p).sum(1).mean()
