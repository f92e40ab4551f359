"""How far the domains are apart before and after, with intervals: asked for by anyone, computed once by the worker."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtml import catalogue, paths
from dtml.errors import Problem
from dtml.runs.folder import RunFolder, read_arrays, write_json
from dtml.runs.pictures import State
from dtml.runs.records import Job
from dtml.runs.store import Store

MEASURES = ("mmd", "coral", "sliced_wasserstein", "proxy_a_distance")
SAMPLES = 400
"""Samples of a domain that are measured; of more, so many drawn by seed."""
REPEATS = 100


@dataclass(frozen=True)
class Measured:
    """A discrepancy in one state: its value freed of the bias of few samples, and the ends of its 95 % interval.

    `problem` says why there is no value.
    """

    value: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    problem: Problem | None = None


def measures_spec(states: list[State], measures: tuple[str, ...] = MEASURES) -> dict[str, Any]:
    """The complete description of what to measure."""
    chosen = {name: catalogue.checked("measure", name, {}) for name in measures}
    numbers = {"samples": SAMPLES, "repeats": REPEATS, "seed": 0}
    return {"states": [list(state) for state in states], "measures": chosen, **numbers}


def measures_key(spec: dict[str, Any]) -> str:
    """The name of the job and its file."""
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:20]


def measures_file(spec: dict[str, Any]) -> Path:
    """Where the numbers are, once computed."""
    return paths.home() / "measures" / f"{measures_key(spec)}.json"


def ask_for_measures(store: Store, spec: dict[str, Any]) -> Job:
    """Have a worker measure."""
    return store.request("measures", measures_key(spec), spec)


def read_measures(spec: dict[str, Any]) -> dict[str, list[Measured]] | None:
    """Each measure's value in each state, or None where they are not computed yet."""
    path = measures_file(spec)
    if not path.exists():
        return None
    told = json.loads(path.read_text("utf-8"))
    return {name: [_measured(each) for each in values] for name, values in told.items()}


def _measured(told: dict[str, Any]) -> Measured:
    return Measured(problem=Problem.from_json(told["problem"])) if "problem" in told else Measured(**told)


def compute_measures(spec: dict[str, Any], report: Callable[[float], None] = lambda share: None) -> None:
    """Measure each state of a spec and write its file.

    The intervals are those of `dtml.measures.interval.bootstrap`: quantiles over seeded random halves of the
    samples of both domains, drawn without replacement and freed of the bias of few samples. They speak of other
    samples, not of other trainings. The embeddings of each state are first divided by their own spread (see
    `rescaled`), so that a network that merely shrinks its embedding does not seem to bring the domains together.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    rounds = len(spec["measures"]) * len(spec["states"])
    for number, (name, params) in enumerate(spec["measures"].items()):
        measure = catalogue.create("measure", name, **params)
        for place, (run, step) in enumerate(spec["states"]):
            report((number * len(spec["states"]) + place) / rounds)
            found.setdefault(name, []).append(_measure(measure, run, step, spec))
    write_json(measures_file(spec), found)


def _measure(measure: Any, run: str, step: int, spec: dict[str, Any]) -> dict[str, Any]:
    from dtml.measures.interval import bootstrap

    folder = RunFolder(run)
    embeddings = rescaled(read_arrays(folder.snapshot(step))["embeddings"])
    domains = read_arrays(folder.probe)["domains"]
    source, target = (_some(embeddings[domains == side], spec["samples"], (spec["seed"], side)) for side in (0, 1))
    try:
        seen = bootstrap(measure, source, target, spec["repeats"], spec["seed"])
    except Problem as problem:
        return {"problem": problem.to_json()}
    value = float(np.clip(seen.estimate - seen.bias, *measure.limits))
    return {"value": value, "low": seen.low, "high": seen.high}


def rescaled(embeddings: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Embeddings (n, d) divided by the root of the mean squared distance from their mean; of no spread, unchanged."""
    rows = np.asarray(embeddings, dtype=np.float64)
    spread = float(np.sqrt(np.square(rows - rows.mean(0)).sum(1).mean()))
    return rows / spread if spread > 1e-12 else rows


def _some(rows: NDArray[np.float64], limit: int, seed: tuple[int, int]) -> NDArray[np.float64]:
    """Up to `limit` rows, drawn by seed."""
    return rows[np.random.default_rng(seed).permutation(len(rows))[:limit]]
