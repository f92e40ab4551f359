"""Feature extraction: the backbone is frozen, its features are computed once, the head is trained."""

from __future__ import annotations

from collections.abc import Sequence

from dtml.catalogue import Paper
from dtml.language import Text
from dtml.strategies import Phase, Strategy, moving, pretrained_first


class FeatureExtraction(Strategy):
    """One phase on embedding head and classifier; the backbone only runs once over the data."""

    name = "feature_extraction"
    title = Text("Feature extraction", "特征提取")
    summary = Text(
        "The backbone keeps its learned weights; only the embedding head and the classifier learn from its features. "
        "A backbone without learned weights is trained on the source first.",
        "骨干网络保持已学到的权重；只在其特征上训练嵌入头和分类器。没有预训练权重的骨干网络先在源域上训练。",
    )
    formula = r"\min_{w}\ \mathcal L(f_{\theta_0}, g_w)"
    paper = Paper(
        "Yosinski, Clune, Bengio, Lipson",
        2014,
        "How transferable are features in deep neural networks?",
        "https://arxiv.org/abs/1411.1792",
        "section 2",
    )

    def phases(self, stages: Sequence[str], learned: bool) -> list[Phase]:
        probe = Phase("probe", Text("Training the head", "训练嵌入头"), moving([], 0.0))
        return pretrained_first([probe], stages, learned)
