"""Transferability scores: closed forms, and the evidence maximised directly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from dtml import catalogue
from dtml.measures.logme import logme
from tests.measures.claims import softmax

CORNERS = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
HALVES = np.array([0, 0, 1, 1])
EYE = np.eye(3)


def score(name: str, given: np.ndarray, labels: np.ndarray, **params: object) -> float:
    return catalogue.create("measure", name, **params)(given, labels)


def test_leep_and_nce_worked_by_hand() -> None:
    labels = np.array([0, 1, 0, 1])
    for name in ("leep", "nce"):
        assert score(name, EYE[[2, 0, 2, 0]], labels) == 0
        assert score(name, np.tile([0.7, 0.2, 0.1], (4, 1)), labels) == pytest.approx(-math.log(2))
        assert score(name, EYE[[0, 0, 1, 1]], labels) == pytest.approx(-math.log(2))
    # Two samples at z = 0 with labels 0, 1, one at z = 1 with label 1: ⅔·log ½.
    assert score("nce", EYE[[0, 0, 1]], labels[[0, 1, 1]]) == pytest.approx(-2 / 3 * math.log(2))
    # θ = (¾, ¼), (¼, ¾) with labels 0, 1: P̂(0|z) = (¾, ¼), so log(¾² + ¼²).
    assert score("leep", np.array([[0.75, 0.25], [0.25, 0.75]]), labels[:2]) == pytest.approx(math.log(0.625))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000))
def test_leep_and_nce_are_of_one_value_on_hard_predictions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hard, labels = np.eye(4)[rng.integers(4, size=20)], rng.integers(3, size=20)
    assert score("leep", hard, labels) == pytest.approx(score("nce", hard, labels))
    soft = softmax(rng.normal(size=(20, 4)))
    assert score("leep", soft, labels) <= 0


def slow_evidence(features: np.ndarray, target: np.ndarray) -> float:
    """The log evidence of a Gaussian with covariance FFᵀ/α + I/β, maximised over both by a simplex."""

    def negative(logs: np.ndarray) -> float:
        alpha, beta = np.exp(np.clip(logs, -20, 20))
        covariance = features @ features.T / alpha + np.eye(len(features)) / beta
        return -multivariate_normal(np.zeros(len(features)), covariance).logpdf(target)

    starts = [(a, b) for a in (-2.0, 2.0, 6.0) for b in (0.0, 3.0)]
    return max(-minimize(negative, start, method="Nelder-Mead").fun for start in starts)


@pytest.mark.parametrize("dimensions", [3, 30])
def test_logme_is_the_evidence_maximised_directly(dimensions: int) -> None:
    rng = np.random.default_rng(dimensions)
    labels = np.arange(24) % 3
    features = rng.normal(size=(24, dimensions)) + 0.8 * np.eye(dimensions)[labels]
    slow = np.mean([slow_evidence(features, (labels == label).astype(float)) for label in range(3)]) / 24
    assert logme(features, labels) == pytest.approx(slow, abs=1e-4)


def test_logme_prefers_features_that_know_the_labels() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    noise = rng.normal(size=(60, 5))
    assert logme(noise, labels) < logme(noise + 2 * np.eye(5)[labels], labels) < logme(np.eye(5)[labels], labels)


def test_h_score_worked_by_hand() -> None:
    assert score("h_score", CORNERS, HALVES) == pytest.approx(1)
    assert score("h_score", CORNERS, np.array([0, 1, 1, 0])) == pytest.approx(0, abs=1e-12)
    assert score("h_score", np.ones((4, 2)), HALVES) == 0


def test_h_score_is_that_of_the_formula_and_survives_singular_covariances() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 4
    rows = rng.normal(size=(40, 3)) + np.eye(3)[labels % 3]
    means = np.stack([rows[labels == label].mean(0) for label in labels])
    expected = np.trace(np.linalg.inv(np.cov(rows.T, ddof=0)) @ np.cov(means.T, ddof=0))
    assert score("h_score", rows, labels) == pytest.approx(expected)
    doubled = np.concatenate([rows, rows @ rng.normal(size=(3, 4))], axis=1)
    assert score("h_score", doubled, labels) == pytest.approx(expected)


def test_the_shrunk_h_score_is_not_fooled_by_many_dimensions() -> None:
    """Random features in more dimensions than samples: perfect by the pseudo-inverse (classes less one)."""
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(20, 50)), np.arange(20) % 2
    assert score("h_score", rows, labels) == pytest.approx(1)
    assert 0 <= score("h_score", rows, labels, covariance="ledoit_wolf") < 0.5
    many = rng.normal(size=(4000, 2)) + np.eye(2)[np.arange(4000) % 2]
    both = [score("h_score", many, np.arange(4000) % 2, covariance=c) for c in ("pseudo_inverse", "ledoit_wolf")]
    assert both[0] == pytest.approx(both[1], rel=0.03)


def test_transrate_worked_by_hand() -> None:
    """Two classes at ±1 on a line, ε = 1: R(Z) = R(Z_c) = ½ log 2, so 0; a second axis for one class adds."""
    line = np.array([[1.0], [1.0], [-1.0], [-1.0]])
    assert score("transrate", line, HALVES, distortion=1.0) == pytest.approx(0, abs=1e-12)
    # Z = ±e₁ in class 0, ±e₂ in class 1: R = ½·2·log(1 + 2/4), R_c = ½ log(1 + 2/2).
    plus = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    expected = math.log(1.5) - math.log(2) / 2
    assert score("transrate", plus, HALVES, distortion=1.0) == pytest.approx(expected)


def test_gbc_worked_by_hand() -> None:
    """Variances 1, means 4 apart: D_B = 16/8 = 2, counted both ways; equal classes overlap wholly."""
    rows = np.array([[-1.0], [1.0], [3.0], [5.0]])
    for covariance in ("diagonal", "spherical"):
        assert score("gbc", rows, HALVES, covariance=covariance) == pytest.approx(-2 * math.exp(-2))
    assert score("gbc", rows[[0, 1, 0, 1]], HALVES) == pytest.approx(-2)


@pytest.mark.parametrize("name", ["logme", "h_score", "transrate", "gbc", "knn_baseline"])
def test_scores_grow_with_what_features_know(name: str) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(90) % 3
    rows = rng.normal(size=(90, 4))
    values = [score(name, rows + strength * np.eye(4)[labels], labels) for strength in (0, 2, 6)]
    assert values == sorted(values)
    assert values[0] < values[2]
