"""AdaBN: the batch normalisation's statistics are taken from the target."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text
from dtml.strategies import Batch, Objective, Phase, Scene, Strategy, source_first


class AdaBN(Strategy):
    """Two phases: the source alone, then means and variances of the target's activations; no weight moves in it.

    The finished network is one for the target: the source is looked at with the target's statistics, too.
    """

    name = "adabn"
    title = Text("AdaBN (statistics of the target)", "AdaBN（目标域统计量）")
    summary = Text(
        "After training on the source, the means and variances in the batch normalisation are replaced by those of "
        "the target; no weight changes.",
        "在源域上训练之后，用目标域的均值和方差替换批归一化的统计量；权重不变。",
    )
    formula = r"\hat x = \frac{x - \mu_t}{\sqrt{\sigma_t^2 + \epsilon}}"
    paper = Paper(
        "Li, Wang, Shi, Liu, Hou", 2016, "Revisiting Batch Normalization for Practical Domain Adaptation",
        "https://arxiv.org/abs/1603.04779", "algorithm 1",
    )  # fmt: skip
    adapts = True
    aligns = False
    needs_batch_norm = True
    counterfactual = {"name": "full_training"}

    class Params(BaseParams):
        """How many batches the statistics are taken from."""

        share: float = param(0.1, "Share of the steps for the statistics", "统计量估计的步数占比", gt=0, lt=1)

    def phases(self, stages: Sequence[str], learned: bool) -> list[Phase]:
        title = Text("Statistics of the target", "估计目标域统计量")
        taken = Phase(
            "statistics", title, {"norms": 0.0}, self.params.share, sees="target", losses=False, objective=Statistics
        )
        return [source_first(stages, learned, 1 - self.params.share), taken]


class Statistics(Objective):
    """Plain averages over all batches of the phase; there is nothing to minimise."""

    def begin(self, scene: Scene) -> None:
        for module in scene.model.network.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
                module.reset_running_stats()
                module.momentum = None  # a cumulative average

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        assert batch.seen[1] is not None, "the forward itself updates the statistics"
        return {}
