"""The label budget on the pages: chosen in the form, swept at one click, drawn where runs differ by it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dtml import Experiment
from dtml.budget import Budget
from dtml.runs.foreground import train_all
from dtml.runs.records import Run
from dtml.runs.store import Store
from tests.app.test_pages import open_page, words
from tests.conftest import QUICK


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Run]]:
    """A home with one alignment at two label budgets, and the twins."""
    patch = pytest.MonkeyPatch()
    patch.setenv("DTML_HOME", str(tmp_path_factory.mktemp("home")))
    base = Experiment(task={"name": "moons", "samples": 200}, alignment="dann", training=QUICK)
    budgets: tuple[Budget, ...] = (0, "all")
    families = [
        train_all(Store(), base.replace(labels=labels), ["twin"], lambda _run, _event: None, again=False)
        for labels in budgets
    ]
    yield [family["adapted"] for family in families]
    patch.undo()


def chosen_kind(app: AppTest) -> str:
    return next(str(box.value) for box in app.selectbox if box.label == "Labelled target samples")


@pytest.mark.parametrize(("kind", "field", "typed", "budget"), [
    ("class", "Samples a class", 3, 3), ("share", "Share in %", 12.5, 0.125), ("all", "", None, "all"),
    ("none", "", None, 0),
])  # fmt: skip
def test_the_form_makes_every_kind_of_budget(
    home: Path, kind: str, field: str, typed: float | None, budget: Budget
) -> None:
    app = open_page("launch")
    next(box for box in app.selectbox if box.label == "Labelled target samples").set_value(kind).run()
    if field:
        next(box for box in app.number_input if box.label == field).set_value(typed).run()
    app.button(key="launch").click().run()
    assert not app.exception
    (adapted,) = [run for run in Store().runs() if run.role == "adapted"]
    assert adapted.experiment.labels == budget


def test_a_method_that_needs_labels_begins_with_some(home: Path) -> None:
    app = open_page("launch")
    assert chosen_kind(app) == "none"
    next(box for box in app.selectbox if box.label == "Alignment").set_value("ccsa").run()
    assert chosen_kind(app) == "class"
    assert next(box for box in app.number_input if box.label == "Samples a class").value == 5
    assert not app.error


@pytest.mark.parametrize(("labels", "kind"), [(0, "none"), (7, "class"), (0.3, "share"), ("all", "all")])
def test_the_form_begins_with_a_run_s_own_budget(home: Path, labels: Budget, kind: str) -> None:
    store = Store()
    run = store.submit(Experiment(task="moons", alignment="dann", training=QUICK, labels=labels))
    app = open_page("launch", **{"from": run.id})
    assert chosen_kind(app) == kind
    app.button(key="launch").click().run()
    newest = next(each for each in store.runs() if each.role == "adapted")
    assert newest.experiment.labels == labels


def test_accuracy_is_drawn_over_the_budget(trained: list[Run]) -> None:
    app = open_page("compare", runs=",".join(run.id for run in trained))
    assert "Accuracy over the label budget" in [header.value for header in app.header]
    drawn = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
    (curve,) = [chart for chart in drawn if "labelled target samples" in json.dumps(chart)]
    assert curve["layout"]["xaxis"]["ticktext"] == ["0", "100"]
    table = app.dataframe[0].value
    assert sorted(table["Method"]) == ["labels: all", "labels: none"]
    alone = open_page("compare", runs=trained[0].id)
    assert "Accuracy over the label budget" not in [header.value for header in alone.header]


def sweeping(app: AppTest, base: Run) -> AppTest:
    """The page with the form of a sweep open."""
    app.session_state["sweep"] = True
    app.run()
    app.selectbox(key="sweep-base").select(base.id).run()
    app.number_input(key="sweep-seeds").set_value(1).run()
    assert not app.error
    return app


def test_one_button_queues_a_curve_and_tells_its_cost(trained: list[Run]) -> None:
    app = sweeping(open_page("compare"), trained[0])
    assert "A curve over label budgets" in words(app)
    assert words(app).count("About **") == 2, "the estimate of the sweep, and that of the curve"
    before = {run.id for run in Store().runs()}
    app.button(key="sweep-curve").click().run()
    assert not app.exception
    new = [run for run in Store().runs() if run.id not in before]
    assert {str(run.experiment.labels) for run in new if run.role == "adapted"} == {"1", "5", "0.2"}
    assert {str(run.experiment.labels) for run in new if run.role == "twin"} == {"1", "5", "0.2"}
    for run in new:
        Store().cancel(run.id)


def test_budgets_can_be_combined_with_methods(trained: list[Run]) -> None:
    app = sweeping(open_page("compare"), trained[0])
    box = next(box for box in app.text_input if box.label == "Label budgets")
    assert box.value == "0"
    box.set_value("0, 3").run()
    assert "Queue 4 runs" in [button.label for button in app.button], "one of ours, its twin and the two references"
    next(box for box in app.text_input if box.label == "Label budgets").set_value("lots").run()
    assert any("'lots' is no label budget" in error.value for error in app.error)
