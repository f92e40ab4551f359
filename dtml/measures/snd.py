"""Soft neighbourhood density: whether target predictions form dense groups."""

from __future__ import annotations

import numpy as np

from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text
from dtml.measures import Evidence, Validator
from dtml.measures._arrays import Rows, as_probabilities, blocks, entropies


class SND(Validator):
    """Mean entropy of the similarities of each target prediction to the others."""

    name = "snd"
    title = Text("SND, soft neighbourhood density", "SND（软邻域密度）")
    summary = Text(
        "Takes the model whose target predictions have many others like them. A model that calls everything the same "
        "class scores highest: never use it alone.",
        "选择目标预测拥有许多相似预测的模型。把所有样本都判为同一类的模型得分最高：切勿单独使用。",
    )
    formula = r"\tfrac1m\sum_i H(P_{i\cdot}),\quad P_{ij} \propto_{j \neq i} e^{\cos(p_i, p_j)/\tau}"
    paper = Paper(
        "Saito, Kim, Teterwak, Sclaroff, Darrell, Saenko", 2021,
        "Tune it the Right Way: Unsupervised Validation of Domain Adaptation via Soft Neighborhood Density",
        "https://arxiv.org/abs/2108.10860", "section 3.2",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant", "non_negative"})

    class Params(BaseParams):
        """How near a neighbour must be."""

        temperature: float = param(0.05, "Temperature τ", "温度 τ", ge=0.001, le=10)

    def __call__(self, evidence: Evidence, seed: int = 0) -> float:
        return soft_neighbourhood_density(as_probabilities(evidence.target_probabilities), self.params.temperature)


def soft_neighbourhood_density(probabilities: Rows, temperature: float) -> float:
    """Mean entropy, in nats, of softmax(cosine/τ) over the other rows of probabilities (m, c).

    From 0 (one near neighbour each) to log(m − 1) (all alike); 0 for a single row, which has no neighbour.
    """
    if len(probabilities) == 1:
        return 0.0
    unit = probabilities / np.linalg.norm(probabilities, axis=1, keepdims=True)
    total = 0.0
    for rows in blocks(len(unit), len(unit)):
        scores = unit[rows] @ unit.T / temperature
        scores[np.arange(len(scores)), np.arange(rows.start, rows.stop)] = -np.inf
        weights = np.exp(scores - scores.max(1, keepdims=True))
        total += float(entropies(weights / weights.sum(1, keepdims=True)).sum())
    return total / len(unit)
