"""One experiment on every ordered pair of a task's domains."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from dtml import Experiment
from dtml.errors import Problem
from dtml.runs.pairs import Pair, as_markdown, average, pair, pairs
from dtml.runs.store import Store
from tests.images.archives import members

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    """Two of the domains of Office-Caltech10, in small."""
    (tmp_path / "office_caltech10").mkdir()
    for seed, name in enumerate(("amazon", "webcam")):
        with zipfile.ZipFile(tmp_path / "office_caltech10" / f"{name}.zip", "w") as file:
            for member, content in members(count=6, seed=seed).items():
                file.writestr(member, content)
    monkeypatch.setenv("DTML_DATA", str(tmp_path))
    quick = {"steps": 2, "snapshots": 1, "batch_size": 8}
    lenet = {"name": "lenet", "width": 4}
    return Experiment(task="office_caltech10", backbone=lenet, strategy="scratch", alignment="coral", training=quick)


def test_the_domains_that_are_on_disk_are_paired_both_ways(office: Experiment) -> None:
    found = [(each.task.params["source"], each.task.params["target"]) for each in pairs(office)]
    assert found == [("amazon", "webcam"), ("webcam", "amazon")]
    assert [each.task.params["target"] for each in pairs(office, ["dslr", "webcam"])] == ["webcam", "dslr"]
    with pytest.raises(Problem, match="no domain named 'web'; did you mean 'webcam'"):
        pairs(office, ["web"])
    with pytest.raises(Problem, match="fewer than two domains"):
        pairs(office, ["webcam"])


def test_a_task_without_named_domains(moons: Experiment) -> None:
    with pytest.raises(Problem, match="'moons' has no named domains to pair; choose one of .*office_caltech10"):
        pairs(moons)


def test_a_pair_is_trained_with_its_references_once(office: Experiment) -> None:
    store, each = Store(), pairs(office)[0]
    row = pair(store, each, [0, 1], lambda _run, _event: None)
    assert set(row.reached) == {"adapted", "twin", "source_only", "target_only"}
    assert all(len(values) == 2 for values in row.reached.values())
    count = len(store.runs())
    assert pair(store, each, [0, 1], lambda _run, _event: None) == row
    assert len(store.runs()) == count


def test_the_table() -> None:
    rows = [
        Pair("a", "b", {"adapted": [0.9, 0.8], "source_only": [0.5, 0.6]}),
        Pair("b", "a", {"adapted": [0.7, 0.6], "source_only": [0.3, 0.2]}),
    ]
    assert average(rows)["adapted"].mean == pytest.approx(0.75)
    told = as_markdown(rows).splitlines()
    assert told[0] == "| source → target | source only | adapted | gain |"
    assert told[2].startswith("| a → b | 55.0 ± 63.5 | 85.0 ± 63.5 | +30.0 ± 127.1 |")
    assert told[4].startswith("| mean | 40.0 ± 0.0 | 75.0 ± 63.5 | +35.0 ± 63.5 |")
