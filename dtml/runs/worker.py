"""The worker: one process a machine that runs what waits in the store, and outlives the dashboard.

It imports torch once and forks a child for each run (spawns where a fork is unsafe), so a run starts at
once, a crash takes only that run, and accelerator memory is freed. The parent never computes: OpenMP and
CUDA do not survive a fork. Projections have one long-lived child of their own; downloads, looks at a person's data
and rankings of sources, which take as long as these are large, have one for as long as there are any.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

import numpy as np
from filelock import FileLock, Timeout

from dtml import catalogue, paths
from dtml.errors import Problem
from dtml.language import mark
from dtml.runs.choosing import KIND as CHOOSING
from dtml.runs.choosing import choose_next
from dtml.runs.fetching import KIND as FETCHING
from dtml.runs.fetching import fetch_next
from dtml.runs.folder import RunFolder
from dtml.runs.jobs import next_job
from dtml.runs.launcher import lock_file
from dtml.runs.looking import KIND as LOOKING
from dtml.runs.looking import look_next
from dtml.runs.store import Store

TICK = 0.2
REAP_EVERY = 5.0

_fork = sys.platform == "linux"
_context = multiprocessing.get_context("fork" if _fork else "spawn")


Doer = Callable[[Store], bool]
"""Does the oldest job of its kind; False where none waits."""


def work(parallel: int = 1, idle_exit: float | None = None, further: Sequence[Doer] = ()) -> None:
    """Run what waits until stopped, `parallel` runs at a time; end after `idle_exit` seconds without work.

    Args:
        further: what does the jobs that are not projections, in the same process as these.

    Raises:
        Problem: where another worker holds the lock of this `DTML_HOME`.
    """
    with _only_worker():
        print(f"dtml worker {os.getpid()} for {paths.home()}", flush=True)
        catalogue.publish()
        _import_all()
        _Worker(parallel, further).run(idle_exit)


def _import_all() -> None:
    """Load here, once, what every child would load: its first step would wait seconds for it."""
    import sklearn.neighbors  # noqa: F401
    import torch._dynamo  # noqa: F401  # the first step of any optimiser asks for it

    import dtml.runs.execute  # noqa: F401


@contextmanager
def _only_worker() -> Iterator[None]:
    lock = FileLock(lock_file())
    try:
        lock.acquire(timeout=3)
    except Timeout:
        raise Problem(
            mark("A worker is already running for '{home}'; stop it first, or set DTML_HOME."), home=paths.home()
        ) from None
    try:
        yield
    finally:
        lock.release()


class _Stop(Exception):
    """The worker was asked to end."""


class _Worker:
    def __init__(self, parallel: int, further: Sequence[Doer]) -> None:
        self._parallel, self._further = parallel, tuple(further)
        self._store = Store()
        self._runs: dict[str, BaseProcess] = {}
        self._projector: BaseProcess | None = None
        self._gatherer: BaseProcess | None = None

    def run(self, idle_exit: float | None) -> None:
        """The loop: start what waits, notice what ended."""
        signal.signal(signal.SIGTERM, _raise_stop)
        busy_at, reaped_at, stamp = time.monotonic(), 0.0, catalogue.stamp()
        try:
            while True:
                if time.monotonic() - reaped_at > REAP_EVERY:
                    self._store.reap()
                    reaped_at = time.monotonic()
                    if not self._runs and _stamp_now() != stamp:
                        print("the code has changed: ending, so that a new worker takes over", flush=True)
                        return
                self._collect()
                self._start_waiting()
                if self._runs or not self._store.idle():
                    busy_at = time.monotonic()
                elif idle_exit is not None and time.monotonic() - busy_at > idle_exit:
                    return
                time.sleep(TICK)
        except (_Stop, KeyboardInterrupt):
            pass
        finally:
            self._end_children()

    def _start_waiting(self) -> None:
        if self._projector is None or not self._projector.is_alive():
            self._projector = self._child(project_forever, self._further)
        self._start_gathering()
        while len(self._runs) < self._parallel and (run := self._store.claim()):
            self._runs[run.id] = self._child(run_child, run.id)

    def _start_gathering(self) -> None:
        """A child for data that is to be fetched, looked at or measured, unless one is at work: it does all of it."""
        at_work = self._gatherer is not None and self._gatherer.is_alive()
        if not at_work and any(self._store.waits(kind) for kind in (FETCHING, LOOKING, CHOOSING)):
            self._gatherer = self._child(gather_all)

    def _child(self, target: Callable[..., None], *arguments: object) -> BaseProcess:
        self._store.engine.dispose()
        process = _context.Process(target=target, args=arguments, daemon=False)  # type: ignore[attr-defined]
        process.start()
        return process

    def _collect(self) -> None:
        for identity, process in list(self._runs.items()):
            if process.is_alive():
                continue
            process.join()
            del self._runs[identity]
            if self._store.run(identity).state == "running":
                self._store.fail(identity, _died(process.exitcode or 0, identity))

    def _end_children(self) -> None:
        helpers = [each for each in (self._projector, self._gatherer) if each]
        for process in [*self._runs.values(), *helpers]:
            process.terminate()
            process.join(5)
        for identity in self._runs:
            self._store.lose(identity)


def _raise_stop(_signal: int, _frame: object) -> None:
    raise _Stop


def _stamp_now() -> str:
    catalogue.stamp.cache_clear()
    return catalogue.stamp()


def _died(code: int, identity: str) -> Problem:
    return Problem(
        mark(
            "The run's process ended by itself (exit code {code}), often for want of memory; lower "
            "'training.batch_size', or see its log {log}."
        ),
        code=code,
        log=RunFolder(identity).log,
    )


def run_child(identity: str) -> None:
    """A child's life: one run."""
    _begin_child(RunFolder(identity).log)
    from dtml.runs.execute import execute

    store = Store()
    execute(store, store.run(identity))


