"""Pictures: projections of stored snapshots, asked for by anyone and computed once by the worker."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtml import catalogue, paths
from dtml.errors import Problem
from dtml.language import mark
from dtml.projection.layout import Layout, lay_out
from dtml.runs.folder import RunFolder, read_arrays, write_arrays
from dtml.runs.records import Job, Run
from dtml.runs.store import Store

State = tuple[str, int]
"""A run's id and the step of one of its snapshots."""


def picture_spec(
    states: list[State], method: str = "umap", layout: Layout = "aligned", params: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The complete description of a picture."""
    return {
        "states": [list(state) for state in states],
        "method": method,
        "layout": layout,
        "params": catalogue.checked("projection", method, params or {}),
        "seed": 0,
    }


def picture_key(spec: dict[str, Any]) -> str:
    """The name of a picture's job and file."""
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:20]


def picture_file(spec: dict[str, Any]) -> Path:
    """Where a picture's coordinates are, once computed."""
    return paths.home() / "pictures" / f"{picture_key(spec)}.npz"


def read_picture(spec: dict[str, Any]) -> list[NDArray[np.float32]] | None:
    """The coordinates (n, 2) of each state, or None where they are not computed yet."""
    path = picture_file(spec)
    if not path.exists():
        return None
    arrays = read_arrays(path)
    return [arrays[f"state{i}"] for i in range(len(spec["states"]))]


def ask_for_picture(store: Store, spec: dict[str, Any]) -> Job:
    """Have a worker compute a picture."""
    return store.request("projection", picture_key(spec), spec)


def request_picture(store: Store, run: Run) -> None:
    """Ask for the before/after pictures that a run which has just finished makes possible."""
    for adapted in [run, *store.runs(limit=50, states=["finished"])]:
        twin = store.reference(adapted, "twin") if adapted.role == "adapted" else None
        if twin and twin.state == "finished" and run.id in (adapted.id, twin.id):
            ask_for_picture(store, picture_spec([last_state(twin.id), last_state(adapted.id)]))


def last_state(identity: str) -> State:
    """The last snapshot of a run.

    Raises:
        Problem: where it has none.
    """
    steps = RunFolder(identity).steps()
    if not steps:
        raise Problem(mark("The run '{id}' has no snapshot yet; wait for its first one."), id=identity)
    return identity, steps[-1]


def compute_picture(spec: dict[str, Any], report: Callable[[float], None] = lambda share: None) -> None:
    """Project the states of a picture and write its file."""
    states = [read_arrays(RunFolder(run).snapshot(step))["embeddings"] for run, step in spec["states"]]
    projection = catalogue.create("projection", spec["method"], **spec["params"])
    coordinates = lay_out(states, projection, spec["layout"], spec["seed"], report)
    write_arrays(picture_file(spec), **{f"state{i}": array for i, array in enumerate(coordinates)})
