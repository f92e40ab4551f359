"""Parameter initialisation: weights learned on the source are where learning on the target starts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text
from dtml.strategies import Phase, Strategy, moving, source_first


class ParameterInitialisation(Strategy):
    """Two phases: the source with its labels, then the target's few labelled samples alone.

    Its twin starts on the target at random and has all steps for it. How much sooner a given accuracy is reached
    is `dtml.comparison.steps_to` of the two runs' snapshots.
    """

    name = "parameter_initialisation"
    title = Text("Parameter initialisation", "参数初始化")
    summary = Text(
        "The network is trained on the source; its weights are where training on the target's few labels starts, "
        "held against a random start.",
        "先在源域上训练网络，再以其权重为起点在少量目标域标签上训练，并与随机起点比较。",
    )
    formula = (
        r"\theta_0 = \arg\min_\theta \mathcal L_s(\theta),\quad \min_\theta \mathcal L_t(\theta) \text{ from } \theta_0"
    )
    paper = Paper(
        "Yosinski, Clune, Bengio, Lipson", 2014, "How transferable are features in deep neural networks?",
        "https://arxiv.org/abs/1411.1792", "section 4",
    )  # fmt: skip
    adapts = True
    aligns = False
    needs_labels = True
    counterfactual = {"name": "parameter_initialisation", "start": "random"}

    class Params(BaseParams):
        """Where the target's training starts."""

        start: Literal["source", "random"] = param("source", "Start on the target", "目标域训练的起点")
        source_share: float = param(0.5, "Share of the steps on the source", "源域训练的步数占比", gt=0, lt=1)

    def phases(self, stages: Sequence[str], learned: bool) -> list[Phase]:
        title = Text("Training on the target's labels", "在目标域标签上训练")
        rates = moving(stages, 1.0)
        if self.params.start == "random":
            return [Phase("target", title, rates, sees="labelled")]
        share = self.params.source_share
        first = source_first(stages, learned, share)
        return [first, Phase("target", title, rates, 1 - share, sees="labelled")]
