"""Proxy A-distance: how well a linear classifier tells the domains apart."""

from __future__ import annotations

import numpy as np

from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text
from dtml.measures import Array, Discrepancy
from dtml.measures._arrays import as_domains
from dtml.measures._separation import out_of_fold


class ProxyADistance(Discrepancy):
    """The cross-validated error of a domain classifier, turned into a distance from 0 to 2.

    Of one and the same sample given as both domains each row's twin speaks against it: the error is above ½.
    """

    name = "proxy_a_distance"
    title = Text("Proxy A-distance", "代理 A-距离")
    summary = Text(
        "Trains a linear classifier to tell source from target: 0 where it does no better than chance on samples that "
        "it has not seen, 2 where it never errs.",
        "训练线性分类器区分源域和目标域：若对未见样本不优于随机猜测则为 0，若从不出错则为 2。",
    )
    formula = r"\hat d_{\mathcal A} = \max\bigl(0,\, 2\,(1 - 2\varepsilon)\bigr)"
    paper = Paper(
        "Ben-David, Blitzer, Crammer, Pereira", 2006, "Analysis of Representations for Domain Adaptation",
        "https://papers.nips.cc/paper/2983-analysis-of-representations-for-domain-adaptation", "section 5",
    )  # fmt: skip
    claims = frozenset({"zero_on_equal_domains", "translation_invariant", "non_negative", "bounded"})
    limits = (0.0, 2.0)

    class Params(BaseParams):
        """How the error is measured."""

        folds: int = param(5, "Folds of the cross-validation", "交叉验证折数", ge=2, le=20)

    def __call__(self, source: Array, target: Array, seed: int = 0) -> float:
        likely = out_of_fold(*as_domains(source, target, least=2), self.params.folds, seed)
        return a_distance(float(np.mean(likely[0] > 0.5) + np.mean(likely[1] <= 0.5)) / 2)


def a_distance(error: float) -> float:
    """2(1 − 2ε), at least 0, of the domain classifier's error ε: the mean of its errors on the two domains.

    The mean, so that domains of unequal size are not told apart by their size.
    """
    return max(0.0, 2 * (1 - 2 * error))
