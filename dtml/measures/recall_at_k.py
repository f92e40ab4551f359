"""Recall@K: whether a sample of the same class is among the nearest."""

from __future__ import annotations

from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text
from dtml.measures import Array, EmbeddingQuality, Labels
from dtml.measures._arrays import Classes, Rows, as_labelled
from dtml.measures._retrieval import matches
from dtml.measures.knn import nearest


class RecallAtK(EmbeddingQuality):
    """How often a search finds a sample of the same class among its first K answers."""

    name = "recall_at_k"
    title = Text("Recall@K", "Recall@K")
    summary = Text(
        "The share of samples that have one of their own class among their K nearest other samples.",
        "K 个最近的其他样本中含有同类样本的样本比例。",
    )
    formula = r"\tfrac{1}{|Q|}\sum_{i \in Q} \bigl[\,\exists j \in N_K(i) \setminus i : y_j = y_i\,\bigr]"
    paper = Paper(
        "Oh Song, Xiang, Jegelka, Savarese", 2016, "Deep Metric Learning via Lifted Structured Feature Embedding",
        "https://arxiv.org/abs/1511.06452", "Recall@K",
    )  # fmt: skip
    claims = frozenset({
        "permutation_invariant", "translation_invariant", "rotation_invariant", "non_negative", "bounded",
    })  # fmt: skip

    class Params(BaseParams):
        """How many answers are looked at."""

        k: int = param(1, "Answers K", "返回个数 K", ge=1, le=1000)

    def __call__(self, embeddings: Array, labels: Labels, seed: int = 0) -> float:
        return recall_at_k(*as_labelled(embeddings, labels, least=2), self.params.k)


def recall_at_k(rows: Rows, labels: Classes, k: int) -> float:
    """Share of rows (n, d) with a row of their label (n,) among the k nearest others.

    Rows that are alone in their class have nothing to find and do not count.
    """
    found = (labels[nearest(rows, rows, k, leave_out=True)] == labels[:, None]).any(1)
    return float(found[matches(labels) > 0].mean())
