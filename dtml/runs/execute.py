"""One run from its claim to its end: events of training → store and folder."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from dtml import paths, training
from dtml.errors import Problem
from dtml.language import mark
from dtml.runs.folder import RunFolder, copy, write_arrays, write_text
from dtml.runs.pictures import request_picture
from dtml.runs.provenance import versions_here
from dtml.runs.records import Run
from dtml.runs.store import Store
from dtml.training.device import keep_freed_memory

EVERY = 0.5
"""Seconds between two writes of metrics to the store."""


Listener = Callable[[training.Event | training.Preparing], None]


class _Cancelled(Exception):
    """The run was asked to stop."""


def execute(store: Store, run: Run, listen: Listener = lambda event: None) -> Run:
    """Train a claimed run and record everything; whatever goes wrong becomes the run's state.

    Args:
        listen: told each event once it is recorded.
    """
    keep_freed_memory()
    recorder = _Recorder(store, run)

    def report(what: str, share: float) -> None:
        recorder.report(what, share)
        listen(training.Preparing(what, share))

    try:
        with store.pulse(run=run.id):
            for event in training.train(run.experiment, report=report, resume=recorder.resume()):
                recorder.take(event)
                listen(event)
    except (_Cancelled, KeyboardInterrupt):
        recorder.write()
        store.cancelled(run.id)
    except Problem as problem:
        recorder.write()
        store.fail(run.id, problem)
    except Exception as error:  # noqa: BLE001  # whatever a method does, the run must end in a state
        traceback.print_exc()
        recorder.write()
        store.fail(run.id, _unexpected(error, run))
    return store.run(run.id)


def _unexpected(error: Exception, run: Run) -> Problem:
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return Problem(
            mark("The memory did not suffice; lower 'training.batch_size' (now {size})."),
            size=run.experiment.training.batch_size,
        )
    told = f"{type(error).__name__}: {error}"
    log = RunFolder(run.id).log
    if not log.exists():  # in the foreground it goes to the terminal
        return Problem(mark("The run stopped on an unexpected error ({error})."), error=told)
    return Problem(mark("The run stopped on an unexpected error ({error}); its log is {log}."), error=told, log=log)


class _Recorder:
    """Writes events down, the frequent ones about twice a second."""

    def __init__(self, store: Store, run: Run) -> None:
        self._store, self._run, self._folder = store, run, RunFolder(run.id)
        self._waiting: list[tuple[int, dict[str, float]]] = []
        self._step = 0
        self._info: dict[str, Any] = {}
        self._last = 0.0
        self._preparing = ("", 1.0)
        self._since = 0.0
        write_text(self._folder.experiment, run.experiment.to_toml())

    def resume(self) -> dict[str, Any] | None:
        """The state of the last checkpoint of a run that was lost, or of the shorter run that this one goes on from."""
        if not self._folder.checkpoint.exists() and not self._inherit():
            return None
        state: dict[str, Any] = torch.load(self._folder.checkpoint, weights_only=True)
        self._store.forget_metrics(self._run.id, after=state["step"])
        self._step = state["step"]
        return state

    def _inherit(self) -> bool:
        """Take over what a finished shorter run of the same experiment left: snapshots, metrics, its last state."""
        shorter = self._store.forerunner(self._run)
        if shorter is None or not (theirs := RunFolder(shorter.id)).checkpoint.exists():
            return False
        for step in theirs.steps():
            copy(theirs.snapshot(step), self._folder.snapshot(step))
        self._store.forget_metrics(self._run.id, after=-1)
        self._store.record(self._run.id, self._store.metrics(shorter.id))
        copy(theirs.checkpoint, self._folder.checkpoint)
        return True

    def report(self, what: str, share: float) -> None:
        """Something takes long before the first step."""
        if what != self._preparing[0] or share < self._preparing[1]:
            self._since = time.time()
        self._preparing = (what, share)
        if share in (0.0, 1.0) or time.monotonic() - self._last > EVERY:
            self._last = time.monotonic()
            self._tell(doing={"what": what, "share": share, "since": self._since})

    def take(self, event: training.Event) -> None:
        match event:
            case training.Started():
                self._started(event)
            case training.PhaseStarted():
                self._phase(event)
            case training.Progressed():
                self._waiting.append((event.step, event.metrics))
                self._step = event.step
                if time.monotonic() - self._last > EVERY:
                    self.flush()
            case training.Snapshot():
                self._snapshot(event)
            case training.Finished():
                self._finished(event)

    def write(self) -> None:
        """Write the metrics that wait."""
        self._store.record(self._run.id, self._waiting)
        self._waiting = []

    def flush(self) -> None:
        """Write what waits and how far the run is, and hear whether to stop."""
        self.write()
        self._last = time.monotonic()
        self._tell(step=self._step)

    def _tell(self, **what: Any) -> None:
        if not self._store.progress(self._run.id, **what):
            raise _Cancelled

    def _started(self, event: training.Started) -> None:
        probe = event.probe
        write_arrays(
            self._folder.probe,
            inputs=probe.inputs,
            labels=probe.labels,
            domains=probe.domains,
            ids=probe.ids,
            classes=np.array(probe.classes),
            **({} if probe.shown is None else {"shown": probe.shown}),
        )
        self._info = {
            "device": event.device,
            "precision": event.precision,
            "parameters": event.parameters,
            "counts": event.counts,
            "versions": versions_here(),
            "remarks": [remark.to_json() for remark in event.remarks],
            "phases": [
                {"name": p.name, "title": list(p.title), "step": p.step, "steps": p.steps} for p in event.phases
            ],
            "pid": os.getpid(),
        }
        self._tell(info=self._info)

    def _phase(self, event: training.PhaseStarted) -> None:
        begun = {"step": max(event.step, self._step), "time": time.time()}
        self._info = self._info | {"since": begun}
        self._tell(info=self._info, doing={"what": event.title.en, "share": None})

    def _snapshot(self, event: training.Snapshot) -> None:
        seen = {"embeddings": event.embeddings, "probabilities": event.probabilities, **event.boundary}
        write_arrays(self._folder.snapshot(event.step), **seen)
        if event.pictures:
            write_arrays(self._folder.pictures, **event.pictures)
        with paths.replacing(self._folder.checkpoint) as temporary:
            torch.save(event.state, temporary)
        self._waiting.append((event.step, event.metrics))
        self._step = event.step
        self.flush()

    def _finished(self, event: training.Finished) -> None:
        weights = {name: value.contiguous().cpu() for name, value in event.model.state_dict().items()}
        with paths.replacing(self._folder.model) as temporary:
            save_file(weights, temporary)
        write_arrays(self._folder.predictions, **event.predictions)
        self.flush()
        self._store.finish(self._run.id, event.result)
        request_picture(self._store, self._store.run(self._run.id))
