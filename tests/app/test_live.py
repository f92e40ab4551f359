"""A run as it goes: its phases, its newest embeddings, keep training, go on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app import cloud
from dtml import Experiment
from dtml.runs.execute import execute
from dtml.runs.folder import RunFolder
from dtml.runs.records import Run
from dtml.runs.store import Store
from dtml.training import Snapshot
from tests.app.test_pages import open_page, words


class Paused(BaseException):
    """Stops a run where a test wants to look at it, as if it still ran."""


def until(store: Store, experiment: Experiment, step: int) -> Run:
    """A run that is still "running", after its snapshot at `step`."""
    run = store.submit(experiment, taken=True)

    def pause(event: object) -> None:
        if isinstance(event, Snapshot) and event.step == step:
            raise Paused

    with pytest.raises(Paused):
        execute(store, run, pause)
    return store.run(run.id)


def timelines(app: AppTest) -> list[str]:
    return [element.proto.body for element in app.get("html") if 'class="dtml-phases"' in element.proto.body]


def test_a_live_run_shows_phases_curves_and_embeddings(home: Path, moons: Experiment) -> None:
    run = until(Store(), moons.replace(strategy="lp_ft"), 10)
    app = open_page("runs", run=run.id)
    (bar,) = timelines(app)
    assert bar.count('role="listitem"') == 3
    assert "steps 10–15" in bar
    assert 'style="width:100.0%"' in bar, "the first phase is over"
    assert 'style="width:0.0%"' in bar, "the last is still to come"
    assert "Embeddings of the newest snapshot" in words(app)
    assert "adapted, step 10" in words(app)
    assert "**norm of the gradient**" in words(app)


def test_one_phase_needs_no_timeline_and_an_ended_run_no_cloud(home: Path, moons: Experiment) -> None:
    store = Store()
    run = execute(store, store.submit(moons, taken=True))
    app = open_page("runs", run=run.id)
    assert timelines(app) == []
    assert "Embeddings of the newest snapshot" not in words(app)


def test_further_steps_stand_apart_in_the_timeline(home: Path, moons: Experiment) -> None:
    run = until(Store(), moons.longer(10), 20)
    app = open_page("runs", run=run.id)
    (bar,) = timelines(app)
    assert "Further steps" in bar
    assert "steps 20–30" in bar


def test_keep_training_queues_a_longer_run_and_its_twin(home: Path, moons: Experiment) -> None:
    store = Store()
    twin, run = (execute(store, store.submit(each, taken=True)) for each in (moons.twin(), moons))
    app = open_page("runs", run=run.id)
    next(box for box in app.number_input if box.label == "Further steps").set_value(7).run()
    app.button(key=f"more-{run.id}").click().run()
    assert not app.exception
    queued = {each.role: each.experiment for each in store.runs(states=["queued"])}
    assert queued == {"adapted": run.experiment.longer(7), "twin": twin.experiment.longer(7)}


def test_a_cancelled_run_goes_on_at_a_click(home: Path, moons: Experiment) -> None:
    store = Store()
    run = store.submit(moons)
    store.cancel(run.id)
    app = open_page("runs", run=run.id)
    app.button(key=f"go-on-{run.id}").click().run()
    assert store.run(run.id).state == "queued"


def test_the_cloud_turns_each_snapshot_onto_the_one_before(home: Path, moons: Experiment) -> None:
    store = Store()
    run = execute(store, store.submit(moons, taken=True))
    folder = RunFolder(run.id)
    (first, rows), (second, _rows) = (cloud._points(str(folder.path), step) for step in (10, 20))
    assert len(first) == len(rows) <= cloud.SHOWN
    flipped = second * np.array([-1, 1])
    assert np.square(second - first).sum() <= np.square(flipped - first).sum()


def test_the_cloud_draws_both_domains_of_a_large_probe() -> None:
    rows = cloud._sampled(2000)
    assert len(rows) == cloud.SHOWN
    assert (rows < 1000).sum() == (rows >= 1000).sum()
