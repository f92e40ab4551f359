"""Runs in this process, one after the other: what the command line does without a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from dtml.errors import Problem
from dtml.experiment import Experiment, Role
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
