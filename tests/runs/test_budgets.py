"""Curves over label budgets: from hand-made results, planned, and trained by one command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dtml import Experiment
from dtml.budget import Budget
from dtml.figures.budget import accuracy_over_labels
from dtml.runs.budgets import STANDARD, curves
from dtml.runs.compare import groups, lines
from dtml.runs.records import Run
from dtml.runs.store import Store
from dtml.runs.sweep import plan
from tests.conftest import QUICK
from tests.test_cli import dtml, run


def experiment(labels: Budget, seed: int = 0, **changes: Any) -> Experiment:
    raw = {"task": "moons", "alignment": "dann", "training": QUICK, "labels": labels, "seed": seed}
    return Experiment(**{**raw, **changes})


def finish(store: Store, each: Experiment, target: float, labelled: int = 0) -> Run:
    """A finished run without its training."""
    run_ = store.submit(each, taken=True)
    store.progress(run_.id, info={"counts": {"labelled": labelled} if labelled else {}})
    store.finish(run_.id, {"target_test_accuracy": target, "source_test_accuracy": 1.0, "seconds": 2.0})
    return store.run(run_.id)


def filled(store: Store) -> list[Run]:
    """DANN with three budgets and two seeds, twins of the first seed, one other method with one budget."""
    made = [
        finish(store, experiment(labels, seed), value, labelled)
        for labels, labelled, values in (("all", 60, (0.9, 0.94)), (0, 0, (0.6, 0.7)), (5, 10, (0.8, 0.82)))
        for seed, value in enumerate(values)
    ]
    for labels, value in ((0, 0.5), (5, 0.7), ("all", 0.9)):
        finish(store, experiment(labels).twin(), value)
    references = experiment(0).references()
    finish(store, references["source_only"], 0.55)
    finish(store, references["target_only"], 0.97)
    return [*made, finish(store, experiment(5, alignment="coral"), 0.5, 10)]


def test_a_curve_by_hand(home: Path) -> None:
    store = Store()
    (curve,) = curves(groups(lines(store, filled(store))))
    assert [point.budget for point in curve.points] == [0, 5, "all"]
    assert [point.labelled for point in curve.points] == [0, 10, 60]
    assert [round(point.accuracy.mean, 3) for point in curve.points] == [0.65, 0.81, 0.92]
    first = curve.points[0]
    assert first.accuracy.half_width == pytest.approx(12.706 * 0.05, rel=1e-3), "t(.975, 1) · 0.0707/√2"
    assert first.twins == {0: 0.5}
    assert first.difference is not None
    assert first.difference.mean == pytest.approx(0.1)
    assert curve.levels == {"source_only": 0.55, "target_only": 0.97}


def test_the_figure_shows_curve_twin_and_levels(home: Path) -> None:
    store = Store()
    found = curves(groups(lines(store, filled(store))))
    figure = accuracy_over_labels({"DANN": found[0]})
    twin, own = figure.data
    assert (own.name, list(own.y)) == ("DANN", pytest.approx([0.65, 0.81, 0.92]))
    assert list(own.error_y.array)[0] == pytest.approx(0.635, rel=1e-2)
    assert list(twin.y) == [0.5, 0.7, 0.9]
    assert list(figure.layout.xaxis.ticktext) == ["0", "10", "60"]
    assert [shape.y0 for shape in figure.layout.shapes] == [0.55, 0.97]


def test_runs_of_before_their_labels_were_counted_have_no_place_on_the_axis(home: Path) -> None:
    store = Store()
    runs = [finish(store, experiment(labels), 0.5) for labels in (0, 5)]
    (curve,) = curves(groups(lines(store, runs)))
    assert [point.labelled for point in curve.points] == [0, None]
    assert [len(trace.x) for trace in accuracy_over_labels({"DANN": curve}).data] == [1]


def test_one_budget_makes_no_curve(home: Path) -> None:
    store = Store()
    assert curves(groups(lines(store, [finish(store, experiment(5, seed), 0.5, 10) for seed in (0, 1)]))) == []


def test_a_plan_over_budgets_shares_what_sees_no_labels(home: Path) -> None:
    made = plan(
        Store(),
        experiment(0),
        ["dann"],
        ["none"],
        ["scratch"],
        [0, 1],
        ["twin", "source_only", "target_only"],
        STANDARD,
    )
    assert [each.labels for each in made.experiments[::2]] == [0, 1, 5, 0.2, "all"]
    roles = [each.role for each in made.references]
    assert (roles.count("twin"), roles.count("source_only"), roles.count("target_only")) == (10, 2, 2)


def test_a_budget_that_does_not_fit_is_left_out_with_its_reason(home: Path) -> None:
    base = experiment(5, alignment="ccsa")
    made = plan(Store(), base, ["ccsa"], ["none"], ["scratch"], [0], [], [0, 5])
    assert [each.labels for each in made.experiments] == [5]
    assert list(made.unfit) == ["ccsa · scratch · labels: none"]


def test_the_command_prints_a_curve_and_trains_nothing_twice(home: Path, toml: Path) -> None:
    arguments = ("budget", str(toml), "--labels", "all,0,0.2", "--seeds", "0-1")
    found = json.loads(run(*arguments, "--json").splitlines()[-1])
    assert found["seeds"] == [0, 1]
    assert [(p["labels"], p["labelled"]) for p in found["points"]] == [(0, 0), (0.2, 20), ("all", 100)]
    assert all(p["mean"]["half_width"] is not None and p["twin"] and p["difference"] for p in found["points"])
    assert {"source_only", "target_only"} <= set(found)
    count = len(Store().runs())
    assert count == 2 * (3 + 3 + 1 + 1)
    table = run(*arguments)
    assert "20 % of" in table
    assert "target only" in table
    assert len(Store().runs()) == count


def test_the_command_leaves_out_what_does_not_fit(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "ccsa.toml"
    path.write_text(experiment(5, alignment="ccsa").to_toml(), "utf-8")
    done = dtml("budget", str(path), "--labels", "0,2", "--seeds", "0", "--references", "none", "--json")
    assert done.returncode == 0, done.stderr
    assert [p["labels"] for p in json.loads(done.stdout.splitlines()[-1])["points"]] == [2]
    assert "learns from labelled target samples" in " ".join(done.stderr.split())
    alone = dtml("budget", str(path), "--labels", "0", "--seeds", "0")
    assert alone.returncode == 1
    assert "Traceback" not in alone.stderr
    assert "is no label budget" in dtml("budget", str(path), "--labels", "lots").stderr
