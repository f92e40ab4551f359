"""The page that compares runs, and what stands below the picture of the embeddings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dtml import Experiment
from dtml.comparison import Interval
from dtml.figures import boundary as planes
from dtml.figures import changes as pictures
from dtml.figures import comparison as figures
from dtml.figures.embeddings import Panel
from dtml.runs.changes import boundaries, changes, went
from dtml.runs.folder import RunFolder, read_arrays, write_arrays
from dtml.runs.foreground import train_all
from dtml.runs.measuring import Measured, compute_measures, measures_spec
from dtml.runs.pictures import last_state, picture_file
from dtml.runs.records import Run
from dtml.runs.store import Store
from tests.app.test_pages import open_page, words
from tests.conftest import QUICK


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Run]]:
    """A home with two alignments, DANN with two seeds, and their twins."""
    patch = pytest.MonkeyPatch()
    patch.setenv("DTML_HOME", str(tmp_path_factory.mktemp("home")))
    base = Experiment(task={"name": "moons", "samples": 200}, alignment="dann", training=QUICK)
    chosen = [base, base.replace(seed=1), base.replace(alignment="coral")]
    families = [train_all(Store(), each, ["twin"], lambda _run, _event: None, again=False) for each in chosen]
    twin, adapted = families[0]["twin"], families[0]["adapted"]
    spec = measures_spec([last_state(twin.id), last_state(adapted.id)])
    compute_measures(spec)
    yield [family["adapted"] for family in families]
    patch.undo()


def charts(app: AppTest) -> list[str]:
    return [json.dumps(json.loads(chart.proto.spec), ensure_ascii=False) for chart in app.get("plotly_chart")]


def address(app: AppTest, name: str) -> str:
    found = app.query_params[name]
    return found if isinstance(found, str) else found[0]


def test_the_newest_adapted_runs_are_compared_by_themselves(trained: list[Run]) -> None:
    app = open_page("compare")
    assert not app.error
    assert set(address(app, "runs").split(",")) == {run.id for run in trained}
    table = app.dataframe[0].value
    assert sorted(table["Method"]) == ["DANN (adversarial)", "Deep CORAL"]
    assert list(table["Target accuracy"]) == sorted(table["Target accuracy"], reverse=True)
    said = dict(zip(table["Method"], table["Against the baseline"], strict=True))
    assert said["Deep CORAL"] == "one seed: cannot be said"
    runs = app.dataframe[1].value
    assert {"Alignment", "Seed"} <= set(runs.columns)
    assert not {"Steps", "Optimiser", "State"} & set(runs.columns), "only what differs"


def test_the_address_names_runs_and_baseline(trained: list[Run]) -> None:
    app = open_page("compare", runs=f"{trained[0].id},{trained[2].id}")
    assert len(app.dataframe[1].value) == 2
    box = next(box for box in app.selectbox if box.label == "Baseline")
    coral = next(option for option in box.options if option == "Deep CORAL")
    box.select(coral).run()
    pinned = address(app, "baseline")
    again = open_page("compare", runs=f"{trained[0].id},{trained[2].id}", baseline=pinned)
    table = again.dataframe[0].value
    said = dict(zip(table["Method"], table["Against the baseline"], strict=True))
    assert said == {"Deep CORAL": "the baseline", "DANN (adversarial)": "one seed: cannot be said"}


def test_unknown_runs_in_the_address_are_a_sentence(trained: list[Run]) -> None:
    app = open_page("compare", runs=f"{trained[0].id},moons-gone", baseline="nonsense")
    assert any("“moons-gone”" in warning.value for warning in app.warning)
    assert len(app.dataframe[1].value) == 1
    alone = open_page("compare", runs="moons-gone")
    assert any("“moons-gone”" in warning.value for warning in alone.warning)
    assert len(alone.dataframe[1].value) == 3, "the usual runs are shown instead"


def test_curves_are_laid_over_each_other(trained: list[Run]) -> None:
    app = open_page("compare")
    curves = next(chart for chart in charts(app) if "target accuracy (probe)" in chart)
    assert all(run.id in curves for run in trained)


def test_embeddings_stand_side_by_side(trained: list[Run]) -> None:
    ids = [trained[0].id, trained[2].id]
    app = open_page("compare", runs=",".join(ids))
    jobs = Store().claim_job("projection")
    while jobs and len(jobs.spec["states"]) < 3:
        jobs = Store().claim_job("projection")
    assert jobs is not None, "the page asked for one picture of the twin and both runs"
    assert {run for run, _step in jobs.spec["states"][1:]} == set(ids)
    drawn = {f"state{i}": np.full((160, 2), i, dtype=np.float32) for i in range(3)}  # in place of a slow UMAP
    write_arrays(picture_file(jobs.spec), **drawn)
    app.run()
    assert any("twin (no alignment)" in chart and "Deep CORAL" in chart for chart in charts(app))


def test_a_waiting_run_shows_how_far_it_is(trained: list[Run]) -> None:
    waiting = Store().submit(trained[0].experiment.replace(seed=9))
    app = open_page("compare", runs=f"{trained[0].id},{waiting.id}")
    assert not app.error
    assert "queued" in set(app.dataframe[1].value["State"])
    Store().cancel(waiting.id)


def test_a_sweep_tells_its_cost_and_is_queued(trained: list[Run]) -> None:
    app = open_page("compare")
    app.session_state["sweep"] = True
    app.run()
    box = next(box for box in app.selectbox if box.label.startswith("Base"))
    assert box.value in {run.id for run in trained}
    app.selectbox(key="sweep-base").select(box.value).run()
    app.number_input(key="sweep-seeds").set_value(1).run()
    alignment = next(m for m in app.multiselect if m.key and m.key.startswith("sweep-alignment"))
    alignment.set_value(["dann", "jan"]).run()
    assert not app.error
    assert "About **" in words(app)
    before = {run.id for run in Store().runs()}
    app.button(key="sweep-launch").click().run()
    assert not app.exception
    new = [run for run in Store().runs() if run.id not in before]
    assert {"jan"} <= {run.experiment.alignment[0].name for run in new}
    assert {run.id for run in new if run.role == "adapted"} <= set(address(app, "runs").split(","))
    for run in new:
        Store().cancel(run.id)


def test_a_sweep_of_a_task_without_runs_has_no_estimate(home: Path) -> None:
    app = open_page("compare")
    app.session_state["sweep"] = True
    app.run()
    assert not app.error
    assert "Time unknown" in words(app)


# -- below the picture of the embeddings


def test_what_changed_stands_below_the_picture(trained: list[Run]) -> None:
    app = open_page("embeddings", run=trained[0].id)
    assert not app.error
    assert "What changed" in [header.value for header in app.header]
    told = charts(app)
    assert any('"sankey"' in chart for chart in told), "the flow"
    assert any("Proxy A-distance" in chart for chart in told), "the measures"
    assert any("lower moon · 40" in chart for chart in told), "accuracies by class, with their number of samples"
    boundary = next(chart for chart in told if '"frames"' in chart and '"sliders"' in chart)
    assert all(f'"name": "{step}"' in boundary for step in (0, 10, 20))


def test_a_target_without_labels_is_told(trained: list[Run]) -> None:
    import app.data as read

    read.st.cache_data.clear()
    for run in (trained[2], Store().reference(trained[2], "twin")):
        assert run is not None
        path = RunFolder(run.id).probe
        kept = path.read_bytes()
        arrays = dict(read_arrays(path))
        arrays["labels"] = np.where(arrays["domains"] == 1, -1, arrays["labels"])
        np.savez(path, **arrays)
        path.with_suffix(".kept").write_bytes(kept)
    try:
        app = open_page("embeddings", run=trained[2].id)
        assert any("The target has no labels" in info.value for info in app.info)
        assert any('"sankey"' in chart for chart in charts(app))
    finally:
        for kept in RunFolder("").path.glob("*/probe.kept"):
            kept.rename(kept.with_suffix(".npz"))
        read.st.cache_data.clear()


# -- figures


@pytest.mark.parametrize("dark", [False, True])
def test_figures_draw_what_they_are_given(trained: list[Run], dark: bool) -> None:
    twin = Store().reference(trained[0], "twin")
    assert twin is not None
    found = changes(last_state(twin.id), last_state(trained[0].id))
    drawn = pictures.accuracies(found, dark)
    assert sum(len(t.x) for t in drawn.data if t.mode == "markers" and t.name.startswith("after")) == 4
    flow = pictures.flow(found, None, dark).data[0]
    assert sum(flow.link.value) == len(found.truth)
    assert sum(pictures.flow(found, 1, dark).data[0].link.value) == 40
    table = pictures.matrices(found.classes, went(found), "nearest", dark).data[1]
    np.testing.assert_array_equal(table.customdata, went(found)[1])
    np.testing.assert_allclose(np.sum(table.z, 1), 1)
    panel = Panel("a", np.zeros((3, 2), dtype=np.float32), np.zeros(3, dtype=np.int64))
    seen = {"labels": np.array([0, 1, -1]), "domains": np.array([0, 1, 1]), "classes": np.array(["x", "y"])}
    assert len(figures.multiples([panel] * 4, seen, dark).layout.annotations) == 4
    rows = [("dann", Interval(0.8, 0.1), {0: 0.7, 1: 0.9}), ("coral", Interval(0.5, float("inf")), {0: 0.5})]
    assert list(figures.accuracies(rows, dark).data[1].error_x.array) == [0.1, 0.0]


def test_the_boundary_s_line_is_where_two_classes_are_equally_likely(trained: list[Run]) -> None:
    found = boundaries(trained[0].id)
    seen = read_arrays(RunFolder(trained[0].id).probe)
    figure = planes.boundary([("run", found)], seen)
    assert [frame.name for frame in figure.frames] == ["0", "10", "20"]
    line = figure.frames[1].data[1]
    chances = found[10]["boundary"].astype(np.float32)
    np.testing.assert_allclose(line.z, chances[..., 0] - chances[..., 1], atol=6e-4)  # rounded to thousandths
    assert planes.margin(np.array([[[0.2, 0.5, 0.3]]])).item() == pytest.approx(-0.3)


def test_measures_without_a_value_are_left_out() -> None:
    from dtml.errors import Problem

    given = {"coral": [Measured(1.0, 0.5, 2.0)] * 2, "mmd": [Measured(problem=Problem("too few"))] * 2}
    figure = pictures.measures(given, {"coral": "CORAL", "mmd": "MMD"})
    assert [a.text for a in figure.layout.annotations] == ["CORAL"]
    assert figure.data[0].error_y.array[0] == 1.0
