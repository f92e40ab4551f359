"""Every page, in both languages, empty and with runs; a person never sees a traceback."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dtml import Experiment, catalogue, own
from dtml.errors import Problem
from dtml.figures.embeddings import MANY, Panel, embeddings
from dtml.runs.foreground import train_all
from dtml.runs.looking import ask_to_look
from dtml.runs.pictures import compute_picture, last_state, picture_spec
from dtml.runs.records import Run
from dtml.runs.store import Store
from tests.conftest import QUICK, ROOT
from tests.images.archives import good, members, packed

PAGES = ("home", "tasks", "choose", "launch", "runs", "embeddings", "compare", "methods")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Run]]:
    """A home with an adapted run, its references and their picture."""
    patch = pytest.MonkeyPatch()
    patch.setenv("DTML_HOME", str(tmp_path_factory.mktemp("home")))
    experiment = Experiment(task={"name": "moons", "samples": 200}, alignment="dann", training=QUICK, title="Moons")
    runs = train_all(Store(), experiment, ["twin", "source_only", "target_only"], lambda _run, _event: None)
    states = [last_state(runs["twin"].id), last_state(runs["adapted"].id)]
    for method in ("umap", "pca"):
        compute_picture(picture_spec(states, method))
    yield dict(runs)
    patch.undo()


def open_page(name: str, **query: str) -> AppTest:
    """A page as a person opens it."""
    app = AppTest.from_file(str(ROOT / "app" / "ui.py"), default_timeout=60)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    if name != "home":
        app.switch_page(f"../pages/{name}.py")
        for key, value in query.items():
            app.query_params[key] = value
        app.run()
    assert not app.exception, app.exception
    return app


def words(app: AppTest) -> str:
    """Everything that stands on a page."""
    blocks = [*app.title, *app.header, *app.subheader, *app.markdown, *app.caption, *app.info, *app.warning, *app.error]
    return "\n".join(str(block.value) for block in blocks)


@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("page", PAGES)
def test_page_opens_without_runs(home: Path, page: str, language: str) -> None:
    app = open_page(page, lang=language)
    assert not app.error
    assert bool(re.search(r"[\u4e00-\u9fff]", words(app))) == (language == "zh_CN")


@pytest.mark.parametrize("page", PAGES)
def test_page_opens_with_runs(trained: dict[str, Run], page: str) -> None:
    app = open_page(page, run=trained["adapted"].id)
    assert not app.error


def test_runs_shows_the_result_beside_its_references(trained: dict[str, Run]) -> None:
    app = open_page("runs", run=trained["adapted"].id)
    shown = {metric.label: metric.value for metric in app.metric}
    assert set(shown) == {"adapted", "twin (no alignment)", "source only", "target only"}
    assert shown["adapted"] == f"{100 * trained['adapted'].result['target_test_accuracy']:.1f} %"
    assert "One seed does not prove" in words(app)
    assert "this is not a result" in words(app)


def test_a_failed_run_tells_why(home: Path) -> None:
    from dtml.runs.execute import execute

    wild = Experiment(
        task="moons",
        embedding={"activation": "none"},
        training={"steps": 200, "optimiser": "sgd", "learning_rate": 1e6, "snapshots": 1},
    )
    store = Store()
    run = execute(store, store.submit(wild, taken=True))
    app = open_page("runs", run=run.id)
    assert ["not a finite number at step" in error.value for error in app.error] == [True]


def test_an_unknown_run_is_a_sentence(trained: dict[str, Run]) -> None:
    app = open_page("runs", run="nothing")
    assert any("There is no run 'nothing'" in error.value for error in app.error)


def test_embeddings_draws_both_states(trained: dict[str, Run]) -> None:
    app = open_page("embeddings", run=trained["adapted"].id)
    next(toggle for toggle in app.toggle if toggle.label == "Simple figure").set_value(True).run()
    chart = app.get("plotly_chart")[0].proto.spec
    assert "Before" in chart
    assert "After" in chart
    assert "lower moon" in chart


def test_class_names_stay_legible_however_many_points_are_drawn() -> None:
    """WebGL draws over text traces, not over annotations."""
    rng = np.random.default_rng(0)
    count = MANY
    labels = np.arange(count) % 2
    seen = {
        "labels": labels,
        "domains": np.arange(count) // 2 % 2,
        "ids": np.arange(count).astype(str),
        "classes": np.array(["<b>", "dog"]),
    }
    panels = [Panel(title, rng.normal(size=(count, 2)).astype(np.float32), labels) for title in ("a", "b")]
    both, one = embeddings(panels, seen, [0, 1]), embeddings(panels, seen, [0])
    assert {trace.type for trace in both.data if trace.x[0] is not None} == {"scattergl"}
    assert {trace.type for trace in one.data if trace.x[0] is not None} == {"scatter"}
    assert [a.text for a in both.layout.annotations].count("<b>&lt;b&gt;</b>") == 2


def test_launching_queues_run_and_references(home: Path) -> None:
    app = open_page("launch")
    app.button(key="launch").click().run()
    assert not app.exception
    runs = Store().runs()
    assert {run.role for run in runs} == {"adapted", "twin", "source_only", "target_only"}
    assert {run.experiment.task.name for run in runs} == {"digits"}


def test_the_default_run_starts_at_one_click(home: Path) -> None:
    app = open_page("home")
    app.button(key="launch-default").click().run()
    assert not app.exception
    assert {run.role for run in Store().runs()} >= {"adapted", "twin"}


def test_another_task_brings_its_own_backbone(home: Path) -> None:
    app = open_page("launch")
    task = next(box for box in app.selectbox if box.label == "Task")
    task.set_value("moons").run()
    assert not app.exception
    app.button(key="launch").click().run()
    assert {run.experiment.backbone.name for run in Store().runs()} == {"mlp"}


def test_several_alignments_each_with_its_weight(home: Path) -> None:
    app = open_page("launch")
    next(box for box in app.multiselect if box.label == "Together with").set_value(["bsp"]).run()
    weights = [box for box in app.number_input if box.label == "Trade-off weight"]
    weights[1].set_value(0.003).run()
    app.button(key="launch").click().run()
    (adapted,) = [run for run in Store().runs() if run.role == "adapted"]
    chosen = [(term.name, term.params["weight"]) for term in adapted.experiment.alignment]
    assert chosen == [("dann", 1.0), ("bsp", 0.003)]


def test_a_strategy_that_acts_on_batch_normalisation_brings_it(home: Path) -> None:
    app = open_page("launch")
    next(box for box in app.selectbox if box.label == "Strategy").set_value("adabn").run()
    assert not app.error
    normalisation = next(box for box in app.selectbox if box.label.startswith("Normalisation"))
    assert normalisation.value == "batch"
    next(box for box in app.selectbox if box.label == "Strategy").set_value("scratch").run()
    assert next(box for box in app.selectbox if box.label.startswith("Normalisation")).value == "none"


def test_a_network_is_chosen_from_the_known_names_or_written(home: Path) -> None:
    app = open_page("launch")
    next(box for box in app.selectbox if box.label == "Backbone").set_value("torchvision").run()
    network = next(box for box in app.selectbox if box.label.startswith("Network"))
    assert {"vgg16", "resnet50", "vit_b_16"} <= set(network.options)
    network.set_value("vgg16").run()
    assert not app.exception
    app.button(key="launch").click().run()
    assert {run.experiment.backbone.params["model"] for run in Store().runs()} == {"vgg16"}


def test_the_size_of_a_shift_is_a_slider(home: Path) -> None:
    app = open_page("launch")
    next(box for box in app.selectbox if box.label == "Task").set_value("shifted").run()
    (slider,) = [each for each in app.slider if each.label == "Strength of the shift"]
    assert (slider.min, slider.max, slider.value) == (0, 1, 0.5)
    slider.set_value(0.8).run()
    app.button(key="launch").click().run()
    assert {run.experiment.task.params["strength"] for run in Store().runs()} == {0.8}


def test_a_choice_that_does_not_fit_is_a_sentence_and_loses_nothing(home: Path) -> None:
    app = open_page("launch")
    next(box for box in app.selectbox if box.label == "Metric").set_value("dtml").run()
    next(box for box in app.selectbox if box.label == "Activation").set_value("relu").run()
    assert any("choose 'tanh' or 'normalise'" in error.value for error in app.error)
    app.button(key="launch").click().run()
    assert Store().runs() == []
    assert next(box for box in app.selectbox if box.label == "Metric").value == "dtml"


def test_a_ready_made_experiment_fills_the_form(home: Path) -> None:
    app = open_page("launch", **{"from": "digits-dtml"})
    chosen = {box.label: box.value for box in app.selectbox}
    assert (chosen["Alignment"], chosen["Metric"]) == ("mmd_linear", "dtml")
    app.button(key="launch").click().run()
    adapted = next(run for run in Store().runs() if run.role == "adapted")
    assert adapted.experiment == Experiment.from_toml(ROOT / "assets" / "experiments" / "digits-dtml.toml")


def test_the_language_changes_no_choice(home: Path) -> None:
    app = open_page("launch")
    next(box for box in app.selectbox if box.label == "Alignment").set_value("coral").run()
    app.query_params["lang"] = "zh_CN"
    app.run()
    assert next(box for box in app.selectbox if box.label == "对齐").value == "coral"


@pytest.fixture
def loose(home: Path, tmp_path: Path) -> str:
    """The name of an own task whose target nobody sorted, looked at and not confirmed."""
    good(tmp_path / "a.zip")
    packed(tmp_path / "b.zip", {name.replace("/", "-"): content for name, content in members(seed=1).items()})
    sides = {side: str(tmp_path / f"{letter}.zip") for side, letter in (("source", "a"), ("target", "b"))}
    own.add("My shop", "folders", {**sides, "size": 16})
    own.look("My shop")
    return "My shop"


def test_own_data_is_a_task_once_it_is_confirmed(loose: str) -> None:
    assert loose not in next(box for box in open_page("launch").selectbox if box.label == "Task").options
    app = open_page("tasks", task=loose)
    assert "The target has no labels" in words(app)
    next(button for button in app.button if button.label == "Use this task").click().run()
    assert own.task(loose).confirmed
    assert loose in next(box for box in open_page("launch").selectbox if box.label == "Task").options


def test_a_target_without_labels_is_no_reference(loose: str) -> None:
    own.confirm(loose)
    app = open_page("launch", **{"from": loose})
    assert next(box for box in app.selectbox if box.label == "Task").value == loose
    assert not [box for box in app.checkbox if box.label == "target only"]
    assert not [each for each in app.selectbox if each.label == "Labelled target samples"]
    with pytest.raises(Problem, match="has no labels to learn from"):
        Experiment(task=loose, alignment="dann", labels=3)


def test_what_a_worker_refused_is_told_and_removed(loose: str) -> None:
    job = ask_to_look(Store(), own.task(loose))
    Store().end_job(job.key, Problem("It is of no use."))
    assert "It is of no use. Nothing was kept." in words(open_page("tasks", task=loose))
    assert own.tasks() == {}


def test_methods_lists_the_catalogue(home: Path) -> None:
    shown = words(open_page("methods"))

    kinds = [
        kind
        for kind in catalogue.KINDS
        if all(catalogue.entry(kind, n)["title"][0] in shown for n in catalogue.names(kind))
    ]
    assert kinds, "at least the kind that is open is shown whole"


def test_language_switch_is_on_every_page(home: Path) -> None:
    for page in PAGES:
        app = open_page(page)
        switch = next(group for group in app.button_group if "Language" in group.label)
        assert list(switch.options) == ["English", "简体中文"]
