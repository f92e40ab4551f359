"""SHOT: source-free adaptation with a frozen classifier."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from dtml.alignment.entropy import mean_entropy
from dtml.alignment.infomax import entropy_of_mean
from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text
from dtml.strategies import Batch, Objective, Phase, Scene, Strategy, source_first


class SHOT(Strategy):
    """Two phases: the source alone; then the encoder moves on the target alone, under a frozen classifier.

    The target's predictions become certain and diverse (information maximisation), and agree with pseudo-labels from
    class centroids that are found again every so often. The paper smooths the source's labels by .1
    (`training.label_smoothing`) and weight-normalises the classifier; the latter is left out.
    """

    name = "shot"
    title = Text("SHOT (source-free)", "SHOT（无源域自适应）")
    summary = Text(
        "After training on the source, the encoder adapts to the target alone under a frozen classifier, by "
        "information maximisation and pseudo-labels from class centroids. No step of it reads the source.",
        "在源域上训练之后，固定分类器，仅用目标域数据通过信息最大化和类中心伪标签来调整编码器；其中任何一步都不读取源域数据。",
    )
    formula = (
        r"\mathbb E\,H(p_t) - H(\mathbb E\,p_t) + \beta\,\mathrm{CE}(p_t, \hat y_t),\quad "
        r"\hat y = \arg\min_k\ \mathrm{cos\,dist}(g(x), c_k)"
    )
    paper = Paper(
        "Liang, Hu, Feng", 2020,
        "Do We Really Need to Access the Source Data? Source Hypothesis Transfer for Unsupervised Domain Adaptation",
        "https://arxiv.org/abs/2002.08546", "(3)-(7)",
    )  # fmt: skip
    adapts = True
    aligns = False
    counterfactual = {"name": "full_training"}

    class Params(BaseParams):
        """Phases and pseudo-labels."""

        share: float = param(0.5, "Share of the steps on the target", "目标域步数占比", gt=0, lt=1)
        rate: float = param(1.0, "Learning rate on the target, relative", "目标域上的相对学习率", gt=0, le=10)
        beta: float = param(0.3, "Weight β of the pseudo-labels", "伪标签权重 β", ge=0, le=100)
        renewals: int = param(15, "Times the pseudo-labels are found", "伪标签更新次数", ge=1, le=1000)

    def phases(self, stages: Sequence[str], learned: bool) -> list[Phase]:
        p = self.params
        rates = {f"stages.{stage}": p.rate * (0.1 if learned else 1.0) for stage in stages} | {"head": p.rate}
        adapted = Phase(
            "adapt", Text("Adapting to the target", "适应目标域"), rates, p.share, sees="target", losses=False,
            objective=partial(Hypothesis, p.beta, p.renewals),
        )  # fmt: skip
        return [source_first(stages, learned, 1 - p.share), adapted]


class Hypothesis(Objective):
    """Information maximisation on the target, and agreement with centroid pseudo-labels."""

    def __init__(self, beta: float, renewals: int) -> None:
        super().__init__()
        self.beta, self.renewals = beta, renewals

    def begin(self, scene: Scene) -> None:
        self._scene = scene
        embeddings, _probabilities = scene.look()
        self.register_buffer("labels", torch.zeros(len(embeddings), dtype=torch.long))
        self.register_buffer("renewed", torch.tensor(-1))

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        target = batch.seen[1]
        assert target is not None
        assert batch.target_positions is not None
        self._renew(int(batch.progress * self.renewals))
        log_p = target.logits.log_softmax(1)
        known = self.get_buffer("labels")[batch.target_positions]
        return {
            "information": mean_entropy(log_p) - entropy_of_mean(log_p),
            "pseudo_labels": self.beta * cross_entropy(target.logits, known),
        }

    def _renew(self, number: int) -> None:
        """Find the pseudo-labels again where their time has come."""
        if number != self._buffers["renewed"]:
            self._buffers["labels"] = centroid_labels(*self._scene.look())
            self._buffers["renewed"] = torch.tensor(number)


def centroid_labels(embeddings: Tensor, probabilities: Tensor) -> Tensor:
    """Pseudo-labels (n,) by the nearest class centroid in cosine distance: (5) and (6).

    Centroids are means weighted by the probabilities (n, c) first, then means of the samples they got; a class
    without any keeps its first one.
    """
    rows = normalize(embeddings, dim=1)
    weights: Any = probabilities
    for _round in range(2):
        centroids = normalize(weights.T @ rows, dim=1)
        labels = (rows @ centroids.T).argmax(1)
        found = torch.nn.functional.one_hot(labels, probabilities.shape[1]).to(rows.dtype)
        weights = torch.where(found.sum(0) > 0, found, probabilities)
    return labels
