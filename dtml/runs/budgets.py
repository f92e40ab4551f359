"""Accuracy over the label budget: what labelled target samples are worth, with and without adaptation."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dtml.budget import Budget, order
from dtml.comparison import Interval, interval, paired
from dtml.experiment import Experiment, Role
from dtml.runs.compare import Group
from dtml.runs.records import Run

STANDARD: tuple[Budget, ...] = (0, 1, 5, 0.2, "all")
"""The budgets of a curve, where nobody says which."""


@dataclass(frozen=True)
class Point:
    """One budget of a curve.

    Attributes:
        labelled: how many target samples were labelled, the mean over seeds; None where it is not known.
        adapted: target test accuracy by seed.
        twins: the twins' by seed: the same labels without the adaptation.
    """

    budget: Budget
    labelled: float | None
    adapted: Mapping[int, float]
    twins: Mapping[int, float]

    @property
    def accuracy(self) -> Interval:
        """Mean accuracy with its 95 % interval over seeds."""
        return interval(list(self.adapted.values()))

    @property
    def twin(self) -> Interval | None:
        """The twins' mean accuracy with its 95 % interval over seeds."""
        return interval(list(self.twins.values())) if self.twins else None

    @property
    def difference(self) -> Interval | None:
        """Adapted − twin, paired by seed."""
        seeds = sorted(set(self.adapted) & set(self.twins))
        return paired([self.adapted[s] for s in seeds], [self.twins[s] for s in seeds]) if seeds else None


@dataclass(frozen=True)
class Curve:
    """One experiment over its label budgets, the smallest first.

    Attributes:
        key: the same for experiments that differ in nothing but budget, seed and title.
        levels: mean target accuracy of the references that see no labels of the target or all, by role.
    """

    key: str
    points: tuple[Point, ...]
    levels: Mapping[Role, float]


def curve_key(experiment: Experiment) -> str:
    """A short name of an experiment without its budget, seed and title."""
    content = json.dumps(experiment.model_dump(exclude={"title", "seed", "labels"}), sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:8]


def curves(compared: Sequence[Group]) -> list[Curve]:
    """A curve for all groups that differ by their label budget alone; groups with one budget make none."""
    found: dict[str, list[Group]] = {}
    for group in compared:
        found.setdefault(curve_key(_first(group).experiment), []).append(group)
    return [curve_of(key, members) for key, members in found.items() if len(members) > 1]


def curve_of(key: str, members: Sequence[Group]) -> Curve:
    """The curve of groups that differ by their label budget alone."""
    ordered = sorted(members, key=lambda group: order(_first(group).experiment.labels))
    levels: dict[Role, float] = {}
    roles: tuple[Role, ...] = ("source_only", "target_only")
    for role in roles:
        known = {line.run.experiment.seed: line.reference(role) for group in members for line in group.lines.values()}
        values = [value for value in known.values() if value is not None]
        if values:
            levels[role] = interval(values).mean
    points = tuple(
        Point(_first(group).experiment.labels, _labelled(group), group.accuracies, group.twins) for group in ordered
    )
    return Curve(key, points, levels)


def _labelled(group: Group) -> float | None:
    """The mean number of labelled target samples."""
    runs = [line.run for line in group.lines.values()]
    counts = [labelled(run) for run in runs]
    known = [count for count in counts if count is not None]
    return sum(known) / len(known) if known else None


def labelled(run: Run) -> int | None:
    """How many labelled target samples a run learned from; None where that was not recorded."""
    if run.experiment.labels == 0:
        return 0
    found = (run.info.get("counts") or {}).get("labelled")
    return None if found is None else int(found)


def _first(group: Group) -> Run:
    return next(iter(group.lines.values())).run
