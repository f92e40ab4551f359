"""Transfer strategies: which parameters move, on which data, in which phases. One file each.

A strategy is a short list of phases; the one training loop knows phases and not strategies. A phase that learns
from more than the run's own losses brings an `Objective`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Literal

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dtml.catalogue import Component
from dtml.errors import Problem
from dtml.language import Text, mark
from dtml.representation import Representation

Sees = Literal["both", "supervised", "target", "labelled"]


@dataclass
class Batch:
    """What one step learns from. Its representations are made in one forward, when somebody asks for them.

    Attributes:
        inputs: (n, ...) of the supervised domain, augmented; or features that were computed before.
        labels: (n,) of the supervised domain.
        target: (m, ...) of the target, or None where this phase does not see it.
        target_labels: (m,) -1 where unknown; the labelled ones stand last.
        target_positions: (m,) the places of the target's samples in its training split, -1 for the labelled ones.
        progress: the share of the phase that is done.
        forward: makes the representations.
        autocast: the context in which forwards are computed in the run's precision.
    """

    inputs: Tensor | None
    labels: Tensor | None
    target: Tensor | None
    target_labels: Tensor | None
    target_positions: Tensor | None
    progress: float
    forward: Callable[[Batch], tuple[Representation | None, Representation | None]] = field(repr=False)
    autocast: Callable[[], AbstractContextManager[None]] = field(repr=False)

    @cached_property
    def seen(self) -> tuple[Representation | None, Representation | None]:
        """The representations of the supervised domain and of the target; None where one takes no part."""
        return self.forward(self)

    @property
    def all_inputs(self) -> Tensor:
        """The inputs of both domains, one after the other."""
        return torch.cat([part for part in (self.inputs, self.target) if part is not None])


@dataclass(frozen=True)
class Scene:
    """What an objective may look at when its phase begins.

    Attributes:
        model: the model, with `network`, `head`, `classifier`.
        shape: the shape of one model input.
        classes: how many classes there are.
        look: the embeddings (n, d) and probabilities (n, c) of the target's training samples, in evaluation mode.
    """

    model: Any
    shape: tuple[int, ...]
    classes: int
    look: Callable[[], tuple[Tensor, Tensor]]


class Objective(nn.Module):
    """What a phase minimises besides the run's own losses, or instead of them.

    Its parameters are stepped with the model; those that `opposing` names are stepped by themselves, before, on the
    value of `opponent`. What must outlast an interruption is a parameter or a buffer made in `begin`.
    """

    needs_layers: ClassVar[bool] = False
    """Whether it reads what the backbone's stages give."""
    rate: ClassVar[float] = 1.0
    """The factor on the learning rate of its parameters."""

    def begin(self, scene: Scene) -> None:
        """Called once, before the first step of the phase."""

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """Loss terms by name; none where the forward is all that is wanted."""
        raise NotImplementedError

    def opposing(self) -> list[nn.Parameter]:
        """The parameters that play against the model."""
        return []

    def opponent(self, batch: Batch) -> Tensor:
        """What these minimise."""
        raise NotImplementedError

    def pictures(self) -> dict[str, NDArray[Any]]:
        """Images worth looking at, uint8 (n, h, w, c) by name."""
        return {}


@dataclass(frozen=True)
class Phase:
    """A stretch of training.

    Attributes:
        name: short and permanent, such as "probe".
        title: what a person reads.
        rates: the parts of the model that move, each with its factor on the learning rate: "stages.<name>"
            of the backbone, "head", "classifier", or "norms" (its batch normalisation alone). All others are
            frozen, bit for bit, buffers included.
        share: the share of the run's steps.
        sees: both domains; the supervised one alone; the target alone, without labels; the labelled target samples.
        losses: whether the run's own losses act (classification, alignment, metric).
        objective: makes what is minimised besides, once a run.
    """

    name: str
    title: Text
    rates: Mapping[str, float]
    share: float = 1.0
    sees: Sees = "both"
    losses: bool = True
    objective: Callable[[], Objective] | None = None

    @property
    def frozen_backbone(self) -> bool:
        """Whether the backbone gives the same features for the same inputs throughout this phase."""
        return not any(part.startswith("stages.") or part == "norms" for part in self.rates)


