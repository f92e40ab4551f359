"""A target without labels: trained to, never guessed at."""

from __future__ import annotations

from pathlib import Path

import pytest

import dtml
from dtml import Experiment
from dtml.errors import Problem
from dtml.training.events import Finished, Snapshot, Started
from tests.conftest import QUICK
from tests.images.archives import good, members, packed

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def task(tmp_path: Path) -> dict[str, object]:
    """Cats and dogs, and images that nobody sorted."""
    packed(tmp_path / "a.zip", members(count=12))
    packed(tmp_path / "b.zip", {name.replace("/", "-"): c for name, c in members(count=12, seed=1).items()})
    return {"name": "folders", "source": str(tmp_path / "a.zip"), "target": str(tmp_path / "b.zip"), "size": 28}


def experiment(task: dict[str, object], **more: object) -> Experiment:
    given = {"backbone": "lenet", "strategy": "scratch", "training": QUICK, **more}
    return Experiment(task=task, **given)


@pytest.mark.parametrize("checkpoint", ["last", "snd"])
def test_its_accuracy_is_not_known(task: dict[str, object], checkpoint: str) -> None:
    training = {**QUICK, "checkpoint": checkpoint}
    events = list(dtml.train(experiment(task, alignment="dann", metric="triplet", training=training)))
    finished = next(event for event in events if isinstance(event, Finished))
    assert finished.result["target_test_accuracy"] is None
    assert finished.result["oracle_target_accuracy"] is None
    assert finished.result["target_knn_accuracy"] is None
    assert finished.result["source_test_accuracy"] is not None
    assert all("target_accuracy" not in event.metrics for event in events if isinstance(event, Snapshot))


@pytest.mark.parametrize("change", [{"domains": "target"}, {"labels": 3, "alignment": "dann"}])
def test_what_needs_its_labels_says_so(task: dict[str, object], change: dict[str, object]) -> None:
    with pytest.raises(Problem, match="label"):
        list(dtml.train(experiment(task, **change)))


def test_a_class_that_only_one_side_has_is_not_learned(tmp_path: Path) -> None:
    good(tmp_path / "a.zip", classes=("cat", "cow", "dog"))
    good(tmp_path / "b.zip", 1, classes=("cat", "dog", "emu"))
    task = {"name": "folders", "source": str(tmp_path / "a.zip"), "target": str(tmp_path / "b.zip"), "size": 28}
    events = list(dtml.train(experiment(task)))
    assert next(event for event in events if isinstance(event, Started)).probe.classes == ("cat", "dog")
