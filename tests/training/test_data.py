"""Features that are computed once: told as one progress, kept only where other runs can use them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

import dtml
from dtml import Experiment, catalogue
from dtml.augmentation import augment
from dtml.budget import Budget
from dtml.errors import Problem
from dtml.training.data import Data, as_features, prepare
from dtml.training.model import Model, build
from tests.conftest import QUICK


@pytest.fixture
def ready(home: Path, moons: Experiment) -> tuple[Data, Model]:
    """Samples and an untrained model."""
    transfer = catalogue.create("task", "moons", **moons.task.params).load(0)
    return prepare(moons, transfer, torch.device("cpu"))[0], build(moons, (2,), 2)


def test_all_sets_make_one_progress(ready: tuple[Data, Model]) -> None:
    told: list[float] = []
    as_features(*ready, None, lambda _what, share: told.append(share), keep=False)
    assert len(told) == 8
    assert told == sorted(told)
    assert told[-1] == 1


def test_kept_features_are_not_computed_again(ready: tuple[Data, Model], monkeypatch: pytest.MonkeyPatch) -> None:
    first = as_features(*ready, None, lambda _what, _share: None, keep=True)

    def refuse(*_arguments: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr("dtml.training.data.features_of", refuse)
    again = as_features(*ready, None, lambda _what, _share: None, keep=True)
    assert all(torch.equal(*pair) for pair in zip(*map(rows, (first, again)), strict=True))
    with pytest.raises(AssertionError, match="computed again"):
        as_features(*ready, None, lambda _what, _share: None, keep=False)


def rows(data: Data) -> list[torch.Tensor]:
    return [
        next(iter(samples.chunks(10_000))) for samples in (data.source, data.target, *data.looks.values()) if samples
    ]


def labels_seen(moons: Experiment, budget: Budget, seed: int = 0) -> tuple[set[int], Data]:
    """The places of the labelled target samples, and all data."""
    experiment = moons.replace(labels=budget, seed=seed)
    transfer = catalogue.create("task", "moons", **moons.task.params).load(seed)
    data = prepare(experiment, transfer, torch.device("cpu"))[0]
    return set(data.labelled.indices.tolist()) if data.labelled else set(), data


def test_a_larger_budget_contains_the_smaller_one(moons: Experiment) -> None:
    budgets: list[Budget] = [0, 1, 5, 0.2, 0.5, "all"]
    seen = [labels_seen(moons, budget)[0] for budget in budgets]
    assert [len(places) for places in seen] == [0, 2, 10, 20, 50, 100], "two classes of 50 training samples"
    assert all(small < large for small, large in pairwise(seen))
    assert labels_seen(moons, 5)[0] == seen[2]
    assert labels_seen(moons, 5, seed=1)[0] != seen[2]


@pytest.mark.parametrize("budget", [1, 5, 0.2, "all"])
def test_the_rest_of_the_target_stays_sealed(moons: Experiment, budget: Budget) -> None:
    transfer = catalogue.create("task", "moons", **moons.task.params).load(0)
    places, data = labels_seen(moons, budget)
    assert data.labelled is not None
    assert data.target is not None
    assert (data.target.labels == -1).all(), "what the alignment sees has no labels"
    known = transfer.target.labels[data.labelled.indices]
    assert np.array_equal(data.labelled.labels.numpy(), known)
    assert len(set(np.bincount(known))) == 1, "as many of each class"
    held_back = [*transfer.target.splits["validation"], *transfer.target.splits["test"]]
    assert not places & set(held_back)


def test_a_target_without_labels_gives_none(moons: Experiment) -> None:
    transfer = catalogue.create("task", "moons", **moons.task.params).load(0)
    unknown = replace(transfer.target, labels=np.full_like(transfer.target.labels, -1))
    for budget, told in ((5, "5 a class"), (0.5, "50 % of each class"), ("all", "all")):
        with pytest.raises(Problem, match=rf"Labels of the target are wanted \({told}\), but 'rotated moons' has none"):
            prepare(moons.replace(labels=budget), replace(transfer, target=unknown), torch.device("cpu"))


def test_features_of_weights_that_never_come_again_leave_no_file(home: Path, moons: Experiment) -> None:
    list(dtml.train(moons.replace(strategy="feature_extraction")))
    assert not (home / "cache" / "features").exists()


@pytest.mark.parametrize(("augmentation", "augmented"), [("none", 2), ("shift", 4)])
def test_augmentation_acts_on_a_frozen_backbone(
    home: Path, monkeypatch: pytest.MonkeyPatch, augmentation: str, augmented: int
) -> None:
    """Two steps of pretraining, then two on a frozen backbone, whose features are constant only without it."""
    seen = []

    def counted(images: torch.Tensor, name: str) -> torch.Tensor:
        seen.append(name)
        return augment(images, name)

    monkeypatch.setattr("dtml.training.step.augment", counted)
    training = {**QUICK, "steps": 4, "augmentation": augmentation}
    list(dtml.train(Experiment(task="digits", strategy="feature_extraction", training=training)))
    assert seen == [augmentation] * augmented
