"""Supervised contrastive loss: all samples of a class against everything else, on the unit sphere."""

from __future__ import annotations

from torch import Tensor

from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import Example, LossParams, full_precision, pair_masks
from dtml.metric import Metric, cosines, log_sum_exp, mean_over

_POINTS = ([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0], [-1.0, 0.0]], [0, 0, 0, 1])


class SupCon(Metric):
    """The paper's L_out: the mean over the positives stands outside of the logarithm.

    The authors' code also multiplies by τ/0.07; the paper's equation, which this is, does not. An anchor without
    a positive is left out.
    """

    name = "supcon"
    title = Text("SupCon (supervised contrastive)", "SupCon（有监督对比）")
    summary = Text(
        "Each sample should pick out all samples of its class among all others of the batch, by the angle.",
        "每个样本应能按夹角从批次中的所有其他样本里辨认出全部同类样本。",
    )
    formula = (
        r"\frac1{|I|}\sum_{i \in I} \frac{-1}{|P(i)|} \sum_{p \in P(i)} "
        r"\log\frac{e^{\cos(z_i, z_p)/\tau}}{\sum_{a \ne i} e^{\cos(z_i, z_a)/\tau}}"
    )
    paper = Paper(
        "Khosla, Teterwak, Wang, Sarna, Tian, Isola, Maschinot, Liu, Krishnan", 2020,
        "Supervised Contrastive Learning", "https://arxiv.org/abs/2004.11362", "(2)",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant", "rotation_invariant", "non_negative", "bounded"})
    examples = (
        Example(
            _POINTS, 0.9712747,
            "cosines of rows 0, 1: 1, 0, -1; of row 2: 0, 0, 0; so (2·(log(e + 1 + e⁻¹) - ½) + log 3)/3",
            {"temperature": 1.0},
        ),
        Example(
            ([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0]], [0, 0, 1]), 0.3465963,
            "τ = .1: row 0: log(1 + e⁻¹⁰); row 1: log 2; row 2 has no positive",
        ),
    )  # fmt: skip

    class Params(LossParams):
        """The temperature.

        The default weight is one at which DANN keeps most of its gain on the default digits task.
        """

        weight: float = param(0.05, "Trade-off weight", "权衡权重", ge=0)
        temperature: float = param(
            0.1, "Temperature τ: small values look at the nearest samples", "温度 τ：越小越关注最近的样本",
            ge=0.01, le=10,
        )  # fmt: skip

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        self.watch(active_pairs=pair_masks(labels)[0].sum().float())
        return supcon(full_precision(embeddings), labels, self.params.temperature)


def supcon(embeddings: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Mean over the anchors of the mean over their positives of −log of the positive's share among all others.

    Args:
        embeddings: (n, d), of any length; their directions count.
        labels: (n,).
        temperature: τ, by which the cosines are divided.
    """
    same, different = pair_masks(labels)
    scores = cosines(embeddings, embeddings) / temperature
    losses = log_sum_exp(scores, same | different)[:, None] - scores
    positives = same.sum(1)
    return mean_over(losses.where(same, 0).sum(1) / positives.clamp_min(1), positives > 0)
