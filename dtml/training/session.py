"""What all steps of one run share: model, losses, data, clock; what it shows of itself, and how it ends."""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from dtml import catalogue
from dtml.alignment import Alignment
from dtml.errors import Problem
from dtml.experiment import Choice, Experiment
from dtml.fitness import no_batch_norm
from dtml.language import mark
from dtml.losses import Loss
from dtml.measures import Evidence
from dtml.metric import Metric
from dtml.strategies import Phase, Scene
from dtml.training.boundary import Plane
from dtml.training.data import Report, as_features, prepare
from dtml.training.device import fast_type, pick_device, set_threads
from dtml.training.evaluation import accuracy, look, sample_transfer
from dtml.training.events import Finished, PhaseStarted, Snapshot, Started
from dtml.training.model import Model, batch_norms, build, encoder, model_shape, starts_learned

if TYPE_CHECKING:
    from dtml.training.step import Stepper

PROBES = ("probe_source", "probe_target", "validation")


class Session:
    """One run from its first look at the data to its result."""

    def __init__(self, experiment: Experiment, report: Report) -> None:
        set_threads()
        self.experiment, self.report = experiment, report
        self.device = pick_device()
        self.clock = Clock()
        report(mark("Loading the data"), 0.0)
        task = catalogue.create("task", experiment.task.name, **experiment.task.params)
        transfer = task.load(experiment.seed, report)
        self.data, self.probe = prepare(experiment, transfer, self.device)
        self._raw = self.data
        report(mark("Building the model"), 0.0)
        self._shape = encoder(experiment)(transfer.source.inputs[:1]).shape[1:]
        self.model = build(experiment, self._shape, len(transfer.source.classes)).to(self.device)
        images = len(self._shape) == 3
        self.dtype = fast_type(self.device, experiment.training.precision, images)
        if self.dtype is not None:
            self.model.network.to(memory_format=torch.channels_last)
        self.alignment: list[Alignment] = self._losses("alignment", experiment.alignment)
        self.metric: list[Metric] = self._losses("metric", experiment.metric)
        self.phases = _phases(experiment, self.model)
        self._plane = Plane.around(self.probe.inputs) if self._shape == (2,) else None
        self._best: dict[str, Any] | None = None
        self._oracle = 0.0
        self.started = self._started(transfer.remarks)
        self.enter(self.phases[0])

    @property
    def losses(self) -> list[Loss]:
        """All loss terms that are components."""
        return [*self.alignment, *self.metric]

    def _losses(self, kind: str, choices: tuple[Choice, ...]) -> list[Any]:
        made = [catalogue.create(kind, choice.name, **choice.params) for choice in choices if choice.name != "none"]
        for loss in made:
            loss.build(self.experiment.embedding.dim, len(self.probe.classes))
        return [loss.to(self.device) for loss in made]

    def _started(self, remarks: list[Problem]) -> Started:
        data = self.data
        sets = {"source": data.source, "target": data.target, "labelled": data.labelled, **data.looks}
        return Started(
            probe=self.probe,
            steps=self.experiment.training.total,
            device=str(self.device),
            precision=str(self.dtype or torch.float32).removeprefix("torch."),
            parameters=sum(p.numel() for p in self.model.parameters()),
            counts={name: len(samples) for name, samples in sets.items() if samples},
            remarks=remarks,
            phases=[self._planned(number) for number in range(len(self.phases))],
        )

    def _planned(self, number: int) -> PhaseStarted:
        phase, (first, end) = self.phases[number], self.bounds(number)
        last = self.experiment.training.total if phase is self.phases[-1] else end
        return PhaseStarted(phase.name, phase.title, first, last - first)

    def bounds(self, number: int) -> tuple[int, int]:
        """The first step of a phase and the one after its last, further steps not counted."""
        steps = self.experiment.training.steps
        first, end = (round(steps * sum(p.share for p in self.phases[:i])) for i in (number, number + 1))
        return first, end

    def enter(self, phase: Phase) -> None:
        """Prepare model and data for a phase: features that never change are computed once."""
        constant = phase.frozen_backbone and self.experiment.training.augmentation == "none"
        if constant and not self.data.features:
            keep = starts_learned(self.experiment)
            self.data = as_features(self._raw, self.model, self.dtype, self.report, keep)
        elif not constant:
            self.data = self._raw
        self.model.set_moving(list(phase.rates))

    def scene(self) -> Scene:
        """What an objective may look at."""
        return Scene(self.model, model_shape(self._shape), len(self.probe.classes), self._look_at_target)

    def _look_at_target(self) -> tuple[Tensor, Tensor]:
        assert self.data.target is not None
        seen = look(self.model, self.data.target, self.dtype, self.data.features, target=True)
        embeddings, probabilities = (torch.from_numpy(part).to(self.device) for part in seen)
        return embeddings, probabilities

    # -- looking --------------------------------------------------------------------------------------

    def snapshot(self, step: int, phase: int, stepper: Stepper | None) -> Snapshot:
        """The probe as the model sees it now."""
        seen = {name: self.look(name) for name in PROBES}
        labels = {name: self.data.looks[name].labels.cpu().numpy() for name in PROBES}
        names = ("source_accuracy", "target_accuracy", "source_validation_accuracy")
        scores = [accuracy(seen[probe][1], labels[probe]) for probe in PROBES]
        metrics = {name: score for name, score in zip(names, scores, strict=True) if score is not None}
        self._oracle = max(self._oracle, metrics.get("target_accuracy", 0.0))
        metrics |= self._validate(step, seen["validation"], labels["validation"])
        embeddings, probabilities = (np.concatenate([seen[name][i] for name in PROBES[:2]]) for i in (0, 1))
        pictures = stepper.objective.pictures() if stepper and stepper.objective else {}
        state = self.state(step, phase, stepper)
        return Snapshot(step, embeddings, probabilities, metrics, state, pictures, self._boundary())

    def _boundary(self) -> dict[str, Any]:
        """The class probabilities over the plane of the inputs, where they have one."""
        if self._plane is None:
            return {}
        seen = self._plane.probabilities(self.model, self.device)
        return {"boundary": seen, "boundary_x": self._plane.x, "boundary_y": self._plane.y}

    def look(self, name: str) -> tuple[Any, Any]:
        """Embeddings and probabilities of the samples `name`."""
        samples = self.data.looks[name]
        return look(self.model, samples, self.dtype, self.data.features, target=name.endswith("target"))

    def _validate(self, step: int, seen: tuple[Any, Any], labels: Any) -> dict[str, float]:
        """The score of the validator, where one chooses the checkpoint; the best state so far is kept."""
        name = self.experiment.training.checkpoint
        if name == "last" or step == 0:
            return {}
        target = self.look("validation_target")
        score = float(catalogue.create("measure", name)(Evidence(*seen, labels, *target), self.experiment.seed))
        if self._best is None or score > self._best["score"]:
            self._best = {"score": score, "step": step, "model": copy.deepcopy(self.model.state_dict())}
        return {f"validator/{name}": score}

    # -- going on -------------------------------------------------------------------------------------

    def state(self, step: int, phase: int, stepper: Stepper | None) -> dict[str, Any]:
        """Everything to go on from."""
        return {
            "step": step,
            "phase": phase,
            "model": self.model.state_dict(),
            "losses": [loss.state_dict() for loss in self.losses],
            "stepper": stepper.state() if stepper else None,
            "oracle": self._oracle,
            "best": self._best,
            "seconds": self.clock.seconds,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from such a state."""
        self.model.load_state_dict(state["model"])
        for loss, values in zip(self.losses, state["losses"], strict=True):
            loss.load_state_dict(values)
        self._oracle, self._best, self.clock.seconds = state["oracle"], state["best"], state["seconds"]

    # -- the end --------------------------------------------------------------------------------------

    def finished(self) -> Finished:
        """Accuracies of the chosen checkpoint on the whole test splits."""
        chosen = self.experiment.training.checkpoint
        result: dict[str, Any] = {"checkpoint": chosen, "seconds": round(self.clock.seconds, 3)}
        if self._best:
            last = self._accuracy("test_target", self.look("test_target")[1])
            result |= {"checkpoint_step": self._best["step"], "last_target_test_accuracy": last}
            self.model.load_state_dict(self._best["model"])
            self.data = self._raw  # features that were computed once are those of the last phase's backbone
        embeddings, predictions = {}, {}
        for domain in ("source", "target"):
            name = f"test_{domain}"
            embeddings[domain], probabilities = self.look(name)
            result[f"{domain}_test_accuracy"] = self._accuracy(name, probabilities)
            predictions[domain] = probabilities.argmax(1)
        result["source_validation_accuracy"] = self._accuracy("validation", self.look("validation")[1])
        result["oracle_target_accuracy"] = self._oracle or None
        result |= self._sample_transfer(embeddings["target"])
        return Finished(result, predictions, self.model)

    def _accuracy(self, name: str, probabilities: Any) -> float | None:
        return accuracy(probabilities, self.data.looks[name].labels.cpu().numpy())

    def _sample_transfer(self, target: Any) -> dict[str, float | None]:
        """How well the supervised domain's embeddings classify the target's test samples by their distances."""
        samples = self.data.supervised
        assert samples is not None
        reference = look(self.model, samples, self.dtype, self.data.features, target=samples is self.data.target)[0]
        truth = self.data.looks["test_target"].labels.cpu().numpy()
        return sample_transfer(reference, samples.labels.cpu().numpy(), target, truth)


class Clock:
    """Seconds spent in training, without what the consumer of the events does between them."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __enter__(self) -> None:
        self._since = time.perf_counter()

    def __exit__(self, *_exception: object) -> None:
        self.seconds += time.perf_counter() - self._since


def _phases(experiment: Experiment, model: Model) -> list[Phase]:
    """The phases of the experiment's strategy.

    Raises:
        Problem: where it acts on batch normalisation, and the backbone has none now that it is built.
    """
    strategy = catalogue.create("strategy", experiment.strategy.name, **experiment.strategy.params)
    phases: list[Phase] = strategy.phases(list(model.network.stages), starts_learned(experiment))
    if strategy.needs_batch_norm and not batch_norms(model.network):
        raise no_batch_norm(experiment)
    return phases
