"""ArcFace: classification by the angle to a class's centre, with a margin added to the own class's angle."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import LossParams
from dtml.metric._proxies import Proxied


class ArcFace(Proxied):
    """Additive angular margin.

    Where θ + m would pass π, cos θ − m·sin m stands for cos(θ + m), so that a larger angle always costs more (as
    in the authors' code). A scale of 64 is the paper's, for 512 dimensions and many classes; on few of either a
    smaller one gives gentler gradients.
    """

    name = "arcface"
    title = Text("ArcFace", "ArcFace（加性角度间隔）")
    summary = Text(
        "Each sample must be nearer in angle to its class's learnable centre than to any other, by a margin.",
        "每个样本与本类可学习中心的夹角必须小于与其他中心的夹角，且至少相差一个间隔。",
    )
    formula = r"-\log\frac{e^{s\cos(\theta_y + m)}}{e^{s\cos(\theta_y + m)} + \sum_{j \ne y} e^{s\cos\theta_j}}"
    paper = Paper(
        "Deng, Guo, Xue, Zafeiriou", 2019, "ArcFace: Additive Angular Margin Loss for Deep Face Recognition",
        "https://arxiv.org/abs/1801.07698", "(3)",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant", "non_negative"})

    class Params(LossParams):
        """Margin and scale.

        The default weight is one at which DANN keeps most of its gain on the default digits task.
        """

        weight: float = param(0.01, "Trade-off weight", "权衡权重", ge=0)
        margin: float = param(
            0.5, "Margin m on the angle; 0.5 rad are 28.6°", "角度间隔 m；0.5 弧度即 28.6°", unit="rad", ge=0, le=1.5
        )
        scale: float = param(64.0, "Scale s of the cosines", "余弦的缩放系数 s", gt=0, le=1000)

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        similarity = self.angles(embeddings, labels)
        own = similarity.detach().gather(1, labels[:, None])
        self.watch(own_angle=own.clamp(-1, 1).acos().rad2deg().mean())
        return arcface(similarity, labels, self.params.margin, self.params.scale)


def arcface(similarity: Tensor, labels: Tensor, margin: float, scale: float) -> Tensor:
    """Cross-entropy of s·cos θ, with cos(θ + m) in the place of the own class's cos θ.

    Without acos: cos(θ + m) = cos θ cos m − sin θ sin m, and the gradient of sin θ ends at 0 and π.

    Args:
        similarity: cos θ (n, c) between samples and centres.
        labels: (n,).
        margin: m in radians.
        scale: s.
    """
    own = similarity.gather(1, labels[:, None])
    sine = (1 - own.square()).clamp_min(1e-12).sqrt()
    turned = own * math.cos(margin) - sine * math.sin(margin)
    turned = torch.where(own >= -math.cos(margin), turned, own - margin * math.sin(margin))
    return cross_entropy(scale * similarity.scatter(1, labels[:, None], turned), labels)
