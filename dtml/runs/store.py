"""The store: runs, their metrics, and jobs, in SQLite or, by `DTML_STORE`, in another database.

Every change of state is one transaction that names the states it may come from, so that two workers never
run the same thing. Arrays and weights are files; see `dtml.runs.folder`.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.engine import Connection, RowMapping

from dtml import paths
from dtml.errors import Problem
from dtml.experiment import Experiment, Role
from dtml.language import mark
from dtml.runs.database import jobs_table, metrics_table, open_database, runs_table
from dtml.runs.records import Job, Run, State, job_of, run_of

STALE = 30.0
"""Seconds without a heartbeat after which a run or job is lost."""
ATTEMPTS = 3
"""How often a run that was lost is taken up again."""


class Store:
    """The verbs on runs and jobs."""

    def __init__(self, url: str | None = None) -> None:
        url = url or os.environ.get("DTML_STORE") or f"sqlite:///{paths.home() / 'store.sqlite'}"
        self.engine = open_database(url)

    # -- asking for runs

    def launch(self, experiment: Experiment, references: Iterable[Role] = ("twin",)) -> Run:
        """Queue an experiment and, for an adapted one, its references that no run has yet. Returns its run."""
        run = self.submit(experiment)
        if experiment.adapts:
            for role, reference in experiment.references().items():
                if role in references and self.find(reference.hash) is None:
                    self.submit(reference)
        return run

    def submit(self, experiment: Experiment, *, taken: bool = False) -> Run:
        """Queue one run; `taken` where the caller runs it itself at once."""
        identity = f"{experiment.task.name}-{_label(experiment)}-{secrets.token_hex(3)}"
        row = {
            "id": identity,
            "hash": experiment.hash,
            "role": experiment.role,
            "experiment": experiment.to_json(),
            "state": "running" if taken else "queued",
            "created": time.time(),
            "attempts": int(taken),
            "cancel": False,
            "step": 0,
        }
        if taken:
            row |= {"started": time.time(), "heartbeat": time.time()}
        with self.engine.begin() as connection:
            connection.execute(insert(runs_table).values(row))
        return self.run(identity)

    def find(self, hash: str) -> Run | None:  # noqa: A002
        """The run of an experiment that is finished, or else on its way; the newest of several."""
        for states in (["finished"], ["queued", "running", "lost"]):
            query = select(runs_table).where(runs_table.c.hash == hash, runs_table.c.state.in_(states))
            rows = self._rows(query.order_by(runs_table.c.created.desc()).limit(1))
            if rows:
                return run_of(rows[0])
        return None

    def find_all(self, hashes: Iterable[str]) -> dict[str, Run]:
        """What `find` gives for each of these experiments that has a run, by hash, in few queries."""
        wanted, found = sorted(set(hashes)), dict[str, Run]()
        for first in range(0, len(wanted), 500):
            mine = runs_table.c.hash.in_(wanted[first : first + 500])
            living = runs_table.c.state.in_(["finished", "queued", "running", "lost"])
            query = select(runs_table).where(mine, living)
            for row in self._rows(query.order_by(runs_table.c.state == "finished", runs_table.c.created)):
                found[row["hash"]] = run_of(row)  # what comes last stays: finished ones, the newest
        return found

    def reference(self, run: Run, role: Role) -> Run | None:
        """The run that `run` is held against in this role, if there is one."""
        return self.find(run.experiment.references()[role].hash)

    def forerunner(self, run: Run) -> Run | None:
        """The longest finished run that `run`, which has further steps, can go on from."""
        if not run.experiment.training.more:
            return None
        finished = self.runs(states=["finished"])
        able = [other for other in finished if run.experiment.continues(other.experiment)]
        return max(able, key=lambda other: other.experiment.training.more, default=None)

    def go_on(self, identity: str) -> bool:
        """Queue a cancelled run again; it goes on from its last checkpoint. False where it was not cancelled."""
        with self.engine.begin() as connection:
            return _move(
                connection, identity, ("cancelled",), "queued", cancel=False, attempts=0, finished=None, error=None
            )

    def cancel(self, identity: str) -> None:
        """Ask for a run to stop; one that waits is cancelled at once."""
        with self.engine.begin() as connection:
            connection.execute(update(runs_table).where(runs_table.c.id == identity).values(cancel=True))
            _move(connection, identity, ("queued", "lost"), "cancelled", finished=time.time())

    # -- reading

    def run(self, identity: str) -> Run:
        """The run with this id; raises Problem where there is none."""
        rows = self._rows(select(runs_table).where(runs_table.c.id == identity))
        if not rows:
            raise Problem(mark("There is no run '{id}'; `dtml runs` lists those there are."), id=identity)
        return run_of(rows[0])

    def runs(self, limit: int = 200, states: Iterable[State] | None = None) -> list[Run]:
        """The newest runs first."""
        query = select(runs_table).order_by(runs_table.c.created.desc()).limit(limit)
        if states is not None:
            query = query.where(runs_table.c.state.in_(list(states)))
        return [run_of(row) for row in self._rows(query)]

    def metrics(self, identity: str, after: int = -1) -> list[tuple[int, dict[str, float]]]:
        """(step, values) of a run, later than step `after`, in order."""
        query = select(metrics_table.c.step, metrics_table.c["values"]).where(
            metrics_table.c.run == identity, metrics_table.c.step > after
        )
        return [
            (row["step"], row["values"]) for row in self._rows(query.order_by(metrics_table.c.step, metrics_table.c.id))
        ]

    # -- working on runs

    def claim(self) -> Run | None:
        """Take the oldest waiting run; None where nothing waits."""
        waiting = (
            select(runs_table.c.id)
            .where(
                runs_table.c.state.in_(["queued", "lost"]),
                runs_table.c.attempts < ATTEMPTS,
                runs_table.c.cancel.is_(False),
            )
            .order_by(runs_table.c.created)
        )
        for row in self._rows(waiting.limit(5)):
            if self.take(row["id"]):
                return self.run(row["id"])
        return None

    def take(self, identity: str) -> bool:
        """Mark this waiting run as running; False where another was quicker."""
        now = time.time()
        with self.engine.begin() as connection:
            return _move(
                connection,
                identity,
                ("queued", "lost"),
                "running",
                started=now,
                heartbeat=now,
                attempts=runs_table.c.attempts + 1,
            )

    def progress(
        self,
        identity: str,
        *,
        step: int | None = None,
        doing: dict[str, Any] | None = None,
        info: dict[str, Any] | None = None,
    ) -> bool:
        """Tell how far a run is, and that it is alive. Returns False where it was asked to stop."""
        given = {"step": step, "doing": doing, "info": info}
        changes = {name: value for name, value in given.items() if value is not None}
        with self.engine.begin() as connection:
            connection.execute(
                update(runs_table).where(runs_table.c.id == identity).values(heartbeat=time.time(), **changes)
            )
            cancelled = connection.execute(select(runs_table.c.cancel).where(runs_table.c.id == identity)).scalar_one()
        return not cancelled

    def record(self, identity: str, metrics: list[tuple[int, dict[str, float]]]) -> None:
        """Append metrics of a run."""
        if metrics:
            rows = [{"run": identity, "step": step, "values": values} for step, values in metrics]
            with self.engine.begin() as connection:
                connection.execute(insert(metrics_table), rows)

    def forget_metrics(self, identity: str, after: int) -> None:
        """Drop metrics later than step `after`: a resumed run tells them again."""
        with self.engine.begin() as connection:
            connection.execute(
                metrics_table.delete().where(metrics_table.c.run == identity, metrics_table.c.step > after)
            )

    def finish(self, identity: str, result: dict[str, Any]) -> None:
        """The run is done."""
        self._end(identity, "finished", result=result)

    def fail(self, identity: str, problem: Problem) -> None:
        """The run cannot go on."""
        self._end(identity, "failed", error=problem.to_json())

    def cancelled(self, identity: str) -> None:
        """The run has stopped as it was asked to."""
        self._end(identity, "cancelled")

    def lose(self, identity: str) -> None:
        """The run's process was stopped; another takes it up, unless it was asked to stop."""
        with self.engine.begin() as connection:
            _move(connection, identity, ("running",), "lost")
            _let_go(connection)

    @contextmanager
    def pulse(self, *, run: str | None = None, job: str | None = None) -> Iterator[None]:
        """Heartbeats from a thread while the block works, however long it stays silent."""
        table, column, value = (runs_table, runs_table.c.id, run) if run else (jobs_table, jobs_table.c.key, job)
        done = threading.Event()

        def beat() -> None:
            while not done.wait(STALE / 6):
                with self.engine.begin() as connection:
                    connection.execute(update(table).where(column == value).values(heartbeat=time.time()))

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def reap(self) -> None:
        """Mark as lost what has not been heard of; what was lost too often has failed, what was cancelled has ended."""
        deadline = time.time() - STALE
        with self.engine.begin() as connection:
            for table in (runs_table, jobs_table):
                stale = (table.c.state == "running") & (table.c.heartbeat < deadline)
                connection.execute(update(table).where(stale).values(state="lost"))
            _let_go(connection)
            given_up = (runs_table.c.state == "lost") & (runs_table.c.attempts >= ATTEMPTS)
            lost = Problem(
                mark("The run was lost {attempts} times; see the worker's log (`dtml doctor` tells where)."),
                attempts=ATTEMPTS,
            )
            connection.execute(
                update(runs_table).where(given_up).values(state="failed", error=lost.to_json(), finished=time.time())
            )

    # -- jobs

    def request(self, kind: str, key: str, spec: dict[str, Any], *, again: bool = False) -> Job:
        """Ask for a job once, whoever asks; a failed one is tried again, and with `again` a finished one, too."""
        with self.engine.begin() as connection:
            known = connection.execute(select(jobs_table.c.state).where(jobs_table.c.key == key)).scalar_one_or_none()
            row = {"kind": kind, "spec": spec, "state": "queued", "created": time.time(), "error": None, "doing": None}
            if known is None:
                connection.execute(insert(jobs_table).values(key=key, **row))
            elif known == "failed" or (again and known == "finished"):
                connection.execute(update(jobs_table).where(jobs_table.c.key == key).values(**row))
        return self.job(key)

    def job(self, key: str) -> Job:
        """The job with this key."""
        return job_of(self._rows(select(jobs_table).where(jobs_table.c.key == key))[0])

    def find_job(self, key: str) -> Job | None:
        """The job with this key, if it was asked for."""
        return self.job(key) if self._rows(select(jobs_table.c.key).where(jobs_table.c.key == key)) else None

    def waits(self, kind: str) -> bool:
        """Whether a job of a kind waits for who does it."""
        waiting = (jobs_table.c.kind == kind) & jobs_table.c.state.in_(["queued", "lost"])
        return bool(self._rows(select(jobs_table.c.key).where(waiting).limit(1)))

    def claim_job(self, kind: str) -> Job | None:
        """Take the oldest waiting job of a kind."""
        waiting = select(jobs_table.c.key).where(jobs_table.c.kind == kind, jobs_table.c.state.in_(["queued", "lost"]))
        for row in self._rows(waiting.order_by(jobs_table.c.created).limit(5)):
            with self.engine.begin() as connection:
                mine = (jobs_table.c.key == row["key"]) & jobs_table.c.state.in_(["queued", "lost"])
                changed = connection.execute(
                    update(jobs_table).where(mine).values(state="running", heartbeat=time.time())
                )
                if changed.rowcount:
                    return self.job(row["key"])
        return None

    def tell_job(self, key: str, doing: dict[str, Any]) -> None:
        """Tell how far a job is."""
        with self.engine.begin() as connection:
            connection.execute(
                update(jobs_table).where(jobs_table.c.key == key).values(doing=doing, heartbeat=time.time())
            )

    def end_job(self, key: str, problem: Problem | None = None) -> None:
        """The job is done, or cannot be done."""
        state = "failed" if problem else "finished"
        with self.engine.begin() as connection:
            error = problem.to_json() if problem else None
            connection.execute(update(jobs_table).where(jobs_table.c.key == key).values(state=state, error=error))

    def counts(self) -> dict[str, int]:
        """How many runs are in each state."""
        rows = self._rows(select(runs_table.c.state, func.count().label("n")).group_by(runs_table.c.state))
        return {row["state"]: row["n"] for row in rows}

    def idle(self) -> bool:
        """Whether no run and no job waits or is worked on."""
        open_ = ("queued", "running", "lost")
        queries = (select(table.c.state).where(table.c.state.in_(open_)).limit(1) for table in (runs_table, jobs_table))
        return not any(self._rows(query) for query in queries)

    def _end(self, identity: str, state: State, **values: Any) -> None:
        with self.engine.begin() as connection:
            _move(connection, identity, ("running",), state, finished=time.time(), doing=None, **values)

    def _rows(self, query: Any) -> list[RowMapping]:
        with self.engine.connect() as connection:
            return list(connection.execute(query).mappings())


def _let_go(connection: Connection) -> None:
    """A lost run that was asked to stop is cancelled: nobody else is there to hear it."""
    unheard = (runs_table.c.state == "lost") & runs_table.c.cancel.is_(True)
    connection.execute(update(runs_table).where(unheard).values(state="cancelled", finished=time.time()))


def _move(connection: Connection, identity: str, come_from: tuple[State, ...], state: State, **values: Any) -> bool:
    """Change a run's state if it is in one of the states it may come from."""
    mine = (runs_table.c.id == identity) & runs_table.c.state.in_(come_from)
    return bool(connection.execute(update(runs_table).where(mine).values(state=state, **values)).rowcount)


def _label(experiment: Experiment) -> str:
    if experiment.role == "adapted":
        return "-".join(choice.name for choice in experiment.alignment)
    return experiment.role
