"""MAP@R: how much of its class a sample finds first."""

from __future__ import annotations

import numpy as np

from dtml.catalogue import Paper
from dtml.language import Text
from dtml.measures import Array, EmbeddingQuality, Labels
from dtml.measures._arrays import Classes, Rows, as_labelled
from dtml.measures._retrieval import matches
from dtml.measures.knn import nearest_in_blocks


class MAPAtR(EmbeddingQuality):
    """Mean average precision over the first R answers, R being all that there is to find."""

    name = "map_at_r"
    title = Text("MAP@R", "MAP@R")
    summary = Text(
        "Of the R other samples of its class, how many a sample has among its R nearest, early ones counting more; "
        "1 where each class lies by itself.",
        "对于同类的其他 R 个样本，最近的 R 个中命中多少，越靠前权重越大；每个类别彼此分开时为 1。",
    )
    formula = r"\tfrac{1}{R}\sum_{i=1}^{R} P(i)\,[\,y_{(i)} = y\,],\quad P(i)\text{: precision of the first } i"
    paper = Paper(
        "Musgrave, Belongie, Lim", 2020, "A Metric Learning Reality Check",
        "https://arxiv.org/abs/2003.08505", "MAP@R",
    )  # fmt: skip
    claims = frozenset({
        "permutation_invariant", "translation_invariant", "rotation_invariant", "non_negative", "bounded",
    })  # fmt: skip

    def __call__(self, embeddings: Array, labels: Labels, seed: int = 0) -> float:
        return map_at_r(*as_labelled(embeddings, labels, least=2))


def map_at_r(rows: Rows, labels: Classes) -> float:
    """Mean over rows (n, d) with labels (n,) of 1/R Σ_{i≤R} P(i)·[the i-th nearest other row is of the same class].

    R is the number of other rows of that class. Rows that are alone in their class do not count.
    """
    others = matches(labels)
    ranks = np.arange(1, others.max() + 1)
    total = 0.0
    for part, indices in nearest_in_blocks(rows, rows, int(others.max()), leave_out=True):
        wanted = others[part, None]
        found = (labels[indices] == labels[part, None]) & (ranks <= wanted)
        total += float((np.cumsum(found, axis=1) / ranks * found / np.maximum(wanted, 1)).sum())
    return total / int((others > 0).sum())
