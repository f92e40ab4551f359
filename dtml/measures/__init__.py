"""Measures: numbers on embeddings and predictions. One file each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from dtml.catalogue import Component

Array = NDArray[np.floating[Any]]
Labels = NDArray[np.integer[Any]]
Family = Literal["discrepancy", "embedding", "prediction", "transferability", "validator"]


class Measure(Component):
    """A number on arrays; what it is called on depends on its family (the subclasses below)."""

    kind = "measure"
    family: ClassVar[Family]
    higher_is_better: ClassVar[bool]

    @classmethod
    def facts(cls) -> dict[str, Any]:
        return {"family": cls.family, "higher_is_better": cls.higher_is_better}


class Discrepancy(Measure):
    """How far two domains are apart: `measure(source, target, seed) -> float`.

    `limits` are the least and greatest value that it has between two distributions (an estimate from
    samples may lie outside); intervals are cut there.
    """

    family = "discrepancy"
    higher_is_better = False
    limits: ClassVar[tuple[float, float]] = (0.0, math.inf)

    def __call__(self, source: Array, target: Array, seed: int = 0) -> float:
        """The measure of source (n, d) and target (m, d); `seed` decides what is drawn at random."""
        raise NotImplementedError


class EmbeddingQuality(Measure):
    """How well distances tell classes apart: `measure(embeddings, labels, seed) -> float`."""

    family = "embedding"
    higher_is_better = True

    def __call__(self, embeddings: Array, labels: Labels, seed: int = 0) -> float:
        """The measure of embeddings (n, d) with labels (n,)."""
        raise NotImplementedError


class PredictionQuality(Measure):
    """How good predictions are: `measure(probabilities, labels) -> float`."""

    family = "prediction"

    def __call__(self, probabilities: Array, labels: Labels) -> float:
        """The measure of class probabilities (n, c) and true labels (n,)."""
        raise NotImplementedError


class Transferability(Measure):
    """How well a source model suits a target, before any training: `measure(given, labels) -> float`.

    What is given is named by `reads`: the source model's features (n, d) of the target's samples, or its
    probabilities (n, c) for the source's classes. `limits` are the least and greatest value that it may have.
    """

    family = "transferability"
    higher_is_better = True
    reads: ClassVar[Literal["features", "probabilities"]] = "features"
    limits: ClassVar[tuple[float, float]] = (-math.inf, math.inf)

    def __call__(self, given: Array, labels: Labels, seed: int = 0) -> float:
        """The score for the target's labels (n,)."""
        raise NotImplementedError

    @classmethod
    def facts(cls) -> dict[str, Any]:
        return {**super().facts(), "reads": cls.reads}


@dataclass(frozen=True)
class Evidence:
    """What can be seen of a model without any target label.

    Attributes:
        source_embeddings: (n, d) of held-out source samples.
        source_probabilities: (n, c)
        source_labels: (n,)
        target_embeddings: (m, d) of target samples.
        target_probabilities: (m, c)
    """

    source_embeddings: Array
    source_probabilities: Array
    source_labels: Labels
    target_embeddings: Array
    target_probabilities: Array


class Validator(Measure):
    """A choice between models without target labels: `measure(evidence, seed) -> float`, the higher the better."""

    family = "validator"
    higher_is_better = True

    def __call__(self, evidence: Evidence, seed: int = 0) -> float:
        """The score of a model; of several the one with the highest is chosen."""
        raise NotImplementedError
