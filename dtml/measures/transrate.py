"""TransRate: how much longer the code of all features is than that of one class."""

from __future__ import annotations

import numpy as np

from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text
from dtml.measures import Array, Labels, Transferability
from dtml.measures._arrays import Classes, Rows, as_labelled


class TransRate(Transferability):
    """The information that features and labels share, estimated by coding rates."""

    name = "transrate"
    title = Text("TransRate", "TransRate")
    summary = Text(
        "How long a code (in nats) the features take as a whole, less the mean over the classes by themselves; it "
        "depends on the features' scale.",
        "所有特征整体所需的编码长度（奈特）减去各类单独编码长度的平均值；结果依赖于特征的尺度。",
    )
    formula = (
        r"R(Z) - \tfrac1C\sum_c R(Z_c),\quad "
        r"R(Z) = \tfrac12 \log\det\bigl(I + \tfrac{1}{n\epsilon} Z^\top Z\bigr)"
    )  # fmt: skip
    paper = Paper(
        "Huang, Wei, Rong, Yang, Huang", 2022, "Frustratingly Easy Transferability Estimation",
        "https://arxiv.org/abs/2106.09362", "algorithm 1",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant", "translation_invariant", "rotation_invariant"})

    class Params(BaseParams):
        """How finely features are coded."""

        distortion: float = param(1e-4, "Distortion ε of the code", "编码失真 ε", gt=0, le=1)

    def __call__(self, given: Array, labels: Labels, seed: int = 0) -> float:
        return transrate(*as_labelled(given, labels), self.params.distortion)


def transrate(features: Rows, labels: Classes, distortion: float) -> float:
    """R(Z) − mean over the classes of R(Z_c), in nats, of features (n, d) about their mean and labels (n,).

    Each class counts the same, as in the paper's code; with unequal classes the value may be negative.
    """
    centred = features - features.mean(0)
    parts = [coding_rate(centred[labels == label], distortion) for label in np.unique(labels)]
    return coding_rate(centred, distortion) - float(np.mean(parts))


def coding_rate(rows: Rows, distortion: float) -> float:
    """½ log det(I + ZᵀZ/(nε)) of rows Z (n, d), from their singular values."""
    values = np.linalg.svd(rows, compute_uv=False)
    return float(np.log1p(np.square(values) / (len(rows) * distortion)).sum()) / 2
