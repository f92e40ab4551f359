"""Networks by name in whole runs: frozen stages, strategies that look into stages, and the way out as ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.models import get_model

import dtml
from dtml import Experiment, catalogue, paths
from dtml.backbones import torchvision
from dtml.backbones._views import View
from dtml.errors import Problem
from dtml.export.onnx import write_onnx
from dtml.runs.foreground import train_all
from dtml.runs.store import Store
from dtml.training import Snapshot
from tests.strategies.test_strategies import changed, digits, told
from tests.tasks.test_folders import make

SMALL = "shufflenet_v2_x0_5"


@pytest.fixture
def folders(home: Path, tmp_path: Path) -> dict[str, Any]:
    """A run on a few small pictures that starts from a local file of weights."""
    for side, seed in (("source", 0), ("target", 1)):
        make(tmp_path / side, {"a": 12, "b": 12}, seed)
    torch.manual_seed(1)
    torch.save(get_model(SMALL, weights=None).state_dict(), tmp_path / "small.pth")
    return {
        "task": {
            "name": "folders", "source": str(tmp_path / "source"), "target": str(tmp_path / "target"), "size": 32,
        },
        "backbone": {"name": "torchvision", "model": SMALL, "weights": str(tmp_path / "small.pth")},
        "training": {"steps": 2, "snapshots": 1, "batch_size": 4, "probe": 4},
    }  # fmt: skip


def ends(experiment: Experiment) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """The weights before the first step and after the last."""
    states = [
        {key: value.clone() for key, value in event.state["model"].items()}
        for event in dtml.train(experiment)
        if isinstance(event, Snapshot)
    ]
    return states[0], states[-1]


def moved(strategy: dict[str, Any], folders: dict[str, Any]) -> set[str]:
    before, after = ends(Experiment(**folders, strategy=strategy))
    return {key for key in before if not torch.equal(before[key], after[key])}


def test_stages_stay_frozen_by_name(folders: dict[str, Any]) -> None:
    keys = moved({"name": "fine_tuning", "frozen": "conv1, stage3"}, folders)
    parts = {key.split(".")[2] for key in keys if key.startswith("network.")}
    assert parts == {"stage2", "stage4", "conv5"}


def test_frozen_stages_are_taken_from_the_last_ones(folders: dict[str, Any]) -> None:
    keys = moved({"name": "fine_tuning", "stages": 2, "frozen": "conv5"}, folders)
    assert {key.split(".")[2] for key in keys if key.startswith("network.")} == {"stage4"}


def test_frozen_stages_of_a_network_that_learned_here(home: Path) -> None:
    weights = told(digits({"name": "fine_tuning", "frozen": "conv1"}))[1]["model"]
    keys = changed(weights[6], weights[12])
    assert any(".stages.conv2." in key for key in keys)
    assert not any(".stages.conv1." in key for key in keys)


def test_frozen_stages_never_thaw() -> None:
    phases = catalogue.create("strategy", "gradual_unfreezing", frozen="a").phases(["a", "b", "c"], True)
    thawed = [[part for part in phase.rates if part.startswith("stages")] for phase in phases]
    assert thawed == [[], ["stages.c"], ["stages.c", "stages.b"]]
    assert sum(phase.share for phase in phases) == pytest.approx(1)


def test_layer_wise_rates_count_frozen_stages() -> None:
    tuned = catalogue.create("strategy", "fine_tuning", backbone_rate=1.0, decay=2.0, frozen="b")
    rates = tuned.phases(["a", "b", "c"], True)[0].rates
    assert rates == {"stages.a": 0.25, "stages.c": 1.0, "head": 1.0, "classifier": 1.0}


@pytest.mark.parametrize("strategy", ["fine_tuning", "gradual_unfreezing"])
def test_an_unknown_stage_tells_all_of_them(strategy: str) -> None:
    with pytest.raises(Problem, match="no stage 'layer9' to freeze; name some of its stages: stem, layer1, layer2"):
        catalogue.create("strategy", strategy, frozen="layer9").phases(["stem", "layer1", "layer2"], True)


def test_naming_no_stage_changes_no_hash() -> None:
    """A run that was stored before stages could be named is found again."""
    plain = Experiment(task="digits", strategy="fine_tuning")
    stored = plain.model_dump()
    del stored["strategy"]["frozen"]
    assert Experiment(**stored).hash == plain.hash
    assert plain.replace(strategy={"name": "fine_tuning", "frozen": "conv1"}).hash != plain.hash


@pytest.mark.parametrize("strategy", ["delta", "l2_sp"])
def test_strategies_that_look_into_stages_train_any_network(strategy: str, folders: dict[str, Any]) -> None:
    assert any(key.startswith("network.model.stage2") for key in moved({"name": strategy}, folders))


def test_a_loss_on_layers_trains_any_network(folders: dict[str, Any]) -> None:
    before, after = ends(Experiment(**folders, strategy="full_training", alignment="dstml", labels=2))
    assert any(not torch.equal(before[key], after[key]) for key in before)


def test_frozen_features_are_kept_by_what_the_network_sees(folders: dict[str, Any], home: Path) -> None:
    """The same weights behind another preprocessing are run again; behind the same they are looked up."""

    def kept() -> set[str]:
        list(dtml.train(Experiment(**folders, strategy="feature_extraction")))
        return {path.name for path in (paths.cache() / "features").iterdir()}

    first = kept()
    assert kept() == first
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torchvision, "view_of", lambda _published: View(240, 224, (0.5,) * 3, (0.5,) * 3))
        assert kept() > first


def test_it_leaves_as_onnx(folders: dict[str, Any], tmp_path: Path) -> None:
    runs = train_all(Store(), Experiment(**folders, strategy="full_training"), [], lambda _run, _event: None)
    (run,) = runs.values()
    assert run.state == "finished", run.error
    check = write_onnx(run, tmp_path / "model.onnx")
    assert check.samples == 8
    assert check.largest < 1e-3
    assert np.isfinite(check.largest)
