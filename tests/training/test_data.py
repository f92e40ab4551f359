"""Features that are computed once: told as one progress, kept only where other runs can use them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import dtml
from dtml import Experiment, catalogue
from dtml.augmentation import augment
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
