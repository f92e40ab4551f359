"""A discrepancy class by class: domains that agree as a whole may still have swapped classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from dtml.errors import Problem
from dtml.language import mark
from dtml.measures import Discrepancy
from dtml.measures._arrays import as_domains


@dataclass(frozen=True)
class ByClass:
    """A discrepancy of each class between the domains.

    Attributes:
        mean: over the classes, each counting the same.
        classes: the value of each class that both domains have.
        left_out: why the measure is undefined for a class, most often for want of samples.
    """

    mean: float
    classes: dict[int, float]
    left_out: dict[int, Problem]


def class_conditional(
    measure: Discrepancy,
    source: ArrayLike,
    source_labels: ArrayLike,
    target: ArrayLike,
    target_labels: ArrayLike,
    seed: int = 0,
) -> ByClass:
    """The measure between source (n, d) and target (m, d) of each class by itself, and the mean over the classes.

    Samples of unknown class (label -1) and classes that only one domain has are left aside.

    Raises:
        Problem: where the domains share no class, or the measure is undefined for each that they share.
    """
    a, b = as_domains(source, target)
    of_a, of_b = np.asarray(source_labels), np.asarray(target_labels)
    shared = [int(label) for label in np.intersect1d(of_a, of_b) if label >= 0]
    if not shared:
        raise Problem(mark("Source and target have no class in common; a comparison class by class needs one."))
    classes: dict[int, float] = {}
    left_out: dict[int, Problem] = {}
    for label in shared:
        try:
            classes[label] = measure(a[of_a == label], b[of_b == label], seed)
        except Problem as problem:
            left_out[label] = problem
    if not classes:
        raise left_out[shared[0]]
    return ByClass(float(np.mean(list(classes.values()))), classes, left_out)
