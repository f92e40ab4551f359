"""ClassAMI: whether predicted classes are groups of the embeddings."""

from __future__ import annotations

import numpy as np

from dtml.catalogue import Paper
from dtml.language import Text
from dtml.measures import Evidence, Validator
from dtml.measures._arrays import Classes, as_probabilities, as_rows
from dtml.measures._clusters import k_means


class ClassAMI(Validator):
    """Agreement of the target's predicted classes with clusters of its embeddings, adjusted for chance."""

    name = "class_ami"
    title = Text("ClassAMI", "ClassAMI")
    summary = Text(
        "Clusters the target's embeddings into as many groups as there are classes and takes the model whose predicted "
        "classes agree best with them.",
        "将目标嵌入聚为与类别数相同的簇，选择预测类别与簇最一致的模型。",
    )
    formula = r"\mathrm{AMI}\bigl(\arg\max_c p^t_c,\ \text{k-means}(z^t)\bigr)"
    paper = Paper(
        "Musgrave, Belongie, Lim", 2022,
        "Three New Validators and a Large-Scale Benchmark Ranking for Unsupervised Domain Adaptation",
        "https://arxiv.org/abs/2208.07360", "ClassAMI",
    )  # fmt: skip

    def __call__(self, evidence: Evidence, seed: int = 0) -> float:
        embeddings, probabilities = as_rows(evidence.target_embeddings), as_probabilities(evidence.target_probabilities)
        return class_ami(k_means(embeddings, probabilities.shape[1], seed), probabilities.argmax(1).astype(np.int64))


def class_ami(clusters: Classes, predicted: Classes) -> float:
    """Adjusted mutual information of clusters (m,) and predicted classes (m,): 1 for the same, about 0 by chance.

    0 where all samples are predicted alike, also if they form one cluster: scikit-learn calls that agreement
    perfect, and a collapsed model would win.
    """
    from sklearn.metrics import adjusted_mutual_info_score

    if len(np.unique(predicted)) == 1:
        return 0.0
    return float(adjusted_mutual_info_score(predicted, clusters))
