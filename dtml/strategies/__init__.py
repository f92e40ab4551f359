"""Transfer strategies: which parameters move, on which data, in which phases. One file each.

A strategy is a short list of phases; the one training loop knows phases and not strategies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    """

    name: str
    title: Text
    rates: Mapping[str, float]
    share: float = 1.0

    @property
    def frozen_backbone(self) -> bool:
        """Whether features never change in this phase, so that they are computed once."""
        return not any(part.startswith("stages.") for part in self.rates)


class Strategy(Component):
    """How a model is trained: a list of phases."""

    kind = "strategy"
    pretrained: ClassVar[bool] = True
    """Whether the backbone starts from weights learned elsewhere, where it has any."""

    def phases(self, stages: Sequence[str]) -> list[Phase]:
        """The phases for a backbone with these stages; their shares add up to 1."""
        raise NotImplementedError

    @classmethod
    def facts(cls) -> dict[str, Any]:
        return {"pretrained": cls.pretrained}


def moving(stages: Sequence[str], rate: float) -> dict[str, float]:
    """The rates of backbone stages that move with the factor `rate`, and of the head at full rate."""
    return {**{f"stages.{stage}": rate for stage in stages}, "head": 1.0, "classifier": 1.0}
