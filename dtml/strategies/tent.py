"""TENT: at test time, the batch normalisation learns to make the target's predictions certain."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from dtml.alignment.entropy import mean_entropy
from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text
from dtml.strategies import Batch, Objective, Phase, Strategy, source_first


class TENT(Strategy):
    """Two phases: the source alone; then, without the source, entropy minimisation on the target's batches.

    Only scale, shift and statistics of the batch normalisation move. The paper adapts on the test samples as they
    come; here on the target's training samples, so that the test split stays unseen.
    """

    name = "tent"
    title = Text("TENT (test-time entropy)", "TENT（测试时熵最小化）")
    summary = Text(
        "After training on the source, only the batch normalisation adapts, to make predictions on the target certain. "
        "No step of it reads the source.",
        "在源域上训练之后，仅调整批归一化，使目标域上的预测更确定；不再读取源域数据。",
    )
    formula = r"\min_{\gamma, \beta}\ -\sum_c p_c(x_t)\log p_c(x_t)"
    paper = Paper(
        "Wang, Shelhamer, Liu, Olshausen, Darrell", 2021, "Tent: Fully Test-Time Adaptation by Entropy Minimization",
        "https://arxiv.org/abs/2006.10726", "section 3",
    )  # fmt: skip
    adapts = True
    aligns = False
    needs_batch_norm = True
    counterfactual = {"name": "full_training"}

    class Params(BaseParams):
        """How long and how fast it adapts."""

        share: float = param(0.2, "Share of the steps on the target", "目标域步数占比", gt=0, lt=1)
        rate: float = param(0.1, "Learning rate of the adaptation, relative", "自适应的相对学习率", gt=0, le=10)

    def phases(self, stages: Sequence[str], learned: bool) -> list[Phase]:
        p = self.params
        title = Text("Adapting to the target", "适应目标域")
        adapted = Phase("adapt", title, {"norms": p.rate}, p.share, sees="target", losses=False, objective=Certainty)
        return [source_first(stages, learned, 1 - p.share), adapted]


class Certainty(Objective):
    """The mean entropy of the predictions on the target."""

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        target = batch.seen[1]
        assert target is not None
        return {"entropy": mean_entropy(target.logits.log_softmax(1))}
