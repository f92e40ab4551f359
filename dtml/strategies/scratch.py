"""Training from scratch: everything moves, from random weights."""

from __future__ import annotations

from collections.abc import Sequence

from dtml.language import Text
from dtml.strategies import Phase, Strategy, moving


class Scratch(Strategy):
    """One phase on all parameters, from a random start even where learned weights exist."""

    name = "scratch"
    title = Text("From scratch", "从零训练")
    summary = Text(
        "All weights start at random and learn from the source: nothing is transferred but what the alignment does.",
        "所有权重随机初始化并在源域上训练：除对齐外没有迁移任何知识。",
    )
    formula = r"\min_{\theta, w}\ \mathcal L(f_\theta, g_w),\quad \theta_0 \sim \text{random}"
    pretrained = False

    def phases(self, stages: Sequence[str], learned: bool) -> list[Phase]:
        return [Phase("train", Text("Training", "训练"), moving(stages, 1.0))]
