"""Accuracy and calibration."""

from __future__ import annotations

import numpy as np
import pytest

from dtml import catalogue
from dtml.errors import Problem


def test_accuracy_worked_by_hand() -> None:
    probabilities = [[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]
    assert catalogue.create("measure", "accuracy")(probabilities, [0, 2, 2]) == pytest.approx(2 / 3)


def test_calibration_worked_by_hand() -> None:
    """Two bins: confidences .6 .8 (one right of two), 1 (wrong): |0.5 − 0.7|·2/3 in (½, 1] with 1: one bin.

    With two bins all three lie in (½, 1]: |1/3 − 0.8|. With five: .6 in (.4, .6] right: .4/3; .8 in (.6, .8]
    wrong: .8/3; 1 in (.8, 1] wrong: 1/3.
    """
    probabilities, labels = [[0.6, 0.4], [0.8, 0.2], [1.0, 0.0]], [0, 1, 1]
    assert catalogue.create("measure", "calibration", bins=2)(probabilities, labels) == pytest.approx(0.8 - 1 / 3)
    assert catalogue.create("measure", "calibration", bins=5)(probabilities, labels) == pytest.approx(2.2 / 3)


def test_calibration_of_honest_and_of_boastful_predictions() -> None:
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.5, 1, size=20_000)
    right = rng.uniform(size=20_000) < sure
    measure = catalogue.create("measure", "calibration")
    assert measure(np.stack([sure, 1 - sure], 1), 1 - right) < 0.02
    assert measure(np.tile([1.0, 0.0], (20_000, 1)), 1 - right) == pytest.approx(1 - right.mean())
    assert not measure.higher_is_better


def test_a_label_without_a_column_is_told() -> None:
    for name in ("accuracy", "calibration"):
        with pytest.raises(Problem, match="2 classes, but the label 2"):
            catalogue.create("measure", name)([[0.5, 0.5]], [2])
