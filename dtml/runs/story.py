"""All that is told of one run when it is taken away: its references, its curves, and its picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtml.errors import Problem
from dtml.experiment import Role
from dtml.language import _
from dtml.runs.folder import RunFolder, read_arrays
from dtml.runs.naming import titles
from dtml.runs.pictures import State, compute_picture, last_state, picture_spec, read_picture
from dtml.runs.records import Run
from dtml.runs.store import Store

Metrics = list[tuple[int, dict[str, float]]]
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Story:
    """One finished run with what it is held against.

    Attributes:
        family: the run, then its finished references, by role.
        metrics: (step, values) of each of them.
        spec: the picture of `states`, with the projection that was used.
        titles: what each state of the picture is called.
        coordinates: (n, 2) of the probe samples in each state.
    """

    run: Run
    family: Mapping[Role, Run]
    metrics: Mapping[Role, Metrics]
    spec: Mapping[str, Any]
    titles: tuple[str, ...]
    coordinates: tuple[NDArray[np.float32], ...]

    @property
    def states(self) -> list[State]:
        """The states of the picture, in order."""
        return [(run, step) for run, step in self.spec["states"]]

    @cached_property
    def probe(self) -> Arrays:
        """Inputs, labels, domains, ids and classes of the samples."""
        return read_arrays(RunFolder(self.run.id).probe)

    @cached_property
    def snapshots(self) -> list[Arrays]:
        """Embeddings and probabilities of the probe in each state."""
        return [read_arrays(RunFolder(run).snapshot(step)) for run, step in self.states]

    def predicted(self, state: int) -> NDArray[np.int64]:
        """The predicted classes (n,) of the samples in a state."""
        guesses: NDArray[np.int64] = self.snapshots[state]["probabilities"].argmax(1)
        return guesses


def tell(
    store: Store,
    run: Run,
    spec: Mapping[str, Any] | None = None,
    compute: bool = False,
    report: Callable[[float], None] = lambda share: None,
) -> Story:
    """Gather the story of a run that is finished.

    Args:
        spec: the picture to show; else the last states before and after by UMAP.
        compute: compute that picture where it is not there yet; else a PCA, which is there at once, takes its place.

    Raises:
        Problem: where the run has no snapshot.
    """
    family = references(store, run)
    spec = dict(spec or picture_spec(_before_and_after(family)))
    if compute and read_picture(spec) is None:
        compute_picture(spec, report)
    coordinates = read_picture(spec)
    if coordinates is None:
        spec = picture_spec([(run_, step) for run_, step in spec["states"]], "pca", spec["layout"])
        if read_picture(spec) is None:
            compute_picture(spec)
        coordinates = read_picture(spec)
    assert coordinates is not None
    return Story(
        run=run,
        family=family,
        metrics={role: store.metrics(each.id) for role, each in family.items()},
        spec=spec,
        titles=tuple(_title(run_, step, family) for run_, step in spec["states"]),
        coordinates=tuple(coordinates),
    )


def references(store: Store, run: Run) -> dict[Role, Run]:
    """A run, then those of its references that are finished, by role."""
    family: dict[Role, Run] = {run.role: run}
    if run.role != "adapted":
        return family
    try:
        wanted = run.experiment.references()
    except Problem:
        return family  # a method of this run is no longer installed
    for role, reference in wanted.items():
        found = store.find(reference.hash)
        if found and found.state == "finished":
            family[role] = found
    return family


def _before_and_after(family: Mapping[Role, Run]) -> list[State]:
    """The twin's last state and the run's; without a twin the run's own start and its last state."""
    run = next(iter(family.values()))
    twin = family.get("twin") if run.role == "adapted" else None
    before = last_state(twin.id) if twin else (run.id, RunFolder(run.id).steps()[0])
    return list(dict.fromkeys([before, last_state(run.id)]))


def _title(identity: str, step: int, family: Mapping[Role, Run]) -> str:
    run = next(iter(family.values()))
    if step == 0:
        return _("Untrained start")
    if identity != run.id:
        return _("Before: without alignment, step {step}").format(step=step)
    if run.role != "adapted":
        return _("After step {step}").format(step=step)
    method = titles("alignment", [choice.name for choice in run.experiment.alignment])
    method = method or titles("strategy", [run.experiment.strategy.name])
    return _("After: {method}, step {step}").format(method=method, step=step)
