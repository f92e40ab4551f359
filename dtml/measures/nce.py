"""NCE: what the source model's predicted classes leave unknown of the target's."""

from __future__ import annotations

import math

import numpy as np

from dtml.catalogue import Paper
from dtml.language import Text
from dtml.measures import Array, Labels, Transferability
from dtml.measures._arrays import Classes, as_labels, as_probabilities, entropies


class NCE(Transferability):
    """Negative conditional entropy of the target's labels, given the source model's predicted classes."""

    name = "nce"
    title = Text("NCE, negative conditional entropy", "NCE（负条件熵）")
    summary = Text(
        "How uncertain the target's labels are once the source model's predicted class is known, negated; 0 where "
        "each predicted class belongs to one label.",
        "已知源模型预测类别后目标标签的不确定性（取负）；当每个预测类别只对应一个标签时为 0。",
    )
    formula = r"-H(Y \mid Z),\quad Z = \arg\max_z \theta(x)_z"
    paper = Paper(
        "Tran, Nguyen, Hassner", 2019, "Transferability and Hardness of Supervised Classification Tasks",
        "https://arxiv.org/abs/1908.08142", "−H(Y|Z)",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant"})
    reads = "probabilities"
    limits = (-math.inf, 0.0)

    def __call__(self, given: Array, labels: Labels, seed: int = 0) -> float:
        predicted = as_probabilities(given).argmax(1).astype(np.int64)
        return negative_conditional_entropy(predicted, as_labels(labels, len(predicted)))


def negative_conditional_entropy(predicted: Classes, labels: Classes) -> float:
    """−H(Y|Z) in nats of the source classes Z (n,) that a model predicts and the labels Y (n,)."""
    sources, rows = np.unique(predicted, return_inverse=True)
    classes, columns = np.unique(labels, return_inverse=True)
    counts = np.zeros((len(sources), len(classes)))
    np.add.at(counts, (rows, columns), 1)
    sizes = counts.sum(1)
    return min(-float(sizes @ entropies(counts / sizes[:, None])) / len(labels), 0.0)
