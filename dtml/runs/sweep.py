"""Sweeps: one experiment with several methods, label budgets and seeds, what that costs, and how it is queued."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import median

from dtml.budget import Budget, told
from dtml.errors import Problem
from dtml.experiment import Experiment, Role
from dtml.language import _
from dtml.runs.records import Run
from dtml.runs.store import Store


@dataclass(frozen=True)
class Plan:
    """What a sweep would run.

    Attributes:
        experiments: each method with each seed.
        references: what they are held against, each once.
        waiting: all of these that no finished run has and none is on its way to.
        unfit: why combinations of methods were left out, by their name.
    """

    experiments: tuple[Experiment, ...]
    references: tuple[Experiment, ...]
    waiting: tuple[Experiment, ...]
    unfit: dict[str, Problem]

    @property
    def known(self) -> int:
        """How many of all need no training any more."""
        return len(self.experiments) + len(self.references) - len(self.waiting)


@dataclass(frozen=True)
class Cost:
    """Seconds of one worker for runs, judged by finished ones; `unknown` runs have nothing to judge by."""

    seconds: float
    unknown: int


def plan(
    store: Store,
    base: Experiment,
    alignments: Sequence[str],
    metrics: Sequence[str],
    strategies: Sequence[str],
    seeds: Sequence[int],
    references: Iterable[Role],
    budgets: Sequence[Budget] | None = None,
) -> Plan:
    """Every combination of the methods with every seed, all else as in `base`; parameters of `base`'s own methods stay.

    Args:
        budgets: label budgets to combine with all of these; `base`'s own where none are given.

    Combinations that do not fit together are left out, with the reason.
    """
    wanted = set(references)
    found: dict[str, Experiment] = {}
    held: dict[str, Experiment] = {}
    unfit: dict[str, Problem] = {}
    wide = [base.labels] if budgets is None else budgets
    for alignment, metric, strategy, labels, seed in product(alignments, metrics, strategies, wide, seeds):
        chosen = {"alignment": alignment, "metric": metric, "strategy": strategy}
        kept = {kind: name for kind, name in chosen.items() if name != _own(base, kind)}
        try:
            each = base.replace(**kept, labels=labels, seed=seed, title="")
            others = each.references() if each.adapts else {}
        except Problem as problem:
            unfit[" · ".join(_called(chosen, labels if budgets else None))] = problem
            continue
        found[each.hash] = each
        held |= {other.hash: other for role, other in others.items() if role in wanted}
    held = {hash_: other for hash_, other in held.items() if hash_ not in found}
    known = store.find_all([*found, *held])
    waiting = [each for hash_, each in (found | held).items() if hash_ not in known]
    return Plan(tuple(found.values()), tuple(held.values()), tuple(waiting), unfit)


def _called(chosen: dict[str, str], labels: Budget | None) -> list[str]:
    """What names a combination, each part once."""
    named = dict.fromkeys(name for name in chosen.values() if name != "none")
    return [*named, *([] if labels is None else [_("labels: {budget}").format(budget=told(labels))])]


def _own(base: Experiment, kind: str) -> str:
    """The name of the base's method of a kind; several loss terms by all their names."""
    choice = getattr(base, kind)
    return " + ".join(term.name for term in choice) if isinstance(choice, tuple) else str(choice.name)


def cost(finished: Sequence[Run], experiments: Sequence[Experiment]) -> Cost:
    """What experiments will take, by the median pace (seconds a step) of the most alike finished runs of their task.

    Alike are, if there are any, runs with the same network, strategy, alignment and role; else those with the same
    network; else all of the task. Of other tasks nothing can be said.
    """
    paces = [(run.experiment, _pace(run)) for run in finished if run.started and run.finished]
    total, unknown = 0.0, 0
    for each in experiments:
        alike = [(_likeness(each, other), pace) for other, pace in paces if other.task.name == each.task.name]
        if not alike:
            unknown += 1
            continue
        most = max(likeness for likeness, _pace in alike)
        total += each.training.steps * median(pace for likeness, pace in alike if likeness == most)
    return Cost(total, unknown)


def _pace(run: Run) -> float:
    """Wall-clock seconds a step, with all that a run does besides."""
    assert run.started
    assert run.finished
    return (run.finished - run.started) / run.experiment.training.steps


def _likeness(one: Experiment, other: Experiment) -> int:
    if one.backbone != other.backbone:
        return 0
    methods = all(_own(one, kind) == _own(other, kind) for kind in ("strategy", "alignment"))
    return 2 if methods and one.domains == other.domains else 1


def queue(store: Store, sweep: Plan) -> list[str]:
    """Queue what a plan lacks, the methods before the references. Returns the runs of all its experiments."""
    known = store.find_all(each.hash for each in sweep.waiting)
    for each in sweep.waiting:
        if each.hash not in known:
            store.submit(each)
    runs = store.find_all(each.hash for each in sweep.experiments)
    return [runs[each.hash].id for each in sweep.experiments if each.hash in runs]
