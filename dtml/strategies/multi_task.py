"""Multi-task training: a trunk for both domains, a classifier for each."""

from __future__ import annotations

from collections.abc import Sequence

from dtml.catalogue import Paper
from dtml.language import Text
from dtml.strategies import Phase, Strategy, moving, start_rate


class MultiTask(Strategy):
    """One phase: the source's classifier learns from the source, the target's own from its few labelled samples.

    Both losses count alike. The twin has one classifier for both.
    """

    name = "multi_task"
    title = Text("Multi-task (shared trunk, two heads)", "多任务（共享主干，双头）")
    summary = Text(
        "Both domains share the layers up to the embedding and have a classifier each; the target's learns from a few "
        "labelled samples.",
        "两个域共享直到嵌入层的网络，各有自己的分类器；目标域的分类器从少量标注样本中学习。",
    )
    formula = r"\min\ \mathcal L_s(\theta, w_s) + \mathcal L_t(\theta, w_t)"
    paper = Paper("Caruana", 1997, "Multitask Learning", "https://doi.org/10.1023/A:1007379606734", "section 1")
    adapts = True
    needs_labels = True
    own_heads = True
    counterfactual = {"name": "full_training"}

    def phases(self, stages: Sequence[str], learned: bool) -> list[Phase]:
        return [Phase("train", Text("Training both heads", "训练两个头"), moving(stages, start_rate(learned)))]
