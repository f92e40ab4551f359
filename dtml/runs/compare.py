"""Runs beside each other: what differs between them, what each reached, and which method is better over seeds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from dtml.comparison import Interval, gap_closed, interval, paired
from dtml.errors import Problem
from dtml.experiment import Experiment, Role
from dtml.runs.records import Run
from dtml.runs.store import Store

Verdict = Literal["better", "worse", "open", "one_seed", "no_pairs"]
Standing = Literal["best", "highest", "close", "behind", "open"]


@dataclass(frozen=True)
class Line:
    """A run with what it is held against.

    Attributes:
        references: finished runs by role.
        values: what differs between the compared runs, by key (see `flat`); keys that this run lacks are left out.
    """

    run: Run
    references: dict[Role, Run]
    values: dict[str, Any]

    @property
    def target(self) -> float | None:
        """Accuracy on the target's test split, of the last (or label-free chosen) checkpoint."""
        return self.run.result.get("target_test_accuracy")

    def reference(self, role: Role) -> float | None:
        """The target accuracy of a reference."""
        found = self.references.get(role)
        return found.result.get("target_test_accuracy") if found else None

    @property
    def closed(self) -> float | None:
        """The share of the gap between source-only and target-only that was closed."""
        below, above = self.reference("source_only"), self.reference("target_only")
        if self.target is None or below is None or above is None:
            return None
        return gap_closed(self.target, below, above)


@dataclass(frozen=True)
class Group:
    """Runs of one experiment that differ in nothing but the seed, one a seed: the newest.

    Attributes:
        key: names the group in an address; the same for the same experiment.
        values: what differs between the groups, by key.
        lines: finished runs, by seed.
    """

    key: str
    values: dict[str, Any]
    lines: dict[int, Line]

    @property
    def role(self) -> Role:
        return next(iter(self.lines.values())).run.role

    @property
    def accuracies(self) -> dict[int, float]:
        """Target accuracy by seed."""
        return {seed: line.target for seed, line in self.lines.items() if line.target is not None}

    @property
    def accuracy(self) -> Interval:
        """Mean target accuracy with its 95 % interval over seeds."""
        return interval(list(self.accuracies.values()))

    @property
    def twins(self) -> dict[int, float]:
        """The twins' target accuracy by seed."""
        found = {seed: line.reference("twin") for seed, line in self.lines.items()}
        return {seed: value for seed, value in found.items() if value is not None}

    @property
    def closed(self) -> Interval | None:
        """The share of the gap closed, over the seeds that have both references."""
        shares = [line.closed for line in self.lines.values()]
        known = [share for share in shares if share is not None]
        return interval(known) if known else None

    @property
    def seconds(self) -> float:
        """Mean seconds of one training."""
        return interval([line.run.result["seconds"] for line in self.lines.values()]).mean


@dataclass(frozen=True)
class Against:
    """A group held against another, paired by the `seeds` that both have."""

    difference: Interval | None
    seeds: tuple[int, ...]

    @property
    def verdict(self) -> Verdict:
        """ "better" or "worse" only where several seeds' interval excludes zero; one seed never tells."""
        if self.difference is None:
            return "no_pairs"
        if len(self.seeds) == 1:
            return "one_seed"
        if not self.difference.excludes_zero:
            return "open"
        return "better" if self.difference.mean > 0 else "worse"


def flat(experiment: Experiment) -> dict[str, Any]:
    """An experiment as one level of keys, such as "task", "task.moons.angle", "alignment" or "training.steps"."""
    found: dict[str, Any] = {}
    for kind in ("task", "backbone", "strategy"):
        choice = getattr(experiment, kind)
        found[kind] = choice.name
        found |= {f"{kind}.{choice.name}.{name}": value for name, value in choice.params.items()}
    for kind in ("alignment", "metric"):
        terms = getattr(experiment, kind)
        found[kind] = " + ".join(term.name for term in terms)
        found |= {f"{kind}.{term.name}.{name}": value for term in terms for name, value in term.params.items()}
    for section in ("embedding", "training"):
        values = getattr(experiment, section).model_dump()
        found |= {f"{section}.{name}": value for name, value in values.items()}
    return found | {"domains": experiment.domains, "labels": experiment.labels, "seed": experiment.seed}


