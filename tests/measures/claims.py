"""What each claim means for a measure, as a check on random arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from dtml.measures import Evidence, Measure

Case = tuple[Any, Any]
"""Two domains (discrepancy), or rows and labels (the others); evidence stands with None."""

DIMENSIONS = 5
SHIFT = np.array([3.0, -1.0, 2.0, 0.5, -4.0])
TURN = np.linalg.qr(np.random.default_rng(1).normal(size=(DIMENSIONS, DIMENSIONS)))[0]
LABELS = np.array([0, 0, 2, 0, 0, 1, 0, 2, 0, 2, 0, 0])


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def evidence(rng: np.random.Generator, far: float = 0.0) -> Evidence:
    """Three classes of source and target samples, the target `far` away."""
    source, target = rng.normal(size=(12, DIMENSIONS)), 0.5 * rng.normal(size=(15, DIMENSIONS)) + far
    weights = rng.normal(size=(DIMENSIONS, 3))
    return Evidence(source, softmax(source @ weights), LABELS, target, softmax(target @ weights))


def takes_probabilities(measure: Measure) -> bool:
    return measure.family == "prediction" or getattr(measure, "reads", "features") == "probabilities"


def draws(measure: Measure) -> list[Case]:
    """Asymmetric random inputs; in some of them the domains or classes lie far apart."""
    rng = np.random.default_rng(0)
    cases: list[Case] = []
    for far in (0.0, 0.0, 0.5, 1.0, 30.0):
        rows, other = rng.normal(size=(12, DIMENSIONS)), 0.5 * rng.normal(size=(9, DIMENSIONS)) + far
        if measure.family == "discrepancy":
            cases.append((rows, other))
        elif measure.family == "validator":
            cases.append((evidence(rng, far), None))
        elif takes_probabilities(measure):
            cases.append((softmax(rows[:, :3] + far * np.eye(3)[LABELS]), LABELS))
        else:
            cases.append((rows + far * LABELS[:, None], LABELS))
            cases.append((1e-3 * rows + (LABELS[:, None] > 0), LABELS))
    return cases


def call(measure: Measure, case: Case, seed: int = 0) -> float:
    function: Any = measure
    if measure.family == "validator":
        return function(case[0], seed)
    return function(*case) if measure.family == "prediction" else function(*case, seed)


def _moved(measure: Measure, case: Case, change: Callable[[np.ndarray], np.ndarray]) -> Case:
    """`change` on the rows of the case, and on those of the second domain where it has one."""
    return change(case[0]), change(case[1]) if measure.family == "discrepancy" else case[1]


def permuted(measure: Measure, case: Case) -> Case:
    rng = np.random.default_rng(2)
    first, second = case
    if measure.family == "discrepancy":
        return rng.permutation(first), rng.permutation(second)
    if measure.family != "validator":
        order = rng.permutation(len(first))
        return first[order], second[order]
    s, t = rng.permutation(len(first.source_labels)), rng.permutation(len(first.target_embeddings))
    moved = replace(
        first,
        source_embeddings=first.source_embeddings[s],
        source_probabilities=first.source_probabilities[s],
        source_labels=first.source_labels[s],
        target_embeddings=first.target_embeddings[t],
        target_probabilities=first.target_probabilities[t],
    )
    return moved, None


def _same(left: float, right: float) -> bool:
    return bool(np.isclose(left, right, rtol=1e-6, atol=1e-9))


def holds(measure: Measure, claim: str) -> bool:
    """Whether the claim is true of the measure on all draws."""
    cases = draws(measure)

    def unmoved(change: Callable[[np.ndarray], np.ndarray]) -> bool:
        return all(_same(call(measure, c), call(measure, _moved(measure, c, change))) for c in cases)

    match claim:
        case "zero_on_equal_domains":
            return all(_same(call(measure, (a, a)), 0) for a, _b in cases)
        case "symmetric":
            return all(_same(call(measure, (a, b)), call(measure, (b, a))) for a, b in cases)
        case "permutation_invariant":
            return all(_same(call(measure, c), call(measure, permuted(measure, c))) for c in cases)
        case "translation_invariant":
            return unmoved(lambda x: x + SHIFT)
        case "rotation_invariant":
            return unmoved(lambda x: x @ TURN)
        case "blind_to_mean_shift":
            return all(_same(call(measure, (a, b)), call(measure, (a, b + SHIFT))) for a, b in cases)
        case "non_negative":
            return all(call(measure, c) >= 0 for c in cases)
        case "bounded":
            return all(abs(call(measure, _moved(measure, c, lambda x: 1e6 * x))) <= 10 for c in cases)
    raise AssertionError(f"no check for the claim '{claim}'")


ROWS = ("permutation_invariant", "translation_invariant", "rotation_invariant", "non_negative", "bounded")


def known(measure: Measure) -> tuple[str, ...]:
    """The claims that can be made of a measure."""
    if measure.family == "discrepancy":
        return (*ROWS, "zero_on_equal_domains", "symmetric", "blind_to_mean_shift")
    if measure.family == "validator" or takes_probabilities(measure):
        return ("permutation_invariant", "non_negative")
    return ROWS


def wrong_claims(measure: Measure) -> set[str]:
    """Claims that do not hold, and what holds without being claimed."""
    return {claim for claim in known(measure) if holds(measure, claim)} ^ set(measure.claims)
