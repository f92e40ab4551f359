"""The page that ranks sources: the choice, what a worker measured, and how it agreed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dtml import own
from dtml.figures import choosing as figures
from dtml.runs import choosing
from dtml.runs.choosing import choose_next
from dtml.runs.store import Store
from tests.app.test_pages import open_page, words
from tests.runs.test_candidates import office  # noqa: F401  # a fixture
from tests.runs.test_choosing import made


def table(path: Path, shift: float, rows: int = 90, labelled: bool = True) -> str:
    """A file of two columns: two classes 4 apart along the first, moved along the second and half as far along it."""
    rng = np.random.default_rng(round(10 * shift))
    labels = np.arange(rows) % 2
    points = rng.normal(size=(rows, 2)) + np.stack([4 * labels + shift / 2, np.full(rows, shift)], 1)
    lines = [f"{x:.4f},{y:.4f}" + (f",{'ab'[k]}" if labelled else "") for (x, y), k in zip(points, labels, strict=True)]
    path.write_text("\n".join(["x,y" + (",label" if labelled else ""), *lines]), "utf-8")
    return str(path)


@pytest.fixture
def shops(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two own tasks with one target: a source near it, and one that is far off."""
    monkeypatch.setattr(choosing, "REPEATS", 10)
    target = table(tmp_path / "target.csv", 0.1)
    for name, shift in (("near", 0.2), ("far", 6.0)):
        own.add(name, "tables", {"source": table(tmp_path / f"{name}.csv", shift), "target": target})
        own.look(name)
        own.confirm(name)
    return ["near", "far"]


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click().run()
    assert not app.exception
    return app


def address(app: AppTest) -> str:
    found = app.query_params["ranking"]
    return found if isinstance(found, str) else found[0]


def test_own_tasks_are_ranked_and_launched(shops: list[str]) -> None:
    app = open_page("choose")
    assert app.selectbox(key="choose-task").value == ""
    assert sorted(app.multiselect(key="choose-own").value) == sorted(shops)
    press(app, "measure")
    assert any("Waiting for the worker" in str(bar.proto) for bar in app.get("progress"))
    assert choose_next(Store())
    app.run()
    assert not app.error
    assert "Candidates for target" in [header.value for header in app.header]
    assert "By mean rank near comes first of 2." in app.info[0].value
    assert "do not have the same target" not in words(app)
    found = app.dataframe[0].value
    assert list(found["Candidate"]) == ["near", "far"]
    assert found["Mean rank"][0] < found["Mean rank"][1]
    assert found["k-NN accuracy, source → target"][0].endswith("· 1")
    (chart,) = app.get("plotly_chart")
    assert "MMD" in chart.proto.spec
    assert "No two candidates have finished runs" in words(app)
    press(app, "choose-launch")
    assert [each.value for each in app.title] == ["Compare runs"]
    runs = Store().runs()
    assert {run.role for run in runs} == {"adapted", "twin", "source_only"}
    for run in runs:
        Store().take(run.id)
        reached = 0.9 if run.experiment.task.params["title"] == "near" else 0.5
        Store().finish(run.id, {"target_test_accuracy": reached, "seconds": 1.0})
    again = open_page("choose")
    assert words(again).count("is +1.00 over 2 candidates. So few say little.") == 3
    assert again.button(key="choose-launch").disabled


def test_the_address_brings_back_what_was_measured(shops: list[str]) -> None:
    app = press(open_page("choose"), "measure")
    key = address(app)
    assert choose_next(Store())
    other = open_page("choose", ranking=key)
    other.selectbox(key="choose-labels").set_value(0).run()
    assert "was not measured yet" in words(other)
    assert "Candidates for target" in [header.value for header in other.header]


def test_what_could_not_be_measured_is_a_sentence(shops: list[str], tmp_path: Path) -> None:
    for path in tmp_path.glob("*.csv"):
        path.unlink()
    app = press(open_page("choose"), "measure")
    assert choose_next(Store())
    app.run()
    assert app.error
    assert "csv" in app.error[0].value


def test_sources_on_disk_are_chosen_and_weights_offered(office: Path, home: Path) -> None:  # noqa: F811
    app = open_page("choose")
    app.selectbox(key="choose-task").set_value("digit_domains").run()
    next(each for each in app.multiselect if each.label == "Sources").set_value(["usps"]).run()
    assert next(each for each in app.multiselect if each.label == "Backbones, frozen").value == []
    app.selectbox(key="choose-task").set_value("office_caltech10").run()
    assert next(each for each in app.multiselect if each.label == "Backbones, frozen").value == ["squeezenet1_1"]
    app.selectbox(key="choose-target-office_caltech10").set_value("webcam").run()
    assert not app.exception
    assert app.multiselect(key="choose-sources-office_caltech10-webcam").value == ["amazon", "dslr"]
    assert [button.label for button in app.button if button.label.startswith("Fetch")] == [
        "Fetch the learned weights (5 MB)"
    ]
    assert app.button(key="measure").label == "Measure (2)"
    box = next(each for each in app.multiselect if each.label == "Backbones, frozen")
    box.set_value(["squeezenet1_1", "torchvision"]).run()
    assert app.button(key="measure").label == "Measure (4)"
    app.multiselect(key="choose-models-torchvision").set_value(["resnet18", "vgg16"]).run()
    assert app.button(key="measure").label == "Measure (6)"
    box.set_value([]).run()
    assert app.button(key="measure").disabled, "the inputs as they are stand in for no network that has features"
    box.set_value(["squeezenet1_1", "torchvision"]).run()
    press(app, "measure")
    job = Store().claim_job(choosing.KIND)
    assert job is not None
    models = {each["backbone"].get("model") for each in job.spec["candidates"]}
    assert models == {None, "resnet18", "vgg16"}
    assert "logme" in job.spec["measures"]


def test_nothing_to_choose_from(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DTML_DATA", raising=False)
    app = open_page("choose")
    assert app.button(key="measure").disabled
    assert not app.error


@pytest.mark.parametrize("dark", [False, True])
def test_the_figure_has_a_panel_for_each_measure(home: Path, dark: bool) -> None:
    found = made({choosing.KNN: 0.5, "mmd": 0.2}, {choosing.KNN: 0.9, "mmd": 0.1})
    drawn = figures.measures(found, dark)
    assert [note.text for note in drawn.layout.annotations] == [
        "k-NN accuracy,<br>source → target ▲", "MMD, multi-kernel ▼",
    ]  # fmt: skip
    knn, mmd = drawn.data
    assert (list(knn.y), list(knn.x)) == (["c1", "c0"], [0.9, 0.5])
    assert list(knn.error_x.array) == pytest.approx([0.1, 0.1])
    assert (knn.marker.symbol, mmd.marker.symbol) == ("diamond", "circle")
    assert knn.text[0] == "90.0 % (80.0 – 100.0)"
    assert list(drawn.layout.yaxis.categoryarray) == ["c0", "c1"]
    json.loads(drawn.to_json())
