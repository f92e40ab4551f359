"""Validators: closed forms, and the failures that each is known for."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from dtml import catalogue
from dtml.measures import Evidence
from dtml.measures.dev import cross_entropies, density_ratio, dev_risk
from tests.measures.claims import evidence

BASE = evidence(np.random.default_rng(0))
BALANCED = np.eye(10)[np.arange(20) % 10]
COLLAPSED = np.eye(10)[np.zeros(20, dtype=int)]
UNIFORM = np.full((20, 10), 0.1)


def on_target(name: str, probabilities: np.ndarray, **params: object) -> float:
    given = replace(BASE, target_probabilities=probabilities)
    return catalogue.create("measure", name, **params)(given)


@pytest.mark.parametrize(
    ("name", "balanced", "collapsed", "uniform"),
    [
        ("bnm", math.sqrt(200), math.sqrt(20), math.sqrt(2)),
        ("infomax", math.log(10), 0, 0),
        ("entropy", 0, 0, -math.log(10)),
    ],
)
def test_value_worked_by_hand(name: str, balanced: float, collapsed: float, uniform: float) -> None:
    assert on_target(name, BALANCED) == pytest.approx(balanced)
    assert on_target(name, COLLAPSED) == pytest.approx(collapsed)
    assert on_target(name, UNIFORM) == pytest.approx(uniform, abs=1e-12)


def test_snd_worked_by_hand_and_fooled_by_a_collapse() -> None:
    """Four samples: two perfect pairs ≈ 0, all alike log 3, which is the best score that there is."""
    assert on_target("snd", np.eye(2)[[0, 1, 0, 1]]) == pytest.approx(0, abs=1e-6)
    assert on_target("snd", np.eye(2)[[0, 0, 0, 0]]) == pytest.approx(math.log(3))


def test_entropy_is_fooled_by_a_collapse_and_infomax_is_not() -> None:
    good = 0.9 * BALANCED + 0.1 / 10
    assert on_target("entropy", COLLAPSED) > on_target("entropy", good)
    assert on_target("infomax", COLLAPSED) < on_target("infomax", good)
    assert on_target("bnm", COLLAPSED) < on_target("bnm", good)


def test_source_accuracy_is_blind_to_the_target() -> None:
    measure = catalogue.create("measure", "source_accuracy")
    right = replace(BASE, source_probabilities=np.eye(3)[BASE.source_labels])
    assert measure(right) == 1
    assert measure(replace(right, target_probabilities=np.full((15, 3), 1 / 3))) == 1
    half = replace(right, source_labels=(BASE.source_labels + np.arange(12) % 2) % 3)
    assert measure(half) == 0.5


@pytest.mark.parametrize(
    ("rows", "rank"),
    [(np.eye(5), 5), (np.outer([1, 2, 3], [1, 1]), 1), (np.zeros((3, 2)), 0), (np.ones((4, 3)), 1)],
)
def test_rankme_worked_by_hand(rows: np.ndarray, rank: float) -> None:
    given = replace(BASE, target_embeddings=rows)
    assert catalogue.create("measure", "rankme")(given) == pytest.approx(rank, abs=1e-6)


def test_rankme_is_fooled_by_noise() -> None:
    rng = np.random.default_rng(0)
    measure = catalogue.create("measure", "rankme")
    classes = np.eye(8)[np.arange(40) % 3]
    assert measure(replace(BASE, target_embeddings=rng.normal(size=(40, 8)))) > measure(
        replace(BASE, target_embeddings=classes + 0.01 * rng.normal(size=(40, 8)))
    )


def test_class_ami_sees_agreement_chance_and_collapse() -> None:
    rng = np.random.default_rng(0)
    classes = np.arange(60) % 3
    rows = 10 * np.eye(3)[classes] + rng.normal(size=(60, 3))
    measure = catalogue.create("measure", "class_ami")

    def value(predicted: np.ndarray, embeddings: np.ndarray = rows) -> float:
        return measure(replace(BASE, target_embeddings=embeddings, target_probabilities=np.eye(3)[predicted]))

    assert value((classes + 1) % 3) == pytest.approx(1)
    assert abs(value(rng.integers(3, size=60))) < 0.1
    assert value(np.zeros(60, dtype=int)) == 0
    assert value(np.zeros(60, dtype=int), np.ones((60, 3))) == 0


def test_dev_risk_worked_by_hand() -> None:
    """w = 1, 3; ℓ = 1, 0: wℓ = 1, 0, cov −½, var 1, η = ½: ½ + ½·2 − ½ = 1. Equal weights: the plain mean."""
    assert dev_risk(np.array([1.0, 3.0]), np.array([1.0, 0.0])) == pytest.approx(1)
    assert dev_risk(np.ones(4), np.array([1.0, 0, 0, 1])) == pytest.approx(0.5)
    assert dev_risk(np.array([0.5, 1.5]), np.array([0.2, 0.2])) == pytest.approx(0.2)


def covariate_shift(rng: np.random.Generator, shift: float, count: int = 600) -> Evidence:
    """One feature x; the model errs exactly where x > 0, and the target has more of that."""
    source, target = rng.normal(size=(count, 1)), rng.normal(size=(count, 1)) + shift
    labels = (source[:, 0] > 0).astype(int)
    said = np.tile([1.0, 0.0], (count, 1))
    return Evidence(source, said, labels, target, said)


def test_dev_tells_the_risk_on_the_target_under_covariate_shift() -> None:
    """Errors where x > 0: 50 % of the source, Φ(0.8) = 78.8 % of the target; spread of the estimate about 3 %."""
    values = [catalogue.create("measure", "dev")(covariate_shift(np.random.default_rng(s), 0.8), s) for s in range(4)]
    assert -np.mean(values) == pytest.approx(0.788, abs=0.06)
    unshifted = catalogue.create("measure", "dev")(covariate_shift(np.random.default_rng(9), 0.0))
    assert -unshifted == pytest.approx(0.5, abs=0.06)


def test_density_ratio_of_two_gaussians() -> None:
    """N(0, 1) and N(1, 1): p_t/p_s = exp(x − ½)."""
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(3000, 1)), rng.normal(size=(2000, 1)) + 1
    ratio = np.log(density_ratio(source, target, 5, 0))
    assert np.abs(ratio - (source[:, 0] - 0.5)).mean() < 0.1


def test_dev_with_cross_entropy_and_its_known_failure() -> None:
    """Where the domains do not overlap all weights are about 0, and the risk goes beyond the greatest loss (27.6)."""
    loss = cross_entropies(np.array([[0.25, 0.75], [1.0, 0.0]]), np.array([1, 1]))
    assert loss == pytest.approx([-math.log(0.75), -math.log(1e-12)])
    near, far = (covariate_shift(np.random.default_rng(0), shift) for shift in (0.0, 50.0))
    measure = catalogue.create("measure", "dev", loss="cross_entropy")
    assert measure(near) < -5
    assert -measure(far) > 1.5 * 27.7
    assert density_ratio(far.source_embeddings, far.target_embeddings, 5, 0).max() < 0.02
