"""Data and weights that are fetched because someone asked on a page: once, by the worker, in a process of its own."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from dtml import catalogue
from dtml.language import mark
from dtml.runs.jobs import next_job
from dtml.runs.records import Job
from dtml.runs.store import Store
from dtml.tasks import datasets

KIND = "fetch"
EVERY = 0.5
"""Seconds between two writes of the progress to the store."""
Fetchable = Literal["task", "backbone"]


def lacking(kind: Fetchable, name: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The files that a task or backbone with these parameters reads and that are not on disk, as plain data.

    Each has a path below a data folder, its size in bytes (0: not known), and "urls", empty where it cannot be
    downloaded. Nothing of torch is needed to tell.
    """
    entry = catalogue.entry(kind, name)
    if kind == "task":
        return [file for _dataset, file in datasets.absent(entry, params)]
    chosen = [file for file in entry.get("published", []) if file["when"].items() <= dict(params).items()]
    return [file for file in chosen if datasets.found(file["path"]) is None]


def fetch_key(kind: Fetchable, name: str, params: Mapping[str, Any]) -> str:
    """The name of its job."""
    told = json.dumps(["fetch", kind, name, dict(params)], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:20]


def ask_for_files(store: Store, kind: Fetchable, name: str, params: Mapping[str, Any]) -> Job:
    """Have a worker fetch them; asked again, it goes on where it stopped, or fetches what was taken away since."""
    spec = {"kind": kind, "name": name, "params": dict(params)}
    return store.request(KIND, fetch_key(kind, name, params), spec, again=True)


def fetch_files(spec: dict[str, Any], report: Callable[[float], None]) -> None:
    """Fetch what a job describes.

    Raises:
        Problem: where a download fails; what has arrived is kept.
    """
    component = catalogue.create(spec["kind"], spec["name"], **spec["params"])
    files = [file for file in lacking(spec["kind"], spec["name"], spec["params"]) if file["urls"]]
    component.fetch(meter(files, report))


def meter(files: Sequence[Mapping[str, Any]], report: Callable[[float], None]) -> Callable[[str, float], None]:
    """What to tell the share of each file by its name: reports that of all of them, about twice a second."""
    sizes = {Path(file["path"]).name: file["size"] for file in files}
    total = sum(sizes.values())
    shares: dict[str, float] = {}
    last = -EVERY

    def tell(name: str, share: float) -> None:
        nonlocal last
        shares[name] = share
        if time.monotonic() - last < EVERY and share < 1:
            return
        last = time.monotonic()
        done = sum(sizes.get(each, 0) * known for each, known in shares.items())
        report(min(done / total, 1.0) if total else share)

    return tell


def fetch_next(store: Store) -> bool:
    """Fetch the oldest files that were asked for; False where none were."""
    told = mark("Fetching the files")
    failed = mark("The files could not be fetched ({error}); try again, or see the log gathering.log below DTML_HOME.")
    return next_job(store, KIND, fetch_files, told, failed)
