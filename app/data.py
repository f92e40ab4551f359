"""Cached reads of the store, the run folders and the bundled experiments."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.frame import ROOT
from dtml import paths
from dtml.errors import Problem
from dtml.experiment import Experiment, Role
from dtml.projection.layout import lay_out
from dtml.projection.pca import PCA
from dtml.runs.folder import RunFolder, read_arrays
from dtml.runs.launcher import ensure_worker, worker_alive
from dtml.runs.pictures import state_embeddings
from dtml.runs.records import Run
from dtml.runs.store import Store

REFERENCES: tuple[Role, ...] = ("twin", "source_only", "target_only")
EXAMPLES = ROOT / "assets" / "experiments"
DEFAULT_EXAMPLE = "digits-dann"


def store() -> Store:
    """The store of this `DTML_HOME`, opened once."""
    return _store(str(paths.home()), os.environ.get("DTML_STORE"))


@st.cache_resource(show_spinner=False)
def _store(home: str, url: str | None) -> Store:
    return Store(url)


@dataclass(frozen=True)
class Moment:
    """What a page that watches a run has to know, read once a moment for all visits that watch it.

    Attributes:
        family: the run, and the references that there are of it, by role.
        signature: the states of all that the page shows; when it changes the page is drawn anew.
    """

    run: Run
    family: dict[Role, Run]
    signature: tuple[tuple[str, str], ...]


def moment(identity: str) -> Moment:
    """A run with all that belongs to it, as it was less than a second ago."""
    return _moment(str(paths.home()), identity)


@st.cache_resource(ttl=0.7, max_entries=64, show_spinner=False)
def _moment(home: str, identity: str) -> Moment:
    run = store().run(identity)
    mine = family(run)
    shown = [*mine.values(), *store().runs(limit=30)]
    return Moment(run, mine, tuple((each.id, each.state) for each in shown))


def named(identities: Iterable[str]) -> list[Run]:
    """The runs with these ids; those that there are not are left out."""
    found = []
    for identity in identities:
        with suppress(Problem):
            found.append(store().run(identity))
    return found


def family(run: Run) -> dict[Role, Run]:
    """An adapted run with the references that there are of it, by role; any other run alone."""
    if run.role != "adapted":
        return {run.role: run}
    hashes = _reference_hashes(run.experiment.to_json())
    living = store().find_all(hashes.values())
    found = {role: living.get(hash_) or _ended(hash_) for role, hash_ in hashes.items()}
    return {"adapted": run, **{role: reference for role, reference in found.items() if reference}}


def _ended(hash_: str) -> Run | None:
    """The newest failed or cancelled run of an experiment."""
    ended = store().runs(limit=100, states=["failed", "cancelled"])
    return next((run for run in ended if run.hash == hash_), None)


@st.cache_data(max_entries=500, show_spinner=False)
def _reference_hashes(experiment: str) -> dict[Role, str]:
    try:
        return {role: e.hash for role, e in Experiment.stored(experiment).references().items()}
    except Problem:
        return {}  # a method of this run is no longer installed


def adapted_of(run: Run) -> list[Run]:
    """The adapted runs that this run is a reference of, newest first."""
    adapted = [other for other in store().runs() if other.role == "adapted"]
    return [other for other in adapted if run.hash in _reference_hashes(other.experiment.to_json()).values()]


def foremost(runs: list[Run]) -> Run:
    """The run to show first: the newest adapted one, else the newest."""
    return next((run for run in runs if run.role == "adapted"), runs[0])


def metrics(run: Run) -> list[tuple[int, dict[str, float]]]:
    """All recorded (step, values) of a run; those of an ended run are read once."""
    return (_ended_metrics if run.ended else _live_metrics)(str(paths.home()), run.id)


@st.cache_resource(ttl=1.5, max_entries=64, show_spinner=False)
def _live_metrics(home: str, identity: str) -> list[tuple[int, dict[str, float]]]:
    return store().metrics(identity)


@st.cache_resource(max_entries=64, show_spinner=False)
def _ended_metrics(home: str, identity: str) -> list[tuple[int, dict[str, float]]]:
    return store().metrics(identity)


def probe(identity: str) -> Mapping[str, NDArray[Any]]:
    """Labels, domains, ids and classes of the samples that a run's snapshots look at."""
    return _arrays(str(RunFolder(identity).probe), ("labels", "domains", "ids", "classes"))


def snapshot(identity: str, step: int) -> Mapping[str, NDArray[Any]]:
    """The probabilities of a snapshot."""
    return _arrays(str(RunFolder(identity).snapshot(step)), ("probabilities",))


@st.cache_data(max_entries=64, show_spinner=False)
def _arrays(path: str, wanted: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    arrays = read_arrays(Path(path))
    return {name: arrays[name] for name in wanted}


def principal_components(spec: dict[str, Any]) -> list[NDArray[np.float32]]:
    """What stands in for a picture until it is computed: the states' principal components, laid out in the same way."""
    return _principal_components(str(paths.home()), json.dumps(spec, sort_keys=True))


@st.cache_data(max_entries=16, show_spinner=False)
def _principal_components(home: str, told: str) -> list[NDArray[np.float32]]:
    from threadpoolctl import threadpool_limits

    spec = json.loads(told)
    with threadpool_limits(1):  # on a busy machine the threads of a small matrix wait for each other for seconds
        return lay_out(state_embeddings(spec), PCA(), spec["layout"], spec["seed"])


def accuracies(identity: str, step: int) -> tuple[float | None, float | None]:
    """The accuracy of a snapshot on the probe's source and target samples."""
    seen = probe(identity)
    right = snapshot(identity, step)["probabilities"].argmax(1) == seen["labels"]
    known = seen["labels"] >= 0
    parts = [right[known & (seen["domains"] == domain)] for domain in (0, 1)]
    source, target = (float(np.mean(part)) if len(part) else None for part in parts)
    return source, target


def examples() -> dict[str, dict[str, Any]]:
    """The bundled experiments as plain data by file name, the default one first."""
    found = {path.stem: tomllib.loads(path.read_text("utf-8")) for path in sorted(EXAMPLES.glob("*.toml"))}
    return dict(sorted(found.items(), key=lambda item: item[0] != DEFAULT_EXAMPLE))


def example(name: str) -> Experiment:
    """A bundled experiment."""
    return Experiment.from_toml(EXAMPLES / f"{Path(name).name}.toml")


def launch(experiment: Experiment, references: tuple[Role, ...]) -> Run:
    """Queue a run and see to it that a worker takes it up."""
    run = store().launch(experiment, references)
    ensure_worker()
    return run


def worker_missing() -> bool:
    """Whether something waits for a worker and none is alive."""
    waiting = store().runs(limit=1, states=["queued", "lost", "running"])
    return bool(waiting) and not worker_alive()


def keep_worker() -> None:
    """Start a worker where something waits and none is alive; looked at once a moment for all visits."""
    _keep_worker(str(paths.home()))


@st.cache_resource(ttl=2.0, show_spinner=False)
def _keep_worker(home: str) -> None:
    if worker_missing():
        ensure_worker()


def digest(value: Any) -> str:
    """A short key for plain data."""
    import hashlib

    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:12]


def example_task() -> str:
    """The task of the default experiment."""
    return str(examples()[DEFAULT_EXAMPLE]["task"])
