"""Transfer strategies: which parameters move, on which data, in which phases. One file each.

A strategy is a short list of phases; the one training loop knows phases and not strategies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from dtml.catalogue import Component
from dtml.language import Text


@dataclass(frozen=True)
class Phase:
    """A stretch of training.

    Attributes:
        name: short and permanent, such as "probe".
        title: what a person reads.
        rates: the parts of the model that move, each with its factor on the learning rate: "stages.<name>"
            of the backbone, "head", "classifier". All others are frozen, bit for bit, buffers included.
        share: the share of the run's steps.
        adapts: whether the target and the alignment take part; else the supervised domain is alone.
    """

    name: str
    title: Text
    rates: Mapping[str, float]
    share: float = 1.0
    adapts: bool = True

    @property
    def frozen_backbone(self) -> bool:
        """Whether the backbone gives the same features for the same inputs throughout this phase."""
        return not any(part.startswith("stages.") for part in self.rates)


class Strategy(Component):
    """How a model is trained: a list of phases."""

    kind = "strategy"
    pretrained: ClassVar[bool] = True
    """Whether the backbone starts from weights learned elsewhere, where it has any."""

    def phases(self, stages: Sequence[str], learned: bool) -> list[Phase]:
        """The phases for a backbone with these stages; their shares add up to 1.

        Args:
            learned: whether the backbone starts from learned weights.
        """
        raise NotImplementedError

    @classmethod
    def facts(cls) -> dict[str, Any]:
        return {"pretrained": cls.pretrained}


def pretrained_first(phases: list[Phase], stages: Sequence[str], learned: bool) -> list[Phase]:
    """The phases of a strategy that builds on learned weights.

    A backbone without any learns them from the source first, in half of the steps, so that what is frozen or
    fine-tuned afterwards is never random.
    """
    if learned:
        return phases
    first = Phase(
        "pretrain", Text("Pretraining on the source", "在源域上预训练"), moving(stages, 1.0), 0.5, adapts=False
    )
    return [first, *(replace(phase, share=phase.share / 2) for phase in phases)]


def moving(stages: Sequence[str], rate: float) -> dict[str, float]:
    """The rates of backbone stages that move with the factor `rate`, and of the head at full rate."""
    return {**{f"stages.{stage}": rate for stage in stages}, "head": 1.0, "classifier": 1.0}
