"""Sees to it that a worker is there. Needs neither torch nor the worker's code."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from dtml import paths
from dtml.errors import Problem
from dtml.language import mark

IDLE_EXIT = 1800
"""Seconds without work after which a worker that the dashboard started ends."""

QUIET = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "500"}
"""Threads that wait sleep, after a few microseconds: spinning on, two runs on two cores take several times as long;
without those microseconds the threads of a small network sleep between any two of its operations."""


_started: list[subprocess.Popen[bytes]] = []
"""Workers that this process started; kept, so that the system can forget them when they end."""


def lock_file() -> Path:
    """Held by the worker of this `DTML_HOME`."""
    return paths.home() / "worker.lock"


def log_file() -> Path:
    """What the worker prints."""
    return paths.home() / "worker.log"


def worker_alive() -> bool:
    """Whether a worker holds the lock."""
    lock = FileLock(lock_file())
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def ensure_worker(wait: float = 30.0) -> None:
    """Start a worker in a session of its own where none is alive, and wait until it holds its lock.

    Raises:
        Problem: where it does not come up.
    """
    if worker_alive():
        return
    process = start_worker()
    deadline = time.monotonic() + wait
    while not worker_alive():
        if process.poll() is not None or time.monotonic() > deadline:
            raise Problem(mark("The worker did not start; its log is {log}."), log=log_file())
        time.sleep(0.1)


def start_worker() -> subprocess.Popen[bytes]:
    """Start a worker in a session of its own, without waiting for it."""
    with log_file().open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "dtml", "worker", "--idle-exit", str(IDLE_EXIT)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=worker_environment(),
            **_own_session(),
        )
    _started.append(process)
    return process


def worker_environment() -> dict[str, str]:
    """The environment that has to stand before torch and numba load."""
    own = {**QUIET, "NUMBA_CACHE_DIR": str(paths.cache() / "numba")}
    return {**own, **os.environ}


def _own_session() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}
