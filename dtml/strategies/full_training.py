"""Full training: everything moves, from learned weights where there are any."""

from __future__ import annotations

from collections.abc import Sequence

from dtml.catalogue import Paper
from dtml.language import Text
from dtml.strategies import Phase, Strategy, moving, start_rate


class FullTraining(Strategy):
    """One phase on all parameters; learned weights move at a tenth of the rate, random ones at the full rate."""

    name = "full_training"
    title = Text("Full training", "整体训练")
    summary = Text(
        "Everything moves in one phase, from learned weights where the backbone has any.",
        "所有参数在一个阶段中一起训练；骨干网络有预训练权重时从其开始。",
    )
    formula = r"\min_{\theta, w}\ \mathcal L(f_\theta, g_w)"
    paper = Paper(
        "Yosinski, Clune, Bengio, Lipson", 2014, "How transferable are features in deep neural networks?",
        "https://arxiv.org/abs/1411.1792", "section 2",
    )  # fmt: skip

    def phases(self, stages: Sequence[str], learned: bool) -> list[Phase]:
        return [Phase("train", Text("Training", "训练"), moving(stages, start_rate(learned)))]
