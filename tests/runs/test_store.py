"""The store: its state machine, the queue, heartbeats, references and jobs."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dtml import Experiment
from dtml.errors import Problem
from dtml.language import mark
from dtml.runs.store import ATTEMPTS, Store


@pytest.fixture
def store(home: Path) -> Store:
    return Store()


def test_launching_queues_the_twin_once(store: Store, moons: Experiment) -> None:
    run = store.launch(moons)
    twin = store.reference(run, "twin")
    assert twin is not None
    assert (run.state, twin.state, twin.role) == ("queued", "queued", "twin")
    again = store.launch(moons.replace(alignment="coral"))
    assert store.reference(again, "twin") == twin
    assert len(store.runs()) == 3


def test_more_references_on_request(store: Store, moons: Experiment) -> None:
    store.launch(moons, references=["twin", "source_only", "target_only"])
    assert {run.role for run in store.runs()} == {"adapted", "twin", "source_only", "target_only"}


def test_a_run_that_adapts_nothing_has_no_twin(store: Store, moons: Experiment) -> None:
    store.launch(moons.twin())
    assert len(store.runs()) == 1


def test_the_oldest_is_claimed_first_and_once(store: Store, moons: Experiment) -> None:
    runs = [store.submit(moons.replace(seed=seed)) for seed in range(3)]
    assert [store.claim().id for _ in runs] == [run.id for run in runs]  # type: ignore[union-attr]
    assert store.claim() is None


def test_two_workers_never_take_the_same_run(store: Store, moons: Experiment) -> None:
    for seed in range(12):
        store.submit(moons.replace(seed=seed))
    with ThreadPoolExecutor(4) as pool:
        claimed = list(pool.map(lambda _: Store().claim(), range(20)))
    taken = [run.id for run in claimed if run]
    assert len(taken) == len(set(taken)) == 12


def test_life_of_a_run(store: Store, moons: Experiment) -> None:
    store.submit(moons)
    run = store.claim()
    assert run is not None
    assert run.state == "running"
    assert store.progress(run.id, step=10, doing={"what": "Training", "share": None}, info={"device": "cpu"})
    store.record(run.id, [(5, {"a": 1.0}), (10, {"a": 2.0})])
    store.finish(run.id, {"target_test_accuracy": 0.5})
    ended = store.run(run.id)
    assert (ended.state, ended.step, ended.result) == ("finished", 10, {"target_test_accuracy": 0.5})
    assert store.metrics(run.id) == [(5, {"a": 1.0}), (10, {"a": 2.0})]
    assert store.metrics(run.id, after=5) == [(10, {"a": 2.0})]


def test_remaining_time_follows_the_pace(store: Store, moons: Experiment) -> None:
    run = store.submit(moons, taken=True)
    assert store.run(run.id).remaining(now=100.0) is None
    store.progress(run.id, doing={"what": "Loading the data", "share": 0.25, "since": 90.0})
    assert store.run(run.id).prepared == 0.25
    assert store.run(run.id).remaining(now=100.0) == pytest.approx(30.0)
    store.progress(
        run.id, step=5, doing={"what": "Training", "share": None}, info={"since": {"step": 0, "time": 100.0}}
    )
    assert store.run(run.id).prepared is None
    assert store.run(run.id).remaining(now=110.0) == pytest.approx(30.0)


def test_what_has_ended_stays_as_it_ended(store: Store, moons: Experiment) -> None:
    run = store.submit(moons, taken=True)
    store.finish(run.id, {})
    store.fail(run.id, Problem("too late"))
    store.cancel(run.id)
    assert store.run(run.id).state == "finished"


def test_cancelling_a_waiting_run_ends_it(store: Store, moons: Experiment) -> None:
    run = store.submit(moons)
    store.cancel(run.id)
    assert store.run(run.id).state == "cancelled"
    assert store.claim() is None


def test_a_running_run_hears_that_it_is_to_stop(store: Store, moons: Experiment) -> None:
    run = store.submit(moons, taken=True)
    assert store.progress(run.id, step=1)
    store.cancel(run.id)
    assert not store.progress(run.id, step=2)


def test_a_silent_run_is_lost_then_taken_up_then_given_up(
    store: Store, moons: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dtml.runs.store.STALE", -1.0)
    run = store.submit(moons)
    for _attempt in range(ATTEMPTS):
        assert store.claim() is not None
        store.reap()
    assert store.run(run.id).state == "failed"
    assert "lost 3 times" in str(store.run(run.id).error)


def test_a_run_that_is_cancelled_while_its_process_is_dead_ends(
    store: Store, moons: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dtml.runs.store.STALE", -1.0)
    silent, stopped = store.submit(moons, taken=True), store.submit(moons, taken=True)
    for run in (silent, stopped):
        store.cancel(run.id)
    store.lose(stopped.id)
    store.reap()
    assert [store.run(run.id).state for run in (silent, stopped)] == ["cancelled", "cancelled"]
    assert store.idle()


def test_a_store_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    for url in ("nonsense", f"sqlite:///{tmp_path}/nowhere/store.sqlite", "nothing://me:secret@host/store"):
        with pytest.raises(Problem, match="cannot be used.*correct DTML_STORE") as caught:
            Store(url)
        assert "secret" not in str(caught.value)


def test_a_pulse_keeps_a_silent_run_alive(store: Store, moons: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dtml.runs.store.STALE", 0.6)
    run = store.submit(moons, taken=True)
    with store.pulse(run=run.id):
        time.sleep(1.2)
        store.reap()
        assert store.run(run.id).state == "running"


def test_an_error_is_kept_for_any_language(store: Store, moons: Experiment) -> None:
    run = store.submit(moons, taken=True)
    store.fail(run.id, Problem(mark("There is no file '{path}'; give the path of an experiment (TOML)."), path="x"))
    error = store.run(run.id).error
    assert error is not None
    assert error.values == {"path": "x"}


def test_an_unknown_run_is_one_sentence(store: Store) -> None:
    with pytest.raises(Problem, match="There is no run 'nothing'"):
        store.run("nothing")


def test_a_job_is_done_once_for_all_who_ask(store: Store) -> None:
    store.request("projection", "key", {"a": 1})
    store.request("projection", "key", {"a": 1})
    job = store.claim_job("projection")
    assert job is not None
    assert job.spec == {"a": 1}
    assert store.claim_job("projection") is None
    store.end_job("key")
    assert store.request("projection", "key", {"a": 1}).state == "finished"


def test_a_failed_job_is_tried_again_when_asked_again(store: Store) -> None:
    store.request("projection", "key", {})
    store.claim_job("projection")
    store.end_job("key", Problem("broken"))
    assert store.job("key").state == "failed"
    assert store.request("projection", "key", {}).state == "queued"


def test_the_newest_runs_come_first(store: Store, moons: Experiment) -> None:
    runs = [store.submit(moons.replace(seed=seed)) for seed in range(3)]
    assert [run.id for run in store.runs(limit=2)] == [runs[2].id, runs[1].id]
