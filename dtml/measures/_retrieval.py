"""What both retrieval measures need: samples that have a match."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dtml.errors import Problem
from dtml.language import mark
from dtml.measures._arrays import Classes


def matches(labels: Classes) -> NDArray[np.int64]:
    """How many other samples have the same label, for each of labels (n,).

    Raises:
        Problem: where no sample has a match.
    """
    _classes, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    others: NDArray[np.int64] = counts[codes] - 1
    if not others.any():
        raise Problem(mark("No class has two samples, so there is nothing to retrieve; give more samples."))
    return others
