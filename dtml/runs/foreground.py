"""Runs in this process, one after the other: what the command line does without a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Any

from dtml.budget import Budget
from dtml.errors import Problem
from dtml.experiment import Experiment, Role
from dtml.language import mark
from dtml.own import unlabelled
from dtml.runs.budgets import Curve, curve_key, curve_of
from dtml.runs.compare import groups, lines
from dtml.runs.execute import execute
from dtml.runs.records import Run
from dtml.runs.store import Store
from dtml.training import Event, Preparing

Listener = Callable[[Run, Event | Preparing], None]


def train_all(
    store: Store, experiment: Experiment, references: Iterable[Role], listen: Listener, *, again: bool = True
) -> dict[Role, Run]:
    """Train an experiment, then those of its references that no finished run has yet. Runs by role.

    Args:
        again: train the experiment even where a finished run has it already.
    """
    own = _train(store, experiment, listen, again)
    done = {own.role: own}
    if own.state == "finished" and experiment.adapts:
        wanted = {role: reference for role, reference in experiment.references().items() if role in set(references)}
        done |= {role: _train(store, reference, listen, again=False) for role, reference in wanted.items()}
    return done


def _train(store: Store, experiment: Experiment, listen: Listener, again: bool) -> Run:
    known = None if again else store.find(experiment.hash)
    if known and known.state == "finished":
        return known
    run = known if known and store.take(known.id) else store.submit(experiment, taken=True)
    return execute(store, run, lambda event: listen(run, event))


def train_budgets(
    store: Store,
    experiment: Experiment,
    budgets: Sequence[Budget],
    seeds: Sequence[int],
    references: Sequence[Role],
    listen: Listener,
) -> tuple[Curve, dict[Budget, Problem]]:
    """Train an experiment with every budget and seed; its curve, and why budgets were left out.

    What is finished already is not trained again.

    Raises:
        Problem: where a run failed, or no budget fits the experiment.
    """
    if unlabelled(experiment.task.model_dump()):
        raise Problem(mark("The target has no labels, so there is no accuracy to draw over the label budget."))
    unfit: dict[Budget, Problem] = {}
    finished: list[Run] = []
    for labels, seed in product(budgets, seeds):
        try:
            each = experiment.replace(labels=labels, seed=seed)
        except Problem as problem:
            unfit[labels] = problem
            continue
        runs = train_all(store, each, references, listen, again=False)
        for run in runs.values():
            if run.state != "finished":
                raise run.error or Problem(mark("The run '{id}' was cancelled."), id=run.id)
        finished.append(next(iter(runs.values())))
    if not finished:
        raise next(iter(unfit.values()))
    members = groups(lines(store, finished))
    if not members:
        raise Problem(mark("The target has no labels, so there is no accuracy to draw over the label budget."))
    return curve_of(curve_key(experiment), members), unfit


def known_accuracy(run: Run) -> float:
    """The target test accuracy of a finished run.

    Raises:
        Problem: where the target has no labels.
    """
    value: float | None = run.result.get("target_test_accuracy")
    if value is None:
        told = mark(
            "The target accuracy of '{id}' is not known: its target has no labels; there is nothing to compare."
        )
        raise Problem(told, id=run.id)
    return value


def summary(runs: dict[Role, Run]) -> dict[str, Any]:
    """What `dtml train --json` prints: the run's numbers, and those of each reference under its role."""
    own, *others = runs.values()
    return {**_numbers(own), **{run.role: _numbers(run) for run in others}}


def _numbers(run: Run) -> dict[str, Any]:
    keys = (
        "source_test_accuracy", "target_test_accuracy", "source_validation_accuracy", "checkpoint", "seconds",
    )  # fmt: skip
    facts = {"run": run.id, "role": run.role, "state": run.state, "seed": run.experiment.seed}
    numbers = {key: run.result.get(key) for key in keys}
    remarks = [str(Problem.from_json(text)) for text in run.info.get("remarks", [])]
    told = {"remarks": remarks} if remarks else {}
    return {**facts, **numbers, **told, **({"error": str(run.error)} if run.error else {})}
