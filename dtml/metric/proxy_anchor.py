"""Proxy-Anchor: one learnable proxy a class, which draws its own samples and drives off all others."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import LossParams
from dtml.metric import log_one_plus_sum_exp
from dtml.metric._proxies import Proxied


class ProxyAnchor(Proxied):
    """Hard samples of a proxy weigh more, through a log of a sum over the batch.

    The proxies learn at 100 times the model's rate, as in the paper.
    """

    name = "proxy_anchor"
    title = Text("Proxy-Anchor", "代理锚点损失")
    summary = Text(
        "Each class has a learnable proxy; it pulls the samples of its class and pushes all others away, hard ones "
        "most.",
        "每个类别有一个可学习的代理；它拉近本类样本并推远其他样本，越难的样本作用越强。",
    )
    formula = (
        r"\frac1{|P^+|}\sum_{p \in P^+}\log\Bigl(1 + \sum_{x \in X_p^+} e^{-\alpha(\cos(x, p) - \delta)}\Bigr)"
        r" + \frac1{|P|}\sum_{p \in P}\log\Bigl(1 + \sum_{x \in X_p^-} e^{\alpha(\cos(x, p) + \delta)}\Bigr)"
    )
    paper = Paper(
        "Kim, Kim, Cho, Kwak", 2020, "Proxy Anchor Loss for Deep Metric Learning",
        "https://arxiv.org/abs/2003.13911", "(4)",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant", "non_negative"})
    rate: ClassVar[float] = 100.0

    class Params(LossParams):
        """Margin and scale.

        The default weight is one at which DANN keeps most of its gain on the default digits task.
        """

        weight: float = param(0.02, "Trade-off weight", "权衡权重", ge=0)
        margin: float = param(0.1, "Margin δ on the cosine", "余弦间隔 δ", ge=0, le=1)
        alpha: float = param(
            32.0, "Scale α: large values look at the hardest samples", "缩放系数 α：越大越关注最难的样本", gt=0, le=1000
        )

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        similarity = self.angles(embeddings, labels)
        own = labels[:, None] == torch.arange(similarity.shape[1], device=labels.device)
        self.watch(active_proxies=own.any(0).sum().float())
        return proxy_anchor(similarity, own, self.params.margin, self.params.alpha)


def proxy_anchor(similarity: Tensor, own: Tensor, margin: float, alpha: float) -> Tensor:
    """Mean over the proxies with a sample of log(1 + Σ exp(−α(s − δ))) over their own samples, plus mean over all
    proxies of log(1 + Σ exp(α(s + δ))) over the others.

    Args:
        similarity: cosines (n, c) between samples and proxies.
        own: mask (n, c) of each sample's own proxy.
        margin: δ.
        alpha: α.
    """
    near = log_one_plus_sum_exp(-alpha * (similarity - margin), own, dim=0)
    far = log_one_plus_sum_exp(alpha * (similarity + margin), ~own, dim=0)
    return near.sum() / own.any(0).sum().clamp_min(1) + far.mean()
