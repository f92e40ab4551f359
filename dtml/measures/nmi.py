"""NMI: what clusters know of the classes."""

from __future__ import annotations

import numpy as np

from dtml.catalogue import Paper
from dtml.language import Text
from dtml.measures import Array, EmbeddingQuality, Labels
from dtml.measures._arrays import as_labelled
from dtml.measures._clusters import k_means


class NMI(EmbeddingQuality):
    """How far k-means, which knows no labels, finds the classes."""

    name = "nmi"
    title = Text("NMI of k-means clusters", "k 均值聚类的 NMI")
    summary = Text(
        "Clusters the samples into as many groups as there are classes and gives the information that groups and "
        "classes share: 1 where they are the same, near 0 where they have nothing to do with each other.",
        "将样本聚为与类别数相同的簇，给出簇与类别共享的信息：一致时为 1，毫无关系时接近 0。",
    )
    formula = r"\frac{2\, I(\Omega; Y)}{H(\Omega) + H(Y)}"
    paper = Paper(
        "Manning, Raghavan, Schütze", 2008, "Introduction to Information Retrieval",
        "https://nlp.stanford.edu/IR-book/html/htmledition/evaluation-of-clustering-1.html", "(183)",
    )  # fmt: skip
    claims = frozenset({"translation_invariant", "rotation_invariant", "non_negative", "bounded"})

    def __call__(self, embeddings: Array, labels: Labels, seed: int = 0) -> float:
        """1 for one class in one cluster, 0 for several classes in one."""
        from sklearn.metrics import normalized_mutual_info_score

        rows, classes = as_labelled(embeddings, labels)
        return float(normalized_mutual_info_score(classes, k_means(rows, len(np.unique(classes)), seed)))
