"""The command `dtml measure`: what it prints, and its one JSON object."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from dtml import Experiment
from dtml.cli_arguments import choice
from dtml.errors import Problem
from dtml.runs import choosing
from dtml.runs.store import Store
from tests.conftest import QUICK
from tests.images.archives import good
from tests.runs.test_candidates import office  # noqa: F401  # a fixture
from tests.test_cli import run

PAIR = ("--task", "moons:angle=70,samples=200", "--task", "moons:angle=10,samples=200")


@pytest.fixture(autouse=True)
def _quick(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "REPEATS", 10)


def test_a_ranking_is_a_table_and_what_follows_from_it() -> None:
    told = run("measure", *PAIR)
    heading = next(line for line in told.splitlines() if line.strip().startswith("Measure "))
    assert heading.split() == ["Measure", "angle", "10.0", "angle", "70.0"], "the best first"
    assert "k-NN accuracy" in told
    assert re.search(r"1 · \d+\.\d % \(", told)
    assert "By mean rank angle 10.0 comes first of 2. By k-NN accuracy, too" in told
    assert "How the ranking agreed" not in told


def test_the_last_line_is_one_json_object_that_tells_what_was_reached() -> None:
    for angle, accuracy in ((70.0, 0.4), (10.0, 0.9)):
        experiment = Experiment(task={"name": "moons", "angle": angle, "samples": 200}, training=QUICK)
        Store().finish(Store().submit(experiment, taken=True).id, {"target_test_accuracy": accuracy})
    told = json.loads(run("measure", *PAIR, "--json").splitlines()[-1])
    assert [each["title"] for each in told["candidates"]] == ["angle 10.0", "angle 70.0"]
    best = told["candidates"][0]
    assert best["mean_rank"] < told["candidates"][1]["mean_rank"]
    assert best["measures"]["mmd"]["rank"] == 1
    assert best["labels"] == 100
    (agreed,) = told["agreement"]
    assert agreed["kendall_tau"]["mean_rank"] == 1
    assert agreed["reached"] == {"angle 10.0": {"0": 0.9}, "angle 70.0": {"0": 0.4}}
    assert "How the ranking agreed" in run("measure", *PAIR)


def test_one_pair_of_labels_none() -> None:
    told = json.loads(run("measure", "--task", "moons:samples=200", "--labels", "0", "--json").splitlines()[-1])
    assert set(told["candidates"][0]["measures"]) == set(choosing.DISTANCES)
    assert told["candidates"][0]["mean_rank"] is None


def test_two_archives_and_sources_of_a_task(office: Path, tmp_path: Path) -> None:  # noqa: F811
    good(tmp_path / "a.zip")
    good(tmp_path / "b.zip", seed=1)
    pair = [str(tmp_path / "a.zip"), str(tmp_path / "b.zip")]
    with pytest.raises(Problem, match="dtml get backbone squeezenet1_1"):
        run("measure", *pair)
    with pytest.raises(Problem, match="'amazon' and 'webcam' are domains of .*office_caltech10.*; name the task"):
        run("measure", "amazon", "webcam")
    with pytest.raises(Problem, match="dtml get backbone squeezenet1_1"):
        run("measure", "--task", "office_caltech10", "--target", "webcam")


BAD = [
    ((), "Name SOURCE and TARGET, or a task"),
    (("--target", "webcam"), "Name SOURCE and TARGET, or a task"),
    (("--task", "moons", "--target", "webcam"), "'moons' has no named domains"),
    (("--task", "office_caltech10", "--target", "web"), "did you mean 'webcam'"),
    (("--task", "office_caltech10", "--candidates", "dslr"), "give --task and --target, and no SOURCE"),
    (("--task", "moons:angle"), "'angle' sets no parameter"),
    (("--task", "moons", "--set", "k=1"), "name it with --backbone"),
    (("--task", "moons", "--labels", "lots"), "'lots' is no label budget"),
    (("--task", "moons", "--backbone", "mlp"), "No backbone has learned weights"),
    (("--task", "tables", "/nowhere/a.csv", "/nowhere/b.csv"), "nowhere"),
]


@pytest.mark.parametrize(("arguments", "sentence"), BAD)
def test_bad_input_is_one_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(Problem, match=sentence):
        run("measure", *arguments)


def test_a_component_as_a_text() -> None:
    assert choice("torchvision:model=vgg16, weights=C:/my.pth") == {
        "name": "torchvision", "model": "vgg16", "weights": "C:/my.pth",
    }  # fmt: skip
    assert choice(" moons ") == {"name": "moons"}