def gather_all() -> None:
    """A child's life: every download, every look at a person's data and every ranking that waits; the quick first."""
    _begin_child(paths.home() / "gathering.log")
    store = Store()
    while fetch_next(store) or look_next(store) or choose_next(store):
        pass


def project_forever(further: Sequence[Doer]) -> None:
    """The projector's life: every projection, measure and file that is asked for, its kernels kept warm."""
    _begin_child(paths.home() / "projector.log")
    parent = os.getppid()
    _compile_kernels()
    store = Store()
    while os.getppid() == parent:
        worked = [do(store) for do in (project_next, judge_next, measure_next, *further)]  # by turns: none waits long
        if not any(worked):
            time.sleep(TICK)


def _compile_kernels() -> None:
    """Have numba compile UMAP before anyone waits for a picture; later processes find it on disk."""
    from threadpoolctl import threadpool_limits

    import dtml.projection.quality  # noqa: F401  # what it loads, too

    rows = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
    with threadpool_limits(1):
        catalogue.create("projection", "umap").fit(rows, seed=0)


def project_next(store: Store) -> bool:
    """Compute the oldest projection that waits; False where none does."""
    from dtml.runs.pictures import compute_picture

    told = mark("Computing the projection")
    failed = mark("The projection failed ({error}); try PCA, or see the worker's log.")
    return next_job(store, "projection", compute_picture, told, failed)


def judge_next(store: Store) -> bool:
    """Measure how far the oldest picture that waits for it can be trusted; False where none does."""
    from dtml.runs.pictures import compute_quality

    told = mark("Measuring how far the picture can be trusted")
    failed = mark("The measures failed ({error}); see the worker's log.")
    return next_job(store, "quality", compute_quality, told, failed)


def measure_next(store: Store) -> bool:
    """Measure the oldest pair of states that waits; False where none does."""
    from dtml.runs.measuring import compute_measures

    told = mark("Measuring how far the domains are apart")
    failed = mark("The measures failed ({error}); see the worker's log.")
    return next_job(store, "measures", compute_measures, told, failed)


def _begin_child(log: object) -> None:
    """Default signals, output into a file."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    path = os.fspath(log)  # type: ignore[call-overload]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
