"""Fine-tuning: the last stages of a trained backbone move, slower than the new head."""

from __future__ import annotations

from collections.abc import Sequence

from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.errors import Problem
from dtml.language import Text, mark
from dtml.strategies import Phase, Strategy, moving, pretrained_first, thawing


class FineTuning(Strategy):
    """One phase on the last `stages` stages (0: all) that are not `frozen`, the head and the classifier."""

    name = "fine_tuning"
    title = Text("Fine-tuning", "微调")
    summary = Text(
        "The last stages of the trained backbone go on learning at a lower rate; earlier stages stay frozen. "
        "A backbone without learned weights is trained on the source first.",
        "已训练骨干网络的最后几个阶段以较低的学习率继续学习；前面的阶段保持冻结。没有预训练权重的骨干网络先在源域上训练。",
    )
    formula = r"\min_{\theta_{>m}, w}\ \mathcal L(f_\theta, g_w),\quad \theta_{\le m} = \theta_0"
    paper = Paper(
        "Yosinski, Clune, Bengio, Lipson",
        2014,
        "How transferable are features in deep neural networks?",
        "https://arxiv.org/abs/1411.1792",
        "section 2",
    )

    class Params(BaseParams):
        """How much of the backbone moves, and how fast."""

        stages: int = param(
            0, "Trained stages, counted from the end (0: all)", "从末端数起的训练阶段数（0：全部）", ge=0, le=64
        )
        backbone_rate: float = param(
            0.1, "Learning rate of the backbone, relative", "骨干网络的相对学习率", gt=0, le=10
        )
        decay: float = param(
            1.0,
            "Layer-wise rates: each stage learns so many times slower than the one above (2.6 in ULMFiT)",
            "逐层学习率：每个阶段比其上一阶段慢多少倍（ULMFiT 为 2.6）",
            ge=1,
            le=100,
        )
        frozen: str = param(
            "",
            "Stages that stay frozen, by name (commas between them)",
            "保持冻结的阶段名称（以逗号分隔）",
        )

    def phases(self, stages: Sequence[str], learned: bool) -> list[Phase]:
        wanted = self.params.stages
        if wanted > len(stages):
            raise Problem(
                mark(
                    "Fine-tuning of {wanted} stages is wanted, but the backbone has {count} ({stages}); choose fewer."
                ),
                wanted=wanted,
                count=len(stages),
                stages=", ".join(stages),
            )
        last = stages[-wanted:]
        free = thawing(stages, self.params.frozen)
        rates = moving([stage for stage in last if stage in free], self.params.backbone_rate)
        for depth, stage in enumerate(reversed(last)):
            if stage in free:
                rates[f"stages.{stage}"] /= self.params.decay**depth
        tuned = Phase("finetune", Text("Fine-tuning", "微调"), rates)
        return pretrained_first([tuned], stages, learned)
