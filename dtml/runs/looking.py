"""Looking at the data of own tasks before training: asked for by a page, done by the worker."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from dtml import own
from dtml.language import mark
from dtml.runs.jobs import next_job
from dtml.runs.records import Job
from dtml.runs.store import Store

KIND = "look"


def look_key(mine: own.OwnTask) -> str:
    """The name of the job that looks at a task's data as nobody has yet; another one once it was looked at."""
    seen = mine.folder / "inspection.json"
    told = (mine.name, mine.created, seen.stat().st_mtime_ns if seen.exists() else 0)
    return f"look-{hashlib.sha256(repr(told).encode()).hexdigest()[:16]}"


def ask_to_look(store: Store, mine: own.OwnTask) -> Job:
    """Have a worker look at the data of a task."""
    return store.request(KIND, look_key(mine), {"task": mine.name})


def look_next(store: Store) -> bool:
    """Look at the data of the task that waits longest; False where none does."""
    told = mark("Looking at the data")
    failed = mark("The data could not be looked at ({error}); see the worker's log.")
    return next_job(store, KIND, _look, told, failed)


def _look(spec: dict[str, Any], report: Callable[[float], None]) -> None:
    own.look(spec["task"], lambda _what, share: report(share))
