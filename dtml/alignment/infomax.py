"""Information maximisation: predictions on the target that are sure, and spread over the classes."""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn.functional import log_softmax

from dtml.alignment import Alignment
from dtml.alignment.entropy import mean_entropy
from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import Example, LossParams, full_precision
from dtml.representation import Representation


class InfoMax(Alignment):
    """The mutual information of sample and class, negated; of the target's class scores only.

    Introduced for clustering by Krause, Perona and Gomes (2010); here as in SHOT, without its frozen classifier
    and pseudo-labels, and beside the source's labels. It assumes that the classes are about equally frequent in
    the target.
    """

    name = "infomax"
    title = Text("Information maximisation", "信息最大化")
    summary = Text(
        "Makes each prediction on the target sure while all of them together stay spread over the classes.",
        "让目标域上的每个预测都确定，同时整体上仍分散在各个类别。",
    )
    formula = r"\mathcal L = \tfrac1{n_t}\sum_i H\bigl(p(x_i)\bigr) - H\Bigl(\tfrac1{n_t}\sum_i p(x_i)\Bigr)"
    paper = Paper(
        "Liang, Hu, Feng", 2020,
        "Do We Really Need to Access the Source Data? Source Hypothesis Transfer for Unsupervised Domain Adaptation",
        "https://arxiv.org/abs/2002.08546", "(3)",
    )  # fmt: skip
    claims = frozenset({
        "permutation_invariant", "translation_invariant", "rotation_invariant", "blind_to_mean_shift", "bounded",
    })  # fmt: skip
    examples = (
        Example(
            ([[0.0]], [[0.0], [1.0], [2.0]]), -math.log(3) + 2 / 3 * math.log(2),
            "sure of class 1, 1 and 2: 0 less the entropy log 3 - ⅔·log 2 of (⅔, ⅓)",
            logits=([[0.0, 0.0]], [[60.0, 0.0], [60.0, 0.0], [0.0, 60.0]]),
        ),
        Example(
            ([[0.0]], [[0.0], [1.0]]), math.log(2) - 0.75 * math.log(3),
            "(¾, ¼) and (¼, ¾): log 4 - ¾·log 3 within, log 2 together",
            logits=([[0.0, 0.0]], [[math.log(3), 0.0], [0.0, math.log(3)]]),
        ),
    )  # fmt: skip

    class Params(LossParams):
        """Weight."""

        weight: float = param(0.3, "Trade-off weight", "权衡权重", ge=0)

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        log_p = log_softmax(full_precision(target.logits), 1)
        within, together = mean_entropy(log_p), entropy_of_mean(log_p)
        self.watch(sureness=-within, spread=together)
        return within - together


def entropy_of_mean(log_p: Tensor) -> Tensor:
    """Entropy in nats of the mean prediction, for log probabilities (m, c)."""
    return mean_entropy((log_p.logsumexp(0) - math.log(len(log_p)))[None])
