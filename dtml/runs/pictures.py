"""Pictures: projections of stored snapshots, asked for by anyone and computed once by the worker."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtml import catalogue, paths
from dtml.errors import Problem
from dtml.language import mark
from dtml.projection.layout import Layout, lay_out
from dtml.projection.sampling import stratified
from dtml.projection.trust import Quality
from dtml.runs.folder import RunFolder, read_arrays, write_arrays
from dtml.runs.records import Job, Run
from dtml.runs.store import Store

MOST = 100_000
"""Samples that a picture draws of each state; of more, so many by domain and class."""

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
    """The coordinates (n, 2) of each state, or None where they are not computed yet.

    Of more than `MOST` samples the rest is not drawn: their coordinates are NaN, in every state.
    """
    path = picture_file(spec)
    if not path.exists():
        return None
    arrays = read_arrays(path)
    drawn = [arrays[f"state{i}"] for i in range(len(spec["states"]))]
    if "rows" not in arrays:
        return drawn
    whole = [np.full((int(arrays["count"]), 2), np.nan, dtype=np.float32) for _part in drawn]
    for all_rows, part in zip(whole, drawn, strict=True):
        all_rows[arrays["rows"]] = part
    return whole


def quality_key(spec: dict[str, Any]) -> str:
    """The name of the job that measures a picture's quality."""
    return f"{picture_key(spec)}-quality"


def quality_file(spec: dict[str, Any]) -> Path:
    """Where a picture's quality is, once measured."""
    return paths.home() / "pictures" / f"{quality_key(spec)}.npz"


def read_quality(spec: dict[str, Any]) -> list[Quality] | None:
    """How far each state's picture can be trusted, or None where that is not measured yet."""
    path = quality_file(spec)
    if not path.exists():
        return None
    arrays = read_arrays(path)
    return [_quality(arrays, number) for number in range(len(spec["states"]))]


_NUMBERS = ("trustworthiness", "continuity", "recall", "stability", "apart", "apart_drawn", "looked_at", "samples")
_ARRAYS = ("distrust", "domain_probability", "kept")


def _quality(arrays: Mapping[str, NDArray[Any]], number: int) -> Quality:
    values = [None if np.isnan(value) else float(value) for value in arrays["numbers"][number]]
    named: dict[str, Any] = dict(zip(_NUMBERS, values, strict=True))
    named |= {name: int(named[name]) for name in ("looked_at", "samples")}
    return Quality(**named, **{name: arrays[name][number].astype(np.float32) for name in _ARRAYS})


def ask_for_quality(store: Store, spec: dict[str, Any]) -> Job:
    """Have a worker measure how far a picture can be trusted; pictures that wait go first."""
    return store.request("quality", quality_key(spec), spec)


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
    states = state_embeddings(spec)
    count, few = len(states[0]), {}
    if count > MOST:
        rows = stratified(_groups(spec), MOST, spec["seed"])
        states, few = [state[rows] for state in states], {"rows": rows, "count": np.array(count)}
    projection = catalogue.create("projection", spec["method"], **spec["params"])
    coordinates = lay_out(states, projection, spec["layout"], spec["seed"], report)
    write_arrays(picture_file(spec), **{f"state{i}": array for i, array in enumerate(coordinates)}, **few)


def compute_quality(spec: dict[str, Any], report: Callable[[float], None] = lambda share: None) -> None:
    """Measure how far a picture can be trusted, and write its file; draws the picture first where there is none."""
    from dtml.projection.quality import measure

    if read_picture(spec) is None:
        compute_picture(spec)
    projection = catalogue.create("projection", spec["method"], **spec["params"])
    found = measure(
        state_embeddings(spec),
        read_picture(spec) or [],
        _groups(spec),
        spec["seed"],
        lambda states, seed: lay_out(states, projection, spec["layout"], seed),
        report,
    )
    numbers = [[getattr(quality, name) for name in _NUMBERS] for quality in found]
    arrays = {name: np.stack([getattr(quality, name) for quality in found]).astype(np.float16) for name in _ARRAYS}
    write_arrays(quality_file(spec), numbers=np.array(numbers, dtype=np.float64), **arrays)


def state_embeddings(spec: dict[str, Any]) -> list[NDArray[np.float32]]:
    """The embeddings (n, d) of each state."""
    return [read_arrays(RunFolder(run).snapshot(step))["embeddings"] for run, step in spec["states"]]


def _groups(spec: dict[str, Any]) -> NDArray[np.int64]:
    """Domain and class (n, 2) of the samples in a picture, which are the same in every state."""
    probe = read_arrays(RunFolder(spec["states"][-1][0]).probe)
    return np.stack([probe["domains"], probe["labels"]], axis=1).astype(np.int64)
