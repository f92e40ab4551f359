"""The one description of a run: complete, hashable, and clear about what is wrong."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from dtml import Experiment
from dtml.errors import Problem
from tests.conftest import ROOT


def test_what_is_left_out_is_written_out() -> None:
    experiment = Experiment(task="moons")
    assert experiment.task.params == {"angle": 35.0, "noise": 0.1, "samples": 1000}
    assert experiment.backbone.name == "mlp"
    assert [choice.name for choice in experiment.alignment] == ["none"]


def test_toml_and_json_give_it_back(moons: Experiment, toml: Path) -> None:
    assert Experiment.from_toml(toml) == moons
    assert Experiment.stored(moons.to_json()) == moons


def test_hash_depends_on_content_alone(moons: Experiment) -> None:
    assert moons.hash == moons.replace(title="another title").hash
    assert moons.hash != moons.replace(seed=1).hash
    assert Experiment(task="moons").hash == Experiment(task={"name": "moons", "angle": 35.0}).hash


def test_twin_differs_in_the_alignment_alone(moons: Experiment) -> None:
    twin = moons.twin()
    own, other = moons.model_dump(), twin.model_dump()
    assert {key for key in own if own[key] != other[key]} == {"alignment"}
    assert (moons.role, twin.role) == ("adapted", "twin")


def test_references_leave_out_one_domain(moons: Experiment) -> None:
    references = moons.references()
    assert references["source_only"].domains == "source"
    assert references["target_only"].domains == "target"
    assert {role: experiment.role for role, experiment in references.items()} == {role: role for role in references}


BAD = [
    ({}, "needs the key 'task'"),
    ({"task": "moon"}, "There is no task named 'moon'; did you mean 'moons'?"),
    ({"task": "moons", "aligment": "dann"}, "has no key 'aligment'; did you mean 'alignment'?"),
    ({"task": "moons", "alignment": "dan"}, "did you mean 'dann'?"),
    ({"task": "moons", "alignment": {"name": "dann", "ceil": 1}}, "did you mean 'ceiling'?"),
    ({"task": "moons", "alignment": ["dann", "dann"]}, "named twice"),
    ({"task": "moons", "training": {"step": 5}}, "no key 'training.step'; did you mean 'steps'?"),
    ({"task": "moons", "training": {"steps": 0}}, "'training.steps' is 0"),
    ({"task": "moons", "training": 7}, "'training' is 7"),
    ({"task": "moons", "training": [3]}, "'training' is .3., but must be a table"),
    ({"task": "moons", "alignment": 3}, "'alignment' is 3, but must be a name, or a table"),
    ({"task": "moons", "seed": -1}, "'seed' is -1"),
    ({"task": "moons", "backbone": "lenet"}, "The backbone 'lenet' takes images.*choose mlp"),
    ({"task": "moons", "metric": "dtml", "embedding": {"activation": "relu"}}, "choose 'tanh' or 'normalise'"),
    (
        {"task": "moons", "training": {"augmentation": "crop"}},
        "'crop' moves images.*'moons' has rows of numbers",
    ),
    ({"task": {"name": "folders", "source": "photos"}}, "The task 'folders' needs 'target'"),
]


@pytest.mark.parametrize(("raw", "sentence"), BAD)
def test_bad_input_is_one_sentence(raw: dict[str, object], sentence: str) -> None:
    with pytest.raises(Problem, match=sentence) as caught:
        Experiment(**raw)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_missing_or_broken(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="There is no file"):
        Experiment.from_toml(tmp_path / "nothing.toml")
    with pytest.raises(Problem, match="cannot be read"):
        Experiment.from_toml(tmp_path)
    broken = tmp_path / "broken.toml"
    broken.write_text("task = ")
    with pytest.raises(Problem, match="not valid TOML"):
        Experiment.from_toml(broken)


@pytest.mark.parametrize("path", sorted((ROOT / "assets" / "experiments").glob("*.toml")), ids=lambda path: path.stem)
def test_bundled_experiments_are_valid(path: Path) -> None:
    experiment = Experiment.from_toml(path)
    assert experiment.adapts


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            {"domains": "source", "alignment": "coral"},
            "'alignment' .coral. would do nothing where",
        ),
        ({"domains": "target", "labels": 5}, "'labels' .5. would do nothing where 'domains' is 'target'"),
        ({"strategy": "shot", "labels": 5}, "'shot' sees no labels of the target"),
        ({"alignment": {"name": "coral", "weight": float("inf")}}, "'weight' is inf, but must be a finite number"),
    ],
)
def test_what_would_do_nothing_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(Problem, match=told):
        Experiment(task="moons", **wrong)


def test_further_steps_make_another_experiment_that_goes_on_from_the_first(moons: Experiment) -> None:
    longer = moons.longer(10)
    assert longer.hash != moons.hash
    assert longer.longer(5) == moons.longer(15)
    assert longer.continues(moons)
    assert longer.longer(5).continues(longer)
    assert not moons.continues(longer)
    assert not longer.continues(moons.replace(seed=1))
    assert longer.twin().continues(moons.twin())


def test_stored_runs_from_before_there_were_further_steps_keep_their_hash() -> None:
    known = Experiment(task={"name": "moons", "samples": 200}, alignment="dann", training={"steps": 20})
    content = known.model_dump(exclude={"title"})
    del content["training"]["more"]
    assert known.hash == hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def test_no_further_steps_at_rate_zero(moons: Experiment) -> None:
    cosine = moons.replace(training={**moons.training.model_dump(), "schedule": "cosine"})
    with pytest.raises(Problem, match="ends at rate zero"):
        cosine.longer(10)
