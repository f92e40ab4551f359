"""LP-FT: the head is trained on frozen features first, then everything is fine-tuned."""

from __future__ import annotations

from collections.abc import Sequence

from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text
from dtml.strategies import Phase, Strategy, moving, pretrained_first


class LPFT(Strategy):
    """Two phases: a head that is random would pull good features apart, so it learns before they may move."""

    name = "lp_ft"
    title = Text("Feature extraction, then fine-tuning (LP-FT)", "先特征提取后微调（LP-FT）")
    summary = Text(
        "The head is trained on the frozen backbone's features first; then everything is fine-tuned, so that a random "
        "head cannot distort what was learned.",
        "先在冻结骨干网络的特征上训练头部，然后整体微调，从而避免随机头部破坏已学到的特征。",
    )
    formula = (
        r"w_1 = \arg\min_w \mathcal L(f_{\theta_0}, g_w),\quad "
        r"\min_{\theta, w}\ \mathcal L \text{ from } (\theta_0, w_1)"
    )
    paper = Paper(
        "Kumar, Raghunathan, Jones, Ma, Liang", 2022,
        "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution",
        "https://arxiv.org/abs/2202.10054", "section 3.4",
    )  # fmt: skip

    class Params(BaseParams):
        """The two phases."""

        probe: float = param(0.5, "Share of the steps for the head alone", "仅训练头部的步数占比", gt=0, lt=1)
        backbone_rate: float = param(
            0.1, "Learning rate of the backbone, relative", "骨干网络的相对学习率", gt=0, le=10
        )

    def phases(self, stages: Sequence[str], learned: bool) -> list[Phase]:
        p = self.params
        probe = Phase("probe", Text("Training the head", "训练嵌入头"), moving([], 0.0), p.probe)
        tuned = Phase("finetune", Text("Fine-tuning", "微调"), moving(stages, p.backbone_rate), 1 - p.probe)
        return pretrained_first([probe, tuned], stages, learned)
