"""How quickly the dashboard answers, alone and with a class before it.

`uv run pytest -n 0 -s -m slow tests/benchmarks/test_dashboard_speed.py` prints the times. It wants
idle cores, and compiled packages (`uv sync --compile-bytecode`, or a second run).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dtml import Experiment
from dtml.runs.foreground import train_all
from dtml.runs.pictures import compute_picture, last_state, picture_spec
from dtml.runs.records import Run
from dtml.runs.store import Store
from tests.benchmarks.visits import Visit, together, watching
from tests.serving import dashboard

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SESSIONS = 30
SAMPLES = 2000
"""Probe samples a domain: 4,000 points in every picture."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Run]]:
    """A home with an adapted run of 4,000 points and its twin, and their picture."""
    home = tmp_path_factory.mktemp("home")
    patch = pytest.MonkeyPatch()
    patch.setenv("DTML_HOME", str(home))
    experiment = Experiment(
        task={"name": "moons", "samples": 12_000}, alignment="dann", training={"steps": 100, "probe": SAMPLES}
    )
    runs = train_all(Store(), experiment, ["twin"], lambda _run, _event: None)
    compute_picture(picture_spec([last_state(runs["twin"].id), last_state(runs["adapted"].id)]))
    yield home, runs["adapted"]
    patch.undo()


def test_the_first_page_after_the_start_of_the_process(tmp_path: Path) -> None:
    """From the command to the end of the first page, the worker warming up beside it."""
    found = []
    for number in range(3):
        begun = time.perf_counter()
        with dashboard(tmp_path / str(number)) as address:
            visit = Visit(address, "", "")
            together([visit], 0)
            found.append(time.perf_counter() - begun)
        assert visit.failures == []
    print(f"\nfirst page after {', '.join(f'{seconds:.1f}' for seconds in found)} s")


def test_a_page_with_a_finished_run_of_4000_points(finished: tuple[Path, Run]) -> None:
    home, run = finished
    print()
    with dashboard(home) as address:
        together([Visit(address, "", "")], 0)
        for page in ("runs", "embeddings"):
            visits = [Visit(address, f"run={run.id}", page) for _turn in range(6)]
            for visit in visits:
                together([visit], 0)
            assert [visit.failures for visit in visits] == [[]] * len(visits)
            first, *again = [visit.opened for visit in visits]
            print(f"{page:11} first {first:.2f} s, then {statistics.median(again):.2f} s")


def test_thirty_sessions_that_watch_a_live_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DTML_HOME", str(tmp_path))
    run = Store().launch(Experiment(task="digits", alignment="dann", training={"steps": 20_000, "snapshots": 40}))
    with dashboard(tmp_path) as address:
        deadline = time.monotonic() + 120
        while Store().run(run.id).step < 600:
            assert time.monotonic() < deadline, "the run does not start"
            time.sleep(0.2)
        visits = [Visit(address, f"run={run.id}", "runs") for _session in range(SESSIONS)]
        together(visits, 30)
        assert Store().run(run.id).state == "running", "it was live all the time"
        Store().cancel(run.id)
    polls = np.array(watching(visits))
    assert [visit.failures for visit in visits] == [[]] * SESSIONS
    assert len(polls) > SESSIONS * 5
    told = {share: f"{1000 * np.quantile(polls, share):.0f} ms" for share in (0.5, 0.95, 0.99)}
    opened = sorted(visit.opened for visit in visits)
    print(
        f"\n{SESSIONS} pages at once: the median after {opened[SESSIONS // 2]:.1f} s, the last after {opened[-1]:.1f} s"
    )
    print(f"{len(polls)} polls once all were there: {told}")
