"""Adaptive feature norm: embeddings of larger norm, in both domains alike."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from dtml.alignment import Alignment
from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import Example, LossParams, full_precision
from dtml.representation import Representation


class AFN(Alignment):
    """Stepwise (SAFN) or hard (HAFN) adaptive feature norm.

    The value of the stepwise form is always Δr² and says nothing; its gradient lengthens every embedding, by 2Δr/n
    whatever the norm, so what is claimed of the value (that it is bounded, or blind to a shift) is not true of what
    it does. Watch the mean norms. A tanh embedding cannot be longer than √d, which is 8 in 64 dimensions: there the
    hard form needs a smaller R. A normalised embedding gets no gradient at all. It was made for learned features:
    from scratch, on small digits, it saturates tanh and lengthens ReLU without end, and lowered the target's accuracy.
    """

    name = "afn"
    title = Text("AFN (feature norm)", "AFN（特征范数）")
    summary = Text(
        "Raises the norms of the embeddings of both domains, by a step each time or towards one common norm.",
        "增大两个域嵌入的范数：每次增加一步，或使其趋向同一个范数。",
    )
    formula = (
        r"\tfrac1n\sum_x \bigl(\|f(x)\| - (\|f(x)\|_{\text{const}} + \Delta r)\bigr)^2 \quad\text{or}\quad "
        r"\bigl(\tfrac1{n_s}\sum \|f(x^s)\| - R\bigr)^2 + \bigl(\tfrac1{n_t}\sum \|f(x^t)\| - R\bigr)^2"
    )
    paper = Paper(
        "Xu, Li, Yang, Lin", 2019,
        "Larger Norm More Transferable: An Adaptive Feature Norm Approach for Unsupervised Domain Adaptation",
        "https://arxiv.org/abs/1811.07456", "section 4",
    )  # fmt: skip
    claims = frozenset({
        "symmetric", "permutation_invariant", "translation_invariant", "rotation_invariant", "blind_to_mean_shift",
        "non_negative", "bounded", "gradient_of_its_own",
    })  # fmt: skip
    examples = (
        Example(
            ([[3.0, 4.0], [0.0, 1.0]], [[6.0, 8.0]]), 37.0, "mean norms 3 and 10, R = 4: 1² + 6²",
            {"form": "hard", "radius": 4.0},
        ),
        Example(([[3.0, 4.0]], [[6.0, 8.0], [0.0, 1.0]]), 0.25, "Δr² whatever the norms", {"step": 0.5}),
    )  # fmt: skip

    class Params(LossParams):
        """Form, and how far the norms are to grow."""

        weight: float = param(0.05, "Trade-off weight", "权衡权重", ge=0)
        form: Literal["stepwise", "hard"] = param(
            "stepwise", "Each norm grows by a step, or the mean norms go to R", "每个范数增加一步，或平均范数趋向 R"
        )
        step: float = param(1.0, "Step Δr of the stepwise form", "逐步形式的步长 Δr", gt=0, le=100)
        radius: float = param(25.0, "Norm R of the hard form", "硬形式的范数 R", gt=0, le=1000)

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        norms = [full_precision(domain.embedding).norm(dim=1) for domain in (source, target)]
        self.watch(source_norm=norms[0].mean(), target_norm=norms[1].mean())
        if self.params.form == "hard":
            return towards(norms[0], self.params.radius) + towards(norms[1], self.params.radius)
        return one_step(torch.cat(norms), self.params.step)


def one_step(norms: Tensor, step: float) -> Tensor:
    """Mean squared difference between norms (n,) and the same norms as constants plus `step`: always `step`²."""
    return (norms - (norms.detach() + step)).square().mean()


def towards(norms: Tensor, radius: float) -> Tensor:
    """Squared difference between the mean of norms (n,) and `radius`."""
    return (norms.mean() - radius).square()
