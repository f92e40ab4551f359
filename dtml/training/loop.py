"""The one training loop. It knows phases, not strategies, and tells what happens as events."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.optim import Optimizer

from dtml import catalogue
from dtml.errors import Problem
from dtml.experiment import Choice, Experiment
from dtml.language import mark
from dtml.losses import Loss
from dtml.representation import Representation
from dtml.strategies import Phase
from dtml.training.augmentation import augment
from dtml.training.batches import Order, Samples
from dtml.training.data import Data, Report, as_features, prepare
from dtml.training.device import autocast, fast_type, pick_device, set_threads
from dtml.training.evaluation import accuracy, look
from dtml.training.events import Event, Finished, PhaseStarted, Probe, Progressed, Snapshot, Started
from dtml.training.model import Model, as_input, build, starts_learned
from dtml.training.optimisation import clip, optimiser, set_rate

WINDOWS = 200
"""How many times a run reports its metrics."""
OVERWHELMING = 1000.0
"""How many times a loss term must exceed the others to be named as the cause when training breaks down."""


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
    run = _prepare(experiment, report or _silent)
    yield run.started
    if resume is None:
        yield run.snapshot(0, 0, None)
    else:
        run.load(resume)
    first = resume["phase"] if resume else 0
    for number, phase in enumerate(run.phases):
        if number >= first:
            yield from _run_phase(run, number, phase, resume if number == first else None)
    yield run.finished()


def _silent(what: str, share: float) -> None:
    """Nobody is listening."""


@dataclass
class _Run:
    """Everything that a run's steps share."""

    experiment: Experiment
    device: torch.device
    dtype: torch.dtype | None
    model: Model
    alignment: list[Loss]
    metric: list[Loss]
    phases: list[Phase]
    data: Data
    probe: Probe
    started: Started
    report: Report
    clock: _Clock
    oracle: float = 0.0
    raw: Data = field(init=False)

    def __post_init__(self) -> None:
        self.raw = self.data

    @property
    def losses(self) -> list[Loss]:
        return [*self.alignment, *self.metric]

    def enter(self, phase: Phase) -> None:
        """Prepare model and data for a phase: features that never change are computed once."""
        constant = phase.frozen_backbone and self.experiment.training.augmentation == "none"
        if constant and not self.data.features:
            keep = starts_learned(self.experiment)
            self.data = as_features(self.raw, self.model, self.dtype, self.report, keep)
        elif not constant:
            self.data = self.raw
        self.model.set_moving(list(phase.rates))

    def snapshot(self, step: int, phase: int, optimiser: Optimizer | None) -> Snapshot:
        """The probe as the model sees it now."""
        seen = [self.look(name) for name in ("probe_source", "probe_target", "validation")]
        labels = [self.data.looks[name].labels.cpu().numpy() for name in ("probe_source", "probe_target", "validation")]
        names = ("source_accuracy", "target_accuracy", "source_validation_accuracy")
        scores = [accuracy(p, y) for (_e, p), y in zip(seen, labels, strict=True)]
        metrics = {name: score for name, score in zip(names, scores, strict=True) if score is not None}
        self.oracle = max(self.oracle, metrics.get("target_accuracy", 0.0))
        embeddings, probabilities = (torch.cat([torch.from_numpy(s[i]) for s in seen[:2]]).numpy() for i in (0, 1))
        return Snapshot(step, embeddings, probabilities, metrics, self.state(step, phase, optimiser))

    def look(self, name: str) -> tuple[Any, Any]:
        return look(self.model, self.data.looks[name], self.dtype, self.data.features)

    def state(self, step: int, phase: int, optimiser: Optimizer | None) -> dict[str, Any]:
        return {
            "step": step,
            "phase": phase,
            "model": self.model.state_dict(),
            "losses": [loss.state_dict() for loss in self.losses],
            "optimiser": optimiser.state_dict() if optimiser else None,
            "oracle": self.oracle,
            "seconds": self.clock.seconds,
        }

    def load(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        for loss, values in zip(self.losses, state["losses"], strict=True):
            loss.load_state_dict(values)
        self.oracle, self.clock.seconds = state["oracle"], state["seconds"]

    def finished(self) -> Finished:
        """Accuracies of the last checkpoint on the whole test splits."""
        result: dict[str, Any] = {}
        predictions = {}
        for domain in ("source", "target"):
            probabilities = self.look(f"test_{domain}")[1]
            labels = self.data.looks[f"test_{domain}"].labels.cpu().numpy()
            result[f"{domain}_test_accuracy"] = accuracy(probabilities, labels)
            predictions[domain] = probabilities.argmax(1)
        validation = self.data.looks["validation"].labels.cpu().numpy()
        result["source_validation_accuracy"] = accuracy(self.look("validation")[1], validation)
        result["oracle_target_accuracy"] = self.oracle or None
        result["checkpoint"] = "last"
        result["seconds"] = round(self.clock.seconds, 3)
        return Finished(result, predictions, self.model)


class _Clock:
    """Seconds spent in training, without what the consumer of the events does between them."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __enter__(self) -> None:
        self._since = time.perf_counter()

    def __exit__(self, *_exception: object) -> None:
        self.seconds += time.perf_counter() - self._since


def _prepare(experiment: Experiment, report: Report) -> _Run:
    set_threads()
    device = pick_device()
    report(mark("Loading the data"), 0.0)
    task = catalogue.create("task", experiment.task.name, **experiment.task.params)
    transfer = task.load(experiment.seed, report)
    data, probe = prepare(experiment, transfer, device)
    report(mark("Building the model"), 0.0)
    model = build(experiment, transfer.source.shape, len(transfer.source.classes)).to(device)
    dtype = fast_type(device, experiment.training.precision, images=len(transfer.source.shape) == 3)
    if dtype is not None:
        model.network.to(memory_format=torch.channels_last)
    alignment = _losses("alignment", experiment.alignment, experiment, len(probe.classes), device)
    metric = _losses("metric", experiment.metric, experiment, len(probe.classes), device)
    strategy = catalogue.create("strategy", experiment.strategy.name, **experiment.strategy.params)
    started = Started(
        probe=probe,
        steps=experiment.training.steps,
        device=str(device),
        precision=str(dtype or torch.float32).removeprefix("torch."),
        parameters=sum(p.numel() for p in model.parameters()),
        counts={name: len(s) for name, s in {"source": data.source, "target": data.target, **data.looks}.items() if s},
        remarks=transfer.remarks,
    )
    phases = strategy.phases(list(model.network.stages), starts_learned(experiment))
    run = _Run(experiment, device, dtype, model, alignment, metric, phases, data, probe, started, report, _Clock())
    run.enter(phases[0])
    return run


def _losses(
    kind: str, choices: tuple[Choice, ...], experiment: Experiment, classes: int, device: torch.device
) -> list[Loss]:
    losses: list[Loss] = [
        catalogue.create(kind, choice.name, **choice.params) for choice in choices if choice.name != "none"
    ]
    for loss in losses:
        loss.build(experiment.embedding.dim, classes)
    return [loss.to(device) for loss in losses]


def _run_phase(run: _Run, number: int, phase: Phase, resume: dict[str, Any] | None) -> Iterator[Event]:
    training = run.experiment.training
    first, last = _bounds(run.phases, number, training.steps)
    run.enter(phase)
    yield PhaseStarted(phase.name, phase.title, first, last - first)
    optimiser_ = optimiser(run.model, run.losses, phase, training)
    begin = first
    if resume and resume["optimiser"]:
        optimiser_.load_state_dict(resume["optimiser"])
        begin = resume["step"]
    orders = {
        name: Order(len(s), training.batch_size, (run.experiment.seed, number, side))
        for side, (name, s) in enumerate((("source", run.data.source), ("target", run.data.target)))
        if s and (phase.adapts or s is run.data.supervised)
    }
    window = _Window(run.device)
    every = max(1, training.steps // WINDOWS)
    pictures = {round(training.steps * i / training.snapshots) for i in range(1, training.snapshots + 1)}
    for step in range(begin, last):
        with run.clock:
            progress = (step - first) / (last - first)
            set_rate(optimiser_, training, progress)
            _step(run, optimiser_, orders, window, step, progress)
            flush = (step + 1) % every == 0 or step + 1 in pictures or step + 1 == last
            metrics = window.flush() if flush else None
        if metrics is not None:
            yield Progressed(step + 1, {**metrics, "learning_rate": optimiser_.param_groups[-1]["lr"]})
        if step + 1 in pictures:
            with run.clock:
                snapshot = run.snapshot(step + 1, number, optimiser_)
            yield snapshot


def _bounds(phases: list[Phase], number: int, steps: int) -> tuple[int, int]:
    """The first step of a phase and the one after its last."""
    edges = [round(steps * sum(p.share for p in phases[:i])) for i in (number, number + 1)]
    return edges[0], edges[1]


def _step(
    run: _Run, optimiser: Optimizer, orders: dict[str, Order], window: _Window, step: int, progress: float
) -> None:
    """One batch of each domain, one forward, one update."""
    torch.manual_seed(run.experiment.seed * 1_000_003 + step)
    source, target, labels = _forward(run, orders, step)
    terms = {
        "classification": cross_entropy(source.logits, labels, label_smoothing=run.experiment.training.label_smoothing)
    }
    if target is not None:
        terms |= {loss.name: loss.params.weight * loss(source, target, progress) for loss in run.alignment}
    terms |= {loss.name: loss.params.weight * loss(source.embedding, labels) for loss in run.metric}
    window.add(step, terms, source, labels, run.losses)
    torch.stack(list(terms.values())).sum().backward()  # type: ignore[no-untyped-call]
    clip(run.model, run.experiment.training.gradient_clip)
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)


def _forward(run: _Run, orders: dict[str, Order], step: int) -> tuple[Representation, Representation | None, Tensor]:
    """Representations of the supervised domain, of the other one where it is seen, and the labels."""
    batches = [
        _batch(samples, orders[name], step)
        for name, samples in (("source", run.data.source), ("target", run.data.target))
        if samples and name in orders
    ]
    raw, labels = batches[0]
    inputs = torch.cat([batch[0] for batch in batches])
    with autocast(run.device, run.dtype):
        if run.data.features:
            seen = run.model.from_features(inputs)
        else:
            seen = run.model(augment(as_input(inputs), run.experiment.training.augmentation))
    seen = Representation(seen.features.float(), seen.embedding.float(), seen.logits.float())
    if len(batches) == 1:
        return seen, None, labels
    source, target = seen.split(len(raw))
    return source, target, labels


def _batch(samples: Samples, order: Order, step: int) -> tuple[Tensor, Tensor]:
    return samples.take(order.batch(step))


class _Window:
    """Sums of metrics on the device, read once in a while; the first step with a loss that is not finite."""

    def __init__(self, device: torch.device) -> None:
        self._immediate = device.type == "cpu"
        self._sums: dict[str, Tensor] = {}
        self._count = 0
        self._terms: list[str] = []
        self._bad: Tensor | None = None
        self._before: Tensor | None = None

    def add(
        self, step: int, terms: dict[str, Tensor], source: Representation, labels: Tensor, losses: list[Loss]
    ) -> None:
        values = {f"loss/{name}": value.detach() for name, value in terms.items()}
        values["batch_accuracy"] = (source.logits.detach().argmax(1) == labels).float().mean()
        for loss in losses:
            values |= {f"{loss.name}/{name}": value for name, value in loss.watched.items()}
        for name, value in values.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value
        self._count += 1
        self._note_bad(step, terms)

    def _note_bad(self, step: int, terms: dict[str, Tensor]) -> None:
        self._terms = list(terms)
        values = torch.stack([value.detach() for value in terms.values()])
        finite = values.isfinite()
        now = torch.where(finite, torch.inf, float(step))
        self._bad = now if self._bad is None else torch.minimum(self._bad, now)
        self._before = values if self._before is None else torch.where(finite.all(), values, self._before)
        if self._immediate:
            self._refuse()

    def _refuse(self) -> None:
        steps = self._bad.tolist() if self._bad is not None else []
        broken = [(step, name) for step, name in zip(steps, self._terms, strict=True) if step != float("inf")]
        if broken:
            step, name = min(broken, key=lambda found: found[0])
            raise _not_finite(int(step), self._overwhelming() or name)

    def _overwhelming(self) -> str | None:
        """The term that was far larger than all others when all were finite last."""
        assert self._before is not None, "a step was noted"
        largest, *others = sorted(zip(self._before.abs().tolist(), self._terms, strict=True), reverse=True)
        return largest[1] if others and largest[0] > OVERWHELMING * max(1.0, others[0][0]) else None

    def flush(self) -> dict[str, float]:
        """The means since the last flush.

        Raises:
            Problem: where a loss term was not finite.
        """
        self._refuse()
        means = (torch.stack([v.float() for v in self._sums.values()]) / self._count).tolist()
        metrics = dict(zip(self._sums, means, strict=True))
        self._sums, self._count = {}, 0
        return metrics


def _not_finite(step: int, term: str) -> Problem:
    if term == "classification":
        return Problem(
            mark(
                "The loss was not a finite number at step {step}; the learning rate is likely too high: lower "
                "'training.learning_rate', or set 'training.gradient_clip'."
            ),
            step=step,
        )
    return Problem(
        mark(
            "The loss term '{term}' was not a finite number at step {step}; lower its weight or "
            "'training.learning_rate'."
        ),
        term=term,
        step=step,
    )
