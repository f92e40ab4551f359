"""Prototypes: each class stands for itself by the mean of its samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dtml.measures._arrays import as_domains, as_labels
from dtml.measures.knn import nearest


def prototype_predictions(reference: ArrayLike, reference_labels: ArrayLike, queries: ArrayLike) -> NDArray[np.int64]:
    """The class (m,) whose mean in reference (n, d) is nearest to each of queries (m, d); of equal ones the lowest.

    Source: Snell, Swersky, Zemel, "Prototypical Networks for Few-shot Learning" (2017), (1)-(2),
    https://arxiv.org/abs/1703.05175.
    """
    rows, asked = as_domains(reference, queries)
    classes, codes = np.unique(as_labels(reference_labels, len(rows)), return_inverse=True)
    sums = np.zeros((len(classes), rows.shape[1]))
    np.add.at(sums, codes, rows)
    means = sums / np.bincount(codes)[:, None]
    return classes[nearest(means, asked, 1)[:, 0]]
