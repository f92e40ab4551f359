"""LEEP: how well a source model's classes predict those of the target."""

from __future__ import annotations

import math

import numpy as np

from dtml.catalogue import Paper
from dtml.language import Text
from dtml.measures import Array, Labels, Transferability
from dtml.measures._arrays import Classes, Rows, as_labels, as_probabilities


class LEEP(Transferability):
    """Log expected empirical prediction: one pass through the source model, no training."""

    name = "leep"
    title = Text("LEEP", "LEEP")
    summary = Text(
        "Reads the target's labels off the source model's class probabilities, and gives the mean log-likelihood of "
        "doing so; 0 at best.",
        "由源模型的类别概率推断目标标签，给出其平均对数似然；最佳为 0。",
    )
    formula = r"\tfrac1n\sum_i \log \sum_z \hat P(y_i \mid z)\, \theta(x_i)_z"
    paper = Paper(
        "Nguyen, Hassner, Seeger, Archambeau", 2020,
        "LEEP: A New Measure to Evaluate Transferability of Learned Representations",
        "https://arxiv.org/abs/2002.12462", "T(θ, D)",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant"})
    reads = "probabilities"
    limits = (-math.inf, 0.0)

    def __call__(self, given: Array, labels: Labels, seed: int = 0) -> float:
        probabilities = as_probabilities(given)
        return leep(probabilities, as_labels(labels, len(probabilities)))


def leep(probabilities: Rows, labels: Classes) -> float:
    """Mean log Σ_z P̂(y|z) θ(x)_z, in nats, of probabilities θ (n, z) for the source's classes and labels (n,).

    P̂(y|z) is the share of the probability mass of source class z that lies on samples of label y.
    """
    _classes, codes = np.unique(labels, return_inverse=True)
    joint = np.zeros((codes.max() + 1, probabilities.shape[1]))
    np.add.at(joint, codes, probabilities)
    mass = joint.sum(0)
    conditional = joint / np.where(mass > 0, mass, 1)
    return min(float(np.log((conditional[codes] * probabilities).sum(1)).mean()), 0.0)
