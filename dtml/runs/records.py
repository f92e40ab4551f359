"""What the store knows of a run and of a job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy.engine import RowMapping

from dtml.errors import Problem
from dtml.experiment import Experiment, Role

State = Literal["queued", "running", "finished", "failed", "cancelled", "lost"]
ENDED = ("finished", "failed", "cancelled")


@dataclass(frozen=True)
class Run:
    """A run as the store knows it."""

    id: str
    hash: str
    role: Role
    experiment: Experiment
    state: State
    created: float
    started: float | None
    finished: float | None
    doing: dict[str, Any]
    step: int
    info: dict[str, Any]
    result: dict[str, Any]
    error: Problem | None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in ENDED

    @property
    def share(self) -> float:
        """The share of its steps that is done."""
        return 1.0 if self.state == "finished" else self.step / self.experiment.training.total

    @property
    def prepared(self) -> float | None:
        """The share that is done of what takes long before a phase; None where that is over."""
        return self.doing.get("share")

    def remaining(self, now: float) -> float | None:
        """Seconds still to go at the pace of the phase, or with what takes long before it; None: not known yet."""
        since = self.info.get("since")
        if self.state != "running":
            return None
        if self.prepared is not None:
            return _remaining(self.doing, now)
        if not since or self.step <= since["step"]:
            return None
        pace = (now - since["time"]) / (self.step - since["step"])
        return pace * (self.experiment.training.total - self.step)


@dataclass(frozen=True)
class Job:
    """Something a worker does once for everyone who asks, such as a projection."""

    key: str
    kind: str
    spec: dict[str, Any]
    state: State
    doing: dict[str, Any]
    error: Problem | None

    def remaining(self, now: float) -> float | None:
        """Seconds still to go, from the pace so far; None where that is not known yet."""
        return _remaining(self.doing, now)


def _remaining(doing: dict[str, Any], now: float) -> float | None:
    """Seconds still to go with something that is told as {"share", "since"}."""
    share, since = doing.get("share"), doing.get("since")
    return (now - since) * (1 - share) / share if share and since else None


def run_of(row: RowMapping) -> Run:
    """The run in a row of the table of runs."""
    return Run(
        id=row["id"],
        hash=row["hash"],
        role=row["role"],
        experiment=Experiment.stored(row["experiment"]),
        state=row["state"],
        created=row["created"],
        started=row["started"],
        finished=row["finished"],
        doing=row["doing"] or {},
        step=row["step"],
        info=row["info"] or {},
        result=row["result"] or {},
        error=_problem(row["error"]),
    )


def job_of(row: RowMapping) -> Job:
    """The job in a row of the table of jobs."""
    return Job(row["key"], row["kind"], row["spec"], row["state"], row["doing"] or {}, _problem(row["error"]))


def _problem(text: str | None) -> Problem | None:
    return Problem.from_json(text) if text else None