def differing(experiments: Iterable[Experiment]) -> list[str]:
    """The keys that differ between those experiments that have them."""
    seen: dict[str, set[str]] = {}
    for experiment in experiments:
        for key, value in flat(experiment).items():
            seen.setdefault(key, set()).add(json.dumps(value, sort_keys=True))
    return [key for key, values in seen.items() if len(values) > 1]


def lines(store: Store, runs: Sequence[Run]) -> list[Line]:
    """Runs with their references and what differs between them; the highest target accuracy first, open runs last."""
    keys = differing(run.experiment for run in runs)
    hashes = {run.id: reference_hashes(run) for run in runs}
    found = store.find_all(hash_ for mine in hashes.values() for hash_ in mine.values())
    done = []
    for run in runs:
        held = {role: found[hash_] for role, hash_ in hashes[run.id].items() if hash_ in found}
        references = {role: reference for role, reference in held.items() if reference.state == "finished"}
        own = flat(run.experiment)
        done.append(Line(run, references, {key: own[key] for key in keys if key in own}))
    return sorted(done, key=lambda line: -1.0 if line.target is None else line.target, reverse=True)


def reference_hashes(run: Run) -> dict[Role, str]:
    """The hashes of what an adapted run is held against; none where a method of it is no longer installed."""
    return _reference_hashes(run.experiment.to_json()) if run.role == "adapted" else {}


@lru_cache(maxsize=2048)
def _reference_hashes(experiment: str) -> dict[Role, str]:
    try:
        return {role: each.hash for role, each in Experiment.stored(experiment).references().items()}
    except Problem:
        return {}


def groups(lines: Sequence[Line]) -> list[Group]:
    """The finished runs by experiment without its seed, the highest mean target accuracy first."""
    found: dict[str, dict[int, Line]] = {}
    for line in sorted(lines, key=lambda each: each.run.created):
        if line.target is not None:
            found.setdefault(group_key(line.run.experiment), {})[line.run.experiment.seed] = line
    firsts = {key: next(iter(members.values())).run.experiment for key, members in found.items()}
    keys = [key for key in differing(firsts.values()) if key != "seed"]
    made = []
    for key, members in found.items():
        own = flat(firsts[key])
        made.append(Group(key, {k: own[k] for k in keys if k in own}, dict(sorted(members.items()))))
    return sorted(made, key=lambda group: -group.accuracy.mean)


def group_key(experiment: Experiment) -> str:
    """A short name of an experiment without its seed and title."""
    content = json.dumps(experiment.model_dump(exclude={"title", "seed"}), sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:8]


def against(group: Group, baseline: Group | None) -> Against:
    """A group's target accuracy against that of a baseline group, or of its own twins, paired by seed."""
    own, other = group.accuracies, baseline.accuracies if baseline else group.twins
    seeds = tuple(sorted(set(own) & set(other)))
    if not seeds:
        return Against(None, ())
    return Against(paired([own[seed] for seed in seeds], [other[seed] for seed in seeds]), seeds)


def standings(ranked: Sequence[Group]) -> dict[str, Standing]:
    """How groups, the highest mean first, stand to the first one: by key.

    "behind": worse by an interval of the paired differences that excludes zero; "close": not told apart;
    "open": one common seed or none. The first is the "best" where all others are behind, else the "highest".
    """
    if not ranked:
        return {}
    first, *others = ranked
    names: dict[Verdict, Standing] = {"worse": "behind", "better": "close", "open": "close"}
    found: dict[str, Standing] = {other.key: names.get(against(other, first).verdict, "open") for other in others}
    alone = bool(others) and all(standing == "behind" for standing in found.values())
    return {first.key: "best" if alone else "highest", **found}
