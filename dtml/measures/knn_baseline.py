"""The baseline for transferability scores: nearest neighbours on the features as they are."""

from __future__ import annotations

from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text
from dtml.measures import Array, Labels, Transferability
from dtml.measures._arrays import as_labelled
from dtml.measures.knn import leave_one_out_accuracy


class KNNBaseline(Transferability):
    """k-NN accuracy on frozen features: hard to beat, so it stands beside every score."""

    name = "knn_baseline"
    title = Text("k-NN on frozen features", "冻结特征上的 k 近邻")
    summary = Text(
        "How often the nearest other samples tell a sample's class in the source model's features; no transferability "
        "score beats it everywhere.",
        "在源模型特征中，最近的其他样本能判断样本类别的频率；没有哪种可迁移性得分能处处胜过它。",
    )
    formula = r"\tfrac1n\sum_i \bigl[\,y_i = \operatorname{mode}\{y_j : j \in N_k(i) \setminus i\}\,\bigr]"
    paper = Paper(
        "Renggli, Pinto, Rimanic, Puigcerver, Riquelme, Zhang, Lucic", 2022,
        "Which Model to Transfer? Finding the Needle in the Growing Haystack", "https://arxiv.org/abs/2010.06402",
        "kNN proxy",
    )  # fmt: skip
    claims = frozenset({
        "permutation_invariant", "translation_invariant", "rotation_invariant", "non_negative", "bounded",
    })  # fmt: skip
    limits = (0.0, 1.0)

    class Params(BaseParams):
        """The neighbourhood."""

        k: int = param(5, "Neighbours", "邻居数", ge=1, le=200)

    def __call__(self, given: Array, labels: Labels, seed: int = 0) -> float:
        return leave_one_out_accuracy(*as_labelled(given, labels, least=2), self.params.k)
