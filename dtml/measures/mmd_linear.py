"""Linear MMD: the distance between the two means."""

from __future__ import annotations

from typing import Literal

import numpy as np

from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text
from dtml.measures import Array, Discrepancy
from dtml.measures._arrays import Rows, as_domains


class LinearMMD(Discrepancy):
    """The term D_ts that DTML minimises: blind to everything but the means."""

    name = "mmd_linear"
    title = Text("Linear MMD", "线性 MMD")
    summary = Text(
        "The squared distance between the means of the two domains; equal means count as no distance.",
        "两个域均值之间距离的平方；均值相等即视为没有距离。",
    )
    formula = r"\|\bar x_s - \bar x_t\|^2"
    paper = Paper(
        "Hu, Lu, Tan", 2015, "Deep Transfer Metric Learning",
        "https://openaccess.thecvf.com/content_cvpr_2015/html/Hu_Deep_Transfer_Metric_2015_CVPR_paper.html", "D_ts",
    )  # fmt: skip
    claims = frozenset({
        "zero_on_equal_domains", "symmetric", "permutation_invariant", "translation_invariant", "rotation_invariant",
        "non_negative",
    })  # fmt: skip

    class Params(BaseParams):
        """The estimate."""

        estimate: Literal["biased", "unbiased"] = param(
            "biased", "Estimate (unbiased may be negative)", "估计方式（无偏估计可能为负）"
        )

    def __call__(self, source: Array, target: Array, seed: int = 0) -> float:
        unbiased = self.params.estimate == "unbiased"
        return mean_distance(*as_domains(source, target, least=2 if unbiased else 1), unbiased)


def mean_distance(source: Rows, target: Rows, unbiased: bool) -> float:
    """‖mean of source (n, d) − mean of target (m, d)‖².

    Two samples of one distribution have means tr(C)(1/n + 1/m) apart on average; the unbiased estimate
    takes that off, with the unbiased covariances C of each, and needs two rows a domain.
    """
    distance = float(np.square(source.mean(0) - target.mean(0)).sum())
    if not unbiased:
        return distance
    return distance - sum(float(rows.var(0, ddof=1).sum()) / len(rows) for rows in (source, target))
