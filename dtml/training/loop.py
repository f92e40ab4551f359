"""The one training loop. It knows phases, not strategies, and tells what happens as events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dtml.experiment import Experiment
from dtml.strategies import Phase
from dtml.training.data import Report
from dtml.training.events import Event, PhaseStarted, Progressed
from dtml.training.session import Session
from dtml.training.step import Stepper

WINDOWS = 200
"""How many times a run reports its metrics."""


def train(
    experiment: Experiment, report: Report | None = None, resume: dict[str, Any] | None = None
) -> Iterator[Event]:
    """Train an experiment and yield events: Started, PhaseStarted, Progressed, Snapshot, Finished.

    Batches, augmentation and dropout are pure functions of the seed and the step, so the same seed gives
    the same numbers on the same machine, and a resumed run the same as one that was never stopped.

    Args:
        report: told about what takes long before the first step, as (what, share).
        resume: the state of a snapshot to go on from.

    Raises:
        Problem: for data that is missing or unusable, and for a loss that is not finite.
    """
    session = Session(experiment, report or _silent)
    yield session.started
    if resume is None:
        yield session.snapshot(0, 0, None)
    first = resume["phase"] if resume else 0
    for number, phase in enumerate(session.phases):
        if number >= first:
            yield from _run_phase(session, number, phase, resume if number == first else None)
    yield session.finished()


def _silent(what: str, share: float) -> None:
    """Nobody is listening."""


def _run_phase(session: Session, number: int, phase: Phase, resume: dict[str, Any] | None) -> Iterator[Event]:
    training = session.experiment.training
    first, end = session.bounds(number)
    last = training.total if phase is session.phases[-1] else end
    if resume:
        session.load(resume)
    session.enter(phase)
    yield PhaseStarted(phase.name, phase.title, first, last - first)
    with session.clock:
        stepper = Stepper(session, number, phase)
    begin = first
    if resume and resume["stepper"]:
        session.load(resume)  # what an objective changed when it began is undone
        stepper.load(resume["stepper"])
        begin = resume["step"]
    every = max(1, training.steps // WINDOWS)
    pictures = training.pictures()
    for step in range(begin, last):
        with session.clock:
            flush = (step + 1) % every == 0 or step + 1 in pictures or step + 1 == last
            stepper.step(step, min(1.0, (step - first) / (end - first)), watch=flush)
            metrics = stepper.window.flush() if flush else None
        if metrics is not None:
            yield Progressed(step + 1, {**metrics, "learning_rate": stepper.rate})
        if step + 1 in pictures:
            with session.clock:
                snapshot = session.snapshot(step + 1, number, stepper)
            yield snapshot