class Strategy(Component):
    """How a model is trained: a list of phases."""

    kind = "strategy"
    pretrained: ClassVar[bool] = True
    """Whether the backbone starts from weights learned elsewhere, where it has any."""
    adapts: ClassVar[bool] = False
    """Whether it learns from the target by itself, without an alignment."""
    counterfactual: ClassVar[dict[str, Any] | None] = None
    """The strategy of the twin of one that adapts: the same without what it does to the target."""
    accepts: ClassVar[tuple[str, ...]] = ("images", "points", "texts")
    """What inputs it can work on."""
    needs_labels: ClassVar[bool] = False
    """Whether it learns from labelled target samples."""
    needs_batch_norm: ClassVar[bool] = False
    """Whether it acts on the backbone's batch normalisation."""
    aligns: ClassVar[bool] = True
    """Whether any of its phases sees both domains under the run's own losses, so that an alignment can act."""
    own_heads: ClassVar[bool] = False
    """Whether the target has a classifier of its own."""

    def phases(self, stages: Sequence[str], learned: bool) -> list[Phase]:
        """The phases for a backbone with these stages; their shares add up to 1.

        Args:
            learned: whether the backbone starts from learned weights.
        """
        raise NotImplementedError

    @classmethod
    def facts(cls) -> dict[str, Any]:
        return {
            "pretrained": cls.pretrained,
            "adapts": cls.adapts,
            "counterfactual": cls.counterfactual,
            "accepts": list(cls.accepts),
            "needs_labels": cls.needs_labels,
            "aligns": cls.aligns,
            "needs_batch_norm": cls.needs_batch_norm,
        }


def pretrained_first(phases: list[Phase], stages: Sequence[str], learned: bool) -> list[Phase]:
    """The phases of a strategy that builds on learned weights.

    A backbone without any learns them from the source first, in half of the steps, so that what is frozen or
    fine-tuned afterwards is never random.
    """
    return phases if learned else [source_first(stages, learned, 0.5), *shared(phases, 0.5)]


def source_first(stages: Sequence[str], learned: bool, share: float) -> Phase:
    """Training on the source alone; learned weights move at a tenth of the rate."""
    title = (
        Text("Training on the source", "在源域上训练")
        if learned
        else Text("Pretraining on the source", "在源域上预训练")
    )
    return Phase("pretrain", title, moving(stages, start_rate(learned)), share, sees="supervised")


def shared(phases: list[Phase], share: float) -> list[Phase]:
    """The phases in this share of the steps they had."""
    return [replace(phase, share=phase.share * share) for phase in phases]


def start_rate(learned: bool) -> float:
    """The factor on the learning rate of a backbone that trains as a whole: learned weights move slower."""
    return 0.1 if learned else 1.0


def moving(stages: Sequence[str], rate: float) -> dict[str, float]:
    """The rates of backbone stages that move with the factor `rate`, and of the head at full rate."""
    return {**{f"stages.{stage}": rate for stage in stages}, "head": 1.0, "classifier": 1.0}


def thawing(stages: Sequence[str], frozen: str) -> list[str]:
    """The stages that `frozen`, names with commas between them, does not hold back.

    Raises:
        Problem: for a name that no stage has.
    """
    named = [name.strip() for name in frozen.split(",") if name.strip()]
    for name in named:
        if name not in stages:
            raise Problem(
                mark("The backbone has no stage '{name}' to freeze; name some of its stages: {stages}."),
                name=name,
                stages=", ".join(stages),
            )
    return [stage for stage in stages if stage not in named]
