"""One step of a phase: a batch of each domain that it sees, one forward, one update."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import Optimizer

from dtml.alignment import Alignment
from dtml.augmentation import augment
from dtml.losses import Loss
from dtml.representation import Representation
from dtml.strategies import Batch, Objective, Phase
from dtml.training.batches import BalancedOrder, Order, Samples
from dtml.training.device import autocast, set_seed
from dtml.training.model import as_input
from dtml.training.optimisation import clip, gradient_norm, optimiser, set_rate
from dtml.training.session import Session
from dtml.training.window import Window


class Stepper:
    """What the steps of one phase share: orders, optimisers, the phase's objective."""

    def __init__(self, session: Session, number: int, phase: Phase) -> None:
        self.session, self.phase = session, phase
        training = session.experiment.training
        self.objective = phase.objective() if phase.objective else None
        if self.objective:
            set_seed(session.device, session.experiment.seed * 1_000_003 + number)
            self.objective.begin(session.scene())
            self.objective.to(session.device)
        self.window = Window(session.device)
        self._samples = _seen(session, phase)
        self._orders = {
            name: self._order(name, samples, (session.experiment.seed, number))
            for name, samples in self._samples.items()
        }
        opposing = self._opposing()
        taken = set(map(id, opposing))
        players: list[Loss | Objective] = [*(session.losses if phase.losses else [])]
        players += [self.objective] if self.objective else []
        extra = [(p, player.rate) for player in players for p in player.parameters() if id(p) not in taken]
        self._optimiser = optimiser(session.model, phase, extra, training)
        self._opponents = optimiser(None, phase, [(p, 1.0) for p in opposing], training) if opposing else None
        self.rate = training.learning_rate
        self._layers = any(player.needs_layers for player in players)

    def state(self) -> dict[str, Any]:
        """What else a resumed run needs to go on as if it had never stopped."""
        optimisers = [each.state_dict() for each in (self._optimiser, self._opponents) if each]
        return {"optimisers": optimisers, "objective": self.objective.state_dict() if self.objective else None}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from such a state."""
        present = [each for each in (self._optimiser, self._opponents) if each]
        for each, values in zip(present, state["optimisers"], strict=True):
            each.load_state_dict(values)
        if self.objective:
            self.objective.load_state_dict(state["objective"])

    def step(self, step: int, progress: float, watch: bool = False) -> None:
        """One batch of each domain, one forward, one update; `watch` the norm of its gradient."""
        session = self.session
        set_seed(session.device, session.experiment.seed * 1_000_003 + step)
        batch = self._batch(step, progress)
        if self._opponents:
            set_rate(self._opponents, session.experiment.training, progress)
            self._oppose(self._opponents, batch)
        terms = self._own_terms(batch) if self.phase.losses else {}
        terms |= self.objective.terms(batch) if self.objective else {}
        self.window.add(step, terms, self._watched(batch))
        if not terms:
            return
        self.rate = set_rate(self._optimiser, session.experiment.training, progress)
        torch.stack(list(terms.values())).sum().backward()  # type: ignore[no-untyped-call]
        if watch:
            self.window.add(step, {}, {"gradient_norm": gradient_norm(session.model)})
        clip(session.model, session.experiment.training.gradient_clip)
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)

    # -- terms ----------------------------------------------------------------------------------------

    def _own_terms(self, batch: Batch) -> dict[str, Tensor]:
        """Classification, alignment and metric, each times its weight."""
        source, target = batch.seen
        assert source is not None, "the run's own losses act where a supervised domain is seen"
        terms, weights, training = {}, [], self.session.experiment.training
        if target is not None:
            for loss in self._alignment:
                terms[loss.name] = loss.params.weight * loss(source, target, batch.progress)
                weights.append(loss.weights(source.detach(), target.detach(), batch.progress))
        first = {"classification": self._classification(source, [w for w in weights if w is not None])}
        embeddings, labels = source.embedding, source.labels
        assert labels is not None
        if target is not None and self._labelled:
            assert target.labels is not None
            first["target_classification"] = cross_entropy(
                target.logits, target.labels, ignore_index=-1, label_smoothing=training.label_smoothing
            )
            known = slice(-self._labelled, None)
            embeddings = torch.cat([embeddings, target.embedding[known]])
            labels = torch.cat([labels, target.labels[known]])
        metric = {m.name: m.params.weight * m(embeddings, labels) for m in self.session.metric}
        return {**first, **terms, **metric}

    def _classification(self, source: Representation, weights: list[Tensor]) -> Tensor:
        smoothing = self.session.experiment.training.label_smoothing
        assert source.labels is not None
        if not weights:
            return cross_entropy(source.logits, source.labels, label_smoothing=smoothing)
        each = cross_entropy(source.logits, source.labels, label_smoothing=smoothing, reduction="none")
        weight = torch.stack(weights).prod(0)
        return (weight / weight.mean() * each).mean()

    @property
    def _alignment(self) -> list[Alignment]:
        return self.session.alignment

    def _watched(self, batch: Batch) -> dict[str, Tensor]:
        """Other numbers of the step for the live view."""
        if not self.phase.losses:
            return {}
        source = batch.seen[0]
        assert source is not None
        assert source.labels is not None
        losses = self.session.losses if batch.target is not None else self.session.metric
        watched = {f"{loss.name}/{name}": value for loss in losses for name, value in loss.watched.items()}
        right = torch.eq(source.logits.detach().argmax(1), source.labels)
        return {"batch_accuracy": right.float().mean(), **watched}

    # -- opponents ------------------------------------------------------------------------------------

    def _opposing(self) -> list[nn.Parameter]:
        """The parameters that are stepped by themselves, against the model."""
        losses = [loss for loss in self._alignment if loss.has_opponent] if self.phase.losses else []
        own = self.objective.opposing() if self.objective else []
        return [*chain.from_iterable(loss.parameters() for loss in losses), *own]

    def _oppose(self, opponents: Optimizer, batch: Batch) -> None:
        """One step of the opponents; then they stand still while the model moves."""
        moving = [p for group in opponents.param_groups for p in group["params"]]
        for parameter in moving:
            parameter.requires_grad_(True)
        values = [self.objective.opponent(batch)] if self.objective and self.objective.opposing() else []
        if self.phase.losses and batch.target is not None:
            source, target = (side.detach() for side in batch.seen if side)
            values += [a.opponent(source, target, batch.progress) for a in self._alignment if a.has_opponent]
        if values:
            torch.stack(values).sum().backward()  # type: ignore[no-untyped-call]
            opponents.step()
            opponents.zero_grad(set_to_none=True)
        for parameter in moving:
            parameter.requires_grad_(False)

    # -- batches --------------------------------------------------------------------------------------

    def _order(self, name: str, samples: Samples, seed: tuple[int, ...]) -> Order | BalancedOrder:
        training, data = self.session.experiment.training, self.session.data
        side = 2 if samples is data.labelled else 1 if samples is data.target else 0
        size = max(2, training.batch_size // 2) if name == "labelled" else training.batch_size
        if training.sampling == "balanced" and name != "target":
            return BalancedOrder(samples.labels.cpu().numpy(), size, (*seed, side))
        return Order(len(samples), size, (*seed, side))

    @property
    def _labelled(self) -> int:
        """How many labelled target samples stand at the end of the target's batch."""
        training = self.session.experiment.training
        return max(2, training.batch_size // 2) if "labelled" in self._samples else 0

    def _batch(self, step: int, progress: float) -> Batch:
        taken = {name: self._orders[name].batch(step) for name in self._samples}
        raw = {name: self._samples[name].take(places) for name, places in taken.items()}
        inputs, labels = raw.get("supervised", (None, None))
        target = target_labels = positions = None
        if "target" in raw:
            target, target_labels = raw["target"]
            positions = torch.from_numpy(taken["target"]).to(target.device)
        if "labelled" in raw:
            assert target is not None
            assert target_labels is not None
            assert positions is not None
            more, known = raw["labelled"]
            target, target_labels = torch.cat([target, more]), torch.cat([target_labels, known])
            positions = torch.cat([positions, torch.full_like(known, -1)])
        parts = [part for part in (inputs, target) if part is not None]
        moved = self._augmented(torch.cat(parts))
        n = 0 if inputs is None else len(inputs)
        return Batch(
            inputs=None if inputs is None else moved[:n],
            labels=labels,
            target=None if target is None else moved[n:],
            target_labels=target_labels,
            target_positions=positions,
            progress=progress,
            forward=self._forward,
            autocast=partial(autocast, self.session.device, self.session.dtype),
        )

    def _augmented(self, raw: Tensor) -> Tensor:
        session = self.session
        return raw if session.data.features else augment(as_input(raw), session.experiment.training.augmentation)

    def _forward(self, batch: Batch) -> tuple[Representation | None, Representation | None]:
        """One forward of both domains."""
        session = self.session
        with autocast(session.device, session.dtype):
            if session.data.features:
                seen = session.model.from_features(batch.all_inputs)
            else:
                seen = session.model(batch.all_inputs, layers=self._layers)
            source, target = seen.split(0 if batch.inputs is None else len(batch.inputs))
            target = session.model.as_target(target)
        return (
            None if batch.inputs is None else replace(_as_float(source), labels=batch.labels),
            None if batch.target is None else replace(_as_float(target), labels=batch.target_labels),
        )


def _as_float(seen: Representation) -> Representation:
    """The representation in float32: losses must not see the rounding of a faster type. The large layers stay."""
    return replace(seen, features=seen.features.float(), embedding=seen.embedding.float(), logits=seen.logits.float())


def _seen(session: Session, phase: Phase) -> dict[str, Samples]:
    """The samples that a phase sees, by the part they play in its batches."""
    data = session.data
    alone = data.supervised is data.target
    parts: dict[str, Samples | None] = {}
    match phase.sees:
        case "both":
            parts = {"supervised": data.supervised, "target": None if alone else data.target, "labelled": data.labelled}
        case "supervised":
            parts = {"supervised": data.supervised}
        case "target":
            parts = {"target": data.target}
        case "labelled":
            parts = {"supervised": data.labelled}
    return {name: samples for name, samples in parts.items() if samples is not None}
