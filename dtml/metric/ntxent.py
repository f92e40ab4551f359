"""NT-Xent: each positive pair against all negatives of its anchor, on the unit sphere."""

from __future__ import annotations

import torch
from torch import Tensor

from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import Example, LossParams, full_precision, pair_masks
from dtml.metric import Metric, cosines, log_sum_exp, mean_over


class NTXent(Metric):
    """Normalised temperature-scaled cross-entropy, with samples of the same class as positives.

    The paper has one positive a sample, its other view; with more, each pair stands by itself and the other
    positives of its anchor are left out of its denominator.
    """

    name = "ntxent"
    title = Text("NT-Xent (SimCLR)", "NT-Xent（SimCLR）")
    summary = Text(
        "Each sample should pick out every sample of its class among all those of other classes, by the angle.",
        "每个样本应能按夹角从所有异类样本中辨认出每一个同类样本。",
    )
    formula = (
        r"-\log\frac{e^{\cos(z_i, z_p)/\tau}}{e^{\cos(z_i, z_p)/\tau} + \sum_{n \in N(i)} e^{\cos(z_i, z_n)/\tau}}"
    )
    paper = Paper(
        "Chen, Kornblith, Norouzi, Hinton", 2020,
        "A Simple Framework for Contrastive Learning of Visual Representations",
        "https://arxiv.org/abs/2002.05709", "(1)",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant", "rotation_invariant", "non_negative", "bounded"})
    examples = (
        Example(
            ([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0]], [0, 0, 1]), 0.5032045,
            "cosines: pair 0, to the negative -1 and 0: (log(1 + e⁻¹) + log 2)/2",
            {"temperature": 1.0},
        ),
        Example(
            ([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0]], [0, 0, 1]), 0.4100376,
            "the same over τ = ½: (log(1 + e⁻²) + log 2)/2",
        ),
    )  # fmt: skip

    class Params(LossParams):
        """The temperature.

        The default weight is one at which DANN keeps most of its gain on the default digits task.
        """

        weight: float = param(0.1, "Trade-off weight", "权衡权重", ge=0)
        temperature: float = param(
            0.5, "Temperature τ: small values look at the nearest negatives", "温度 τ：越小越关注最近的负样本",
            ge=0.01, le=10,
        )  # fmt: skip

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        same, different = pair_masks(labels)
        self.watch(active_pairs=(same & different.any(1, keepdim=True)).sum().float())
        return nt_xent(full_precision(embeddings), labels, self.params.temperature)


def nt_xent(embeddings: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Mean over the positive pairs of −log of the pair's share among itself and the anchor's negatives.

    Args:
        embeddings: (n, d), of any length; their directions count.
        labels: (n,). For two views of m samples without labels: `arange(m)` twice.
        temperature: τ, by which the cosines are divided.
    """
    same, different = pair_masks(labels)
    scores = cosines(embeddings, embeddings) / temperature
    negatives = log_sum_exp(scores, different)[:, None]
    return mean_over(torch.logaddexp(scores, negatives) - scores, same)
