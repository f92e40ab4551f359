"""What training tells while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtml.errors import Problem
from dtml.language import Text


@dataclass(frozen=True)
class Probe:
    """The fixed samples that every snapshot looks at; all from the test splits.

    Attributes:
        inputs: (n, ...) as the task holds them.
        labels: (n,) true classes, for reporting only; -1 where unknown.
        domains: (n,) 0 source, 1 target.
        ids: (n,) the samples' names.
        classes: class names.
        shown: (n,) what a person reads of each sample, UTF-8 bytes; None where the inputs themselves are shown.
    """

    inputs: NDArray[Any]
    labels: NDArray[np.int64]
    domains: NDArray[np.int8]
    ids: NDArray[np.str_]
    classes: tuple[str, ...]
    shown: NDArray[np.bytes_] | None = None


@dataclass(frozen=True)
class Preparing:
    """Something takes long before the first step; `share` of it is done. Told aside, not yielded."""

    what: str
    share: float


@dataclass(frozen=True)
class PhaseStarted:
    """A phase begins at `step`."""

    name: str
    title: Text
    step: int
    steps: int


@dataclass(frozen=True)
class Started:
    """Data and model are ready; `phases` are all that will come."""

    probe: Probe
    steps: int
    device: str
    precision: str
    parameters: int
    counts: dict[str, int]
    remarks: list[Problem]
    phases: list[PhaseStarted]


@dataclass(frozen=True)
class Progressed:
    """Mean metrics of the steps since the last such event, up to `step`."""

    step: int
    metrics: dict[str, float]


@dataclass(frozen=True)
class Snapshot:
    """The probe at one moment, and the state to go on from.

    Attributes:
        step: steps done.
        embeddings: (n, d) of the probe.
        probabilities: (n, c) of the probe.
        metrics: accuracies on the probe and on the source's validation split.
        state: everything to resume from; refers to live tensors, so save it before the next event.
        pictures: images worth looking at, uint8 (n, h, w, c) by name, such as translated samples.
        boundary: where inputs are points in the plane, the class probabilities (g, g, c) at [row y, column x]
            as "boundary", and the grid's ascending coordinates (g,) as "boundary_x" and "boundary_y"; else empty.
    """

    step: int
    embeddings: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    metrics: dict[str, float]
    state: dict[str, Any] = field(repr=False)
    pictures: dict[str, NDArray[Any]] = field(default_factory=dict, repr=False)
    boundary: dict[str, NDArray[Any]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Finished:
    """The last checkpoint's accuracies on the whole test splits, and its predictions.

    Attributes:
        result: numbers by name; see `dtml.training.evaluation`.
        predictions: by domain, (n,) predicted classes of the test split.
        model: the trained model.
    """

    result: dict[str, Any]
    predictions: dict[str, NDArray[np.int64]]
    model: Any = field(repr=False)


Event = Started | PhaseStarted | Progressed | Snapshot | Finished
