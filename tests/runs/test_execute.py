"""Running runs: in this process, and by the worker in processes of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from dtml import Experiment
from dtml.runs.execute import execute
from dtml.runs.folder import RunFolder, read_arrays
from dtml.runs.foreground import summary, train_all
from dtml.runs.launcher import ensure_worker, lock_file, worker_alive
from dtml.runs.pictures import compute_picture, last_state, picture_spec, read_picture
from dtml.runs.records import Run
from dtml.runs.store import Store
from dtml.training import Preparing, Snapshot
from tests.conftest import QUICK


def test_a_run_leaves_everything_behind(home: Path, moons: Experiment) -> None:
    store = Store()
    run = execute(store, store.submit(moons, taken=True))
    folder = RunFolder(run.id)
    assert run.state == "finished", run.error
    assert folder.steps() == [0, 10, 20]
    probe, snapshot = read_arrays(folder.probe), read_arrays(folder.snapshot(20))
    assert len(snapshot["embeddings"]) == len(probe["labels"]) == len(probe["ids"])
    assert set(probe["domains"]) == {0, 1}
    assert Experiment.from_toml(folder.experiment) == moons
    assert folder.model.exists()
    assert folder.checkpoint.exists(), "to go on from"
    steps = [step for step, _values in store.metrics(run.id)]
    assert max(steps) == 20
    assert 0 < run.result["seconds"] < 60


def test_what_takes_long_before_the_first_step_is_told(home: Path, moons: Experiment) -> None:
    store, heard = Store(), list[object]()
    execute(store, store.submit(moons.replace(strategy="feature_extraction"), taken=True), heard.append)
    told = {event.what for event in heard if isinstance(event, Preparing)}
    assert {"Loading the data", "Running the frozen backbone"} <= told


def test_a_failed_run_keeps_its_snapshots_and_tells_why(home: Path) -> None:
    wild = Experiment(
        task="moons",
        embedding={"activation": "none"},
        training={"steps": 200, "optimiser": "sgd", "learning_rate": 1e6, "snapshots": 100},
    )
    store = Store()
    run = execute(store, store.submit(wild, taken=True))
    assert run.state == "failed"
    assert "not a finite number at step" in str(run.error)
    assert RunFolder(run.id).steps()[0] == 0


def test_an_unexpected_error_is_a_sentence(home: Path, moons: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object, **_options: object) -> None:
        raise RuntimeError("a wire is loose")

    monkeypatch.setattr("dtml.training.train", broken)
    store = Store()
    run = execute(store, store.submit(moons, taken=True))
    assert run.state == "failed"
    assert "a wire is loose" in str(run.error)


def test_a_cancelled_run_stops(home: Path, moons: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dtml.runs.execute.EVERY", 0.0)
    store = Store()
    run = store.submit(moons, taken=True)
    ended = execute(store, run, listen=lambda _event: store.cancel(run.id))
    assert ended.state == "cancelled"


def test_train_all_reuses_finished_references(home: Path, moons: Experiment) -> None:
    store, heard = Store(), list[str]()
    listen = lambda run, _event: heard.append(run.role)  # noqa: E731
    first = train_all(store, moons, ["twin"], listen)
    told = json.loads(json.dumps(summary(first)))
    assert told["state"] == told["twin"]["state"] == "finished"
    assert 0 <= told["twin"]["target_test_accuracy"] <= 1
    heard.clear()
    second = train_all(store, moons, ["twin"], listen)
    assert set(heard) == {"adapted"}
    assert second["twin"].id == first["twin"].id
    assert second["adapted"].result["target_test_accuracy"] == told["target_test_accuracy"]


def test_a_picture_is_computed_from_snapshots(home: Path, moons: Experiment) -> None:
    store = Store()
    runs = train_all(store, moons, ["twin"], lambda _run, _event: None)
    spec = picture_spec([last_state(runs["twin"].id), last_state(runs["adapted"].id)], method="pca")
    assert read_picture(spec) is None
    compute_picture(spec)
    before, after = read_picture(spec)  # type: ignore[misc]
    assert before.shape == after.shape == (len(read_arrays(RunFolder(runs["twin"].id).probe)["labels"]), 2)
    assert np.isfinite(after).all()


# -- the worker


@pytest.fixture
def worker(home: Path) -> Iterator[Callable[[], int]]:
    """Starts the worker of an empty home when called, gives its process id, and ends it."""
    started: list[int] = []

    def start() -> int:
        ensure_worker()
        line = (home / "worker.log").read_text().splitlines()
        while not line:
            time.sleep(0.1)
            line = (home / "worker.log").read_text().splitlines()
        started.append(int(line[-1].split()[2]))
        return started[-1]

    yield start
    for pid in started:
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            continue
        _until(lambda: not worker_alive())


def _until(done: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.1)


def test_the_worker_runs_the_queue_and_outlives_who_asked(
    home: Path, moons: Experiment, worker: Callable[[], int]
) -> None:
    code = (
        "from dtml import Experiment; from dtml.runs.store import Store; from dtml.runs.launcher import ensure_worker;"
        f"import sys; print(Store().launch(Experiment.stored({moons.to_json()!r})).id); ensure_worker();"
        "assert 'torch' not in sys.modules"
    )
    identity = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    worker()
    store = Store()

    def finished() -> bool:
        run = store.run(identity)
        twin = store.reference(run, "twin")
        return run.state == "finished" and twin is not None and twin.state == "finished"

    _until(finished)
    spec = picture_spec([last_state(store.reference(store.run(identity), "twin").id), last_state(identity)])  # type: ignore[union-attr]
    _until(lambda: read_picture(spec) is not None)


def test_a_killed_child_takes_only_its_run(home: Path, worker: Callable[[], int]) -> None:
    endless = Experiment(task="moons", training={**QUICK, "steps": 10_000_000, "snapshots": 1})
    store = Store()
    run = store.submit(endless)
    worker()
    _until(lambda: "pid" in store.run(run.id).info)
    os.kill(store.run(run.id).info["pid"], signal.SIGKILL)
    _until(lambda: store.run(run.id).state == "failed")
    assert "ended by itself" in str(store.run(run.id).error)
    assert worker_alive()


def test_a_lost_run_goes_on_from_its_checkpoint(home: Path, moons: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    run = store.submit(moons, taken=True)

    class Killed(BaseException):
        pass

    def kill(event: object) -> None:
        if getattr(event, "step", 0) == 10 and hasattr(event, "embeddings"):
            raise Killed

    with pytest.raises(Killed):
        execute(store, run, listen=kill)
    store.lose(run.id)
    resumed = execute(store, store.claim())  # type: ignore[arg-type]
    whole = execute(store, store.submit(moons, taken=True))
    assert resumed.state == "finished"
    assert resumed.result["target_test_accuracy"] == whole.result["target_test_accuracy"]
    assert same_metrics(store, resumed, whole)


def test_keep_training_equals_one_longer_run(home: Path, moons: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    store, longer = Store(), moons.longer(10)
    whole = execute(store, store.submit(longer, taken=True))
    first = execute(store, store.submit(moons, taken=True))
    heard = list[object]()
    assert store.forerunner(store.submit(longer)) == first
    kept = execute(store, store.claim(), heard.append)  # type: ignore[arg-type]
    assert [event.step for event in heard if isinstance(event, Snapshot)] == [30], "nothing is trained twice"
    assert RunFolder(kept.id).steps() == RunFolder(whole.id).steps() == [0, 10, 20, 30]
    assert kept.result["target_test_accuracy"] == whole.result["target_test_accuracy"]
    assert same_metrics(store, kept, whole)


def test_a_cancelled_run_can_go_on(home: Path, moons: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dtml.runs.execute.EVERY", 0.0)
    store = Store()
    run = store.submit(moons, taken=True)

    def stop(event: object) -> None:
        if isinstance(event, Snapshot) and event.step == 10:
            store.cancel(run.id)

    assert execute(store, run, stop).state == "cancelled"
    assert store.go_on(run.id)
    heard = list[object]()
    ended = execute(store, store.claim(), heard.append)  # type: ignore[arg-type]
    assert ended.state == "finished"
    assert [event.step for event in heard if isinstance(event, Snapshot)] == [20]
    assert not store.go_on(run.id), "a finished run is not cancelled"


def same_metrics(store: Store, a: Run, b: Run) -> bool:
    return store.metrics(a.id) == store.metrics(b.id)


def test_only_one_worker_a_home(home: Path, worker: Callable[[], int]) -> None:
    worker()
    second = subprocess.run([sys.executable, "-m", "dtml", "worker"], capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert "already running" in second.stderr
    assert "Traceback" not in second.stderr
    assert lock_file().exists()
