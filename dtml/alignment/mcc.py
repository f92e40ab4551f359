"""MCC: the classes that the classifier takes for each other on the target are driven apart."""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn.functional import log_softmax

from dtml.alignment import Alignment
from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import Example, LossParams, full_precision
from dtml.representation import Representation

_SURE = 1 + 0.75**0.75 * 0.25**0.25
"""1 + e^-H of the probabilities ¾ and ¼."""
_EVEN = 1.5
"""1 + e^-H of the probabilities ½ and ½."""
_TORN = 3 * _SURE + 4 * _EVEN
"""16 times the correlation of the two classes in the second example."""


class MCC(Alignment):
    """Minimum class confusion, of the target's class scores only: it never compares the domains.

    A class that no sample of the batch has any probability of adds nothing. Made for learned features: on small
    digits, trained from scratch, it gains much or loses from seed to seed, with every weight (.1 to 3) and temperature
    (1 to 5) that was tried.
    """

    name = "mcc"
    title = Text("MCC (class confusion)", "MCC（类别混淆）")
    summary = Text(
        "Measures how often the classifier, its scores softened, is torn between two classes on the target, and makes "
        "that rare.",
        "度量分类器（输出经软化后）在目标域上有多常在两个类别之间摇摆，并使其减少。",
    )
    formula = (
        r"\mathcal L = \tfrac1{|\mathcal C|}\sum_j\sum_{j'\ne j}\tilde C_{jj'},\quad \tilde C_{jj'} = "
        r"\frac{C_{jj'}}{\sum_{k} C_{jk}},\quad C = \hat Y^\top W\hat Y,\quad \hat Y = \sigma(Z/T),\quad "
        r"W_{ii} \propto 1 + e^{-H(\hat y_i)}"
    )
    paper = Paper(
        "Jin, Wang, Long, Wang", 2020, "Minimum Class Confusion for Versatile Domain Adaptation",
        "https://arxiv.org/abs/1912.03699", "section 3.2",
    )  # fmt: skip
    claims = frozenset({
        "permutation_invariant", "translation_invariant", "rotation_invariant", "blind_to_mean_shift", "non_negative",
        "bounded",
    })  # fmt: skip
    examples = (
        Example(
            ([[0.0]], [[0.0], [1.0]]), 0.375,
            "predictions (¾, ¼), (¼, ¾), equal weights: C = ((10, 6), (6, 10))/16, half of 6/16 + 6/16",
            {"temperature": 1.0},
            logits=([[0.0, 0.0]], [[math.log(3), 0.0], [0.0, math.log(3)]]),
        ),
        Example(
            ([[0.0]], [[0.0], [1.0]]),
            (_TORN / (12 * _SURE + 8 * _EVEN) + _TORN / (4 * _SURE + 8 * _EVEN)) / 2,
            "predictions (¾, ¼), (½, ½) of weights u : v: C = u·((9, 3), (3, 1))/16 + v·((4, 4), (4, 4))/16",
            {"temperature": 1.0, "constant_weights": False},
            logits=([[0.0, 0.0]], [[math.log(3), 0.0], [0.0, 0.0]]),
        ),
    )  # fmt: skip

    class Params(LossParams):
        """Softening and weights."""

        temperature: float = param(
            2.5, "Temperature T that softens the class scores", "软化类别得分的温度 T", gt=0, le=100
        )
        constant_weights: bool = param(
            True,
            "The entropy weights are constants, as in the authors' code; otherwise they are learned from too",
            "熵权重视为常数（与作者代码一致）；否则梯度也经过权重",
        )

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        return confusion(full_precision(target.logits), self.params.temperature, self.params.constant_weights)


def confusion(logits: Tensor, temperature: float, constant_weights: bool) -> Tensor:
    """Mean over classes of the share of the class's correlations that goes to other classes; logits (m, c)."""
    log_p = log_softmax(logits / temperature, 1)
    p = log_p.exp()
    weights = 1 + ((p * log_p).sum(1)).exp()
    weights = weights / weights.mean()
    correlation = p.T @ (p * (weights.detach() if constant_weights else weights)[:, None])
    shares = correlation / correlation.sum(1, keepdim=True).clamp_min(1e-12)
    return (shares.sum() - shares.diagonal().sum()) / len(shares)
