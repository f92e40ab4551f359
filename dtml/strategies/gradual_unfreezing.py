"""Gradual unfreezing: the backbone thaws from the top, a stage a phase, each slower than the one above."""

from __future__ import annotations

from collections.abc import Sequence

from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text
from dtml.strategies import Phase, Strategy, moving, pretrained_first, thawing


class GradualUnfreezing(Strategy):
    """One phase for the head, then one for each stage that is not `frozen`, from the top; all of equal length."""

    name = "gradual_unfreezing"
    title = Text("Gradual unfreezing", "逐步解冻")
    summary = Text(
        "The head learns first; then the stages thaw one by one from the top, each learning slower than the one above.",
        "先训练头部，然后自上而下逐个解冻各阶段，每个阶段的学习率低于其上一阶段。",
    )
    formula = r"\eta_{l-1} = \eta_l / 2.6"
    paper = Paper(
        "Howard, Ruder", 2018, "Universal Language Model Fine-tuning for Text Classification",
        "https://arxiv.org/abs/1801.06146", "section 3.3",
    )  # fmt: skip

    class Params(BaseParams):
        """Rates."""

        backbone_rate: float = param(
            0.1, "Learning rate of the top stage, relative", "顶层阶段的相对学习率", gt=0, le=10
        )
        decay: float = param(
            2.6, "How many times slower a stage learns than the one above", "每个阶段比其上一阶段慢多少倍", ge=1, le=100
        )
        frozen: str = param(
            "",
            "Stages that stay frozen, by name (commas between them)",
            "保持冻结的阶段名称（以逗号分隔）",
        )

    def phases(self, stages: Sequence[str], learned: bool) -> list[Phase]:
        phases, free = [], thawing(stages, self.params.frozen)
        for thawed in range(len(free) + 1):
            rates = moving([], 0.0)
            for depth, stage in enumerate(reversed(free[len(free) - thawed :])):
                rates[f"stages.{stage}"] = self.params.backbone_rate / self.params.decay**depth
            title = Text(f"Stages thawed: {thawed}", f"已解冻阶段数：{thawed}")
            phases.append(Phase(f"thawed{thawed}", title, rates, 1 / (len(free) + 1)))
        return pretrained_first(phases, stages, learned)
