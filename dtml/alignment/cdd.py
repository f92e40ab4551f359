"""CDD: classes drawn together across the domains, and other classes pushed apart."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from dtml.alignment import Alignment
from dtml.alignment._classes import confidence_param, hard_memberships, shared_classes
from dtml.alignment._kernels import KernelParams, class_discrepancies, gaussian_kernel
from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import Example, full_precision, squared_distances
from dtml.representation import Representation


class CDD(Alignment):
    """Contrastive domain discrepancy, the loss of the contrastive adaptation network (CAN).

    The target's classes are the classifier's own guesses (known labels where there are some), so wrong guesses are
    confirmed; only sure ones count. The paper guesses by clustering the whole target, draws batches class by class and
    gives each domain its own batch statistics. Classes that a batch lacks in one domain are left out. One width
    serves all classes.
    """

    name = "cdd"
    title = Text("CDD (contrastive discrepancy, CAN)", "CDD（对比域差异，CAN）")
    summary = Text(
        "Lowers the MMD between the same class in both domains and raises that between different classes.",
        "降低两个域中同类之间的 MMD，并提高异类之间的 MMD。",
    )
    formula = (
        r"\tfrac1C\sum_c D^{cc} - \tfrac1{C(C-1)}\sum_{c \ne c'} D^{cc'},\quad "
        r"D^{cc'} = \mathrm{MMD}^2\bigl(\{x_s : y_s = c\},\ \{x_t : \hat y_t = c'\}\bigr)"
    )
    paper = Paper(
        "Kang, Jiang, Yang, Hauptmann", 2019, "Contrastive Adaptation Network for Unsupervised Domain Adaptation",
        "https://arxiv.org/abs/1901.00976", "(3)-(5)",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant", "translation_invariant", "rotation_invariant", "bounded"})
    examples = (
        Example(
            ([[0.0], [5.0]], [[1.0]]), 2 - 2 * math.exp(-0.5), "the target has no class 1: D⁰⁰ = 1 + 1 - 2·e^-½ alone",
            {"kernels": 1, "bandwidth": 1.0, "confidence": 0.0}, logits=([[0.0, 0.0]] * 2, [[1.0, 0.0]]),
            labels=([0, 1], [-1]),
        ),
        Example(
            ([[0.0], [2.0]], [[1.0], [3.0]]), math.exp(-4.5) - math.exp(-0.5),
            "D⁰⁰ = D¹¹ = D¹⁰ = 2 - 2·e^-½, D⁰¹ = 2 - 2·e^-4½: 2 - 2·e^-½ - ½(D⁰¹ + D¹⁰)",
            {"kernels": 1, "bandwidth": 1.0, "confidence": 0.0}, logits=([[0.0, 0.0]] * 2, [[1.0, 0.0], [0.0, 1.0]]),
            labels=([0, 1], [-1, -1]),
        ),
    )  # fmt: skip

    class Params(KernelParams):
        """Weight of the paper, kernels, pseudo-labels."""

        weight: float = param(0.3, "Trade-off weight", "权衡权重", ge=0)
        confidence: float = confidence_param(0.9)

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        p = self.params
        both = full_precision(torch.cat([source.embedding, target.embedding]))
        kernel = gaussian_kernel(squared_distances(both, both), p.kernels, p.factor, p.bandwidth)
        classes = [hard_memberships(domain, p.confidence) for domain in (source, target)]
        same, different = contrastive_discrepancy(kernel, *classes)
        self.watch(same_class=same, other_classes=different, shared_classes=shared_classes(*classes).sum().float())
        return same - different


def contrastive_discrepancy(kernel: Tensor, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Mean class-conditional MMD² over the same class in both domains, and over pairs of different classes.

    Of the kernel (n + m, n + m) and the one-hot memberships (n, c) and (m, c), over the classes that both domains
    have; 0 where there is none, or no pair.
    """
    between = class_discrepancies(kernel, source, target)
    shared = shared_classes(source, target)
    same = torch.diag(shared)
    different = (shared[:, None] & shared) & ~same
    return _mean(between, same), _mean(between, different)


def _mean(values: Tensor, chosen: Tensor) -> Tensor:
    return (values * chosen).sum() / chosen.sum().clamp_min(1)
