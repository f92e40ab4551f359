"""What a person looks at before anything is trained on their data: both domains, and what is wrong with them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from dtml.errors import Problem

Setting = Literal["closed", "partial", "open_set", "open_partial", "unknown"]


@dataclass(frozen=True)
class Example:
    """One sample as a person sees it: an image as a data address, or a text."""

    name: str
    image: str = ""
    text: str = ""


@dataclass(frozen=True)
class Side:
    """What one domain holds.

    Attributes:
        name: what the person calls it.
        counts: samples of each class, by class name.
        unlabelled: samples without a label.
        facts: (what, value): a marked message, and what was found.
        examples: a few samples of each class, by class name; those without a label under "".
    """

    name: str
    counts: dict[str, int]
    unlabelled: int = 0
    facts: list[tuple[str, str]] = field(default_factory=list)
    examples: dict[str, list[Example]] = field(default_factory=dict)

    @property
    def samples(self) -> int:
        return sum(self.counts.values()) + self.unlabelled


@dataclass(frozen=True)
class Inspection:
    """Both domains of a task before training.

    Attributes:
        remarks: what a person should know; it stops nothing.
        obstacles: what has to be mended first: nothing is trained on while there is one.
        unreadable: files that cannot be read, and why; each is an obstacle unless the person leaves them out.
    """

    source: Side
    target: Side
    remarks: list[Problem] = field(default_factory=list)
    obstacles: list[Problem] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    @property
    def common(self) -> list[str]:
        """The classes that both domains have."""
        return sorted(self.source.counts.keys() & self.target.counts.keys())

    @property
    def only_source(self) -> list[str]:
        """The classes that no target sample has."""
        return sorted(self.source.counts.keys() - self.target.counts.keys()) if self.target.counts else []

    @property
    def only_target(self) -> list[str]:
        """The classes that no source sample has."""
        return sorted(self.target.counts.keys() - self.source.counts.keys())

    @property
    def setting(self) -> Setting:
        """What the field calls the relation of the two sets of classes (Panareda Busto and Gall 2017; Cao et al. 2018).

        Partial: the target lacks classes of the source; open-set: it has classes of its own; open-partial: both.
        """
        if not self.target.counts:
            return "unknown"
        kinds: dict[tuple[bool, bool], Setting] = {
            (False, False): "closed",
            (True, False): "partial",
            (False, True): "open_set",
            (True, True): "open_partial",
        }
        return kinds[bool(self.only_source), bool(self.only_target)]

    def to_json(self) -> str:
        told: dict[str, Any] = asdict(self)
        for key in ("remarks", "obstacles"):
            told[key] = [problem.to_json() for problem in getattr(self, key)]
        return json.dumps(told, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Inspection:
        told = json.loads(text)
        for key in ("remarks", "obstacles"):
            told[key] = [Problem.from_json(each) for each in told[key]]
        told["unreadable"] = [tuple(each) for each in told["unreadable"]]
        return cls(**{**told, **{side: _side(told[side]) for side in ("source", "target")}})


def _side(told: dict[str, Any]) -> Side:
    examples = {name: [Example(**each) for each in some] for name, some in told["examples"].items()}
    return Side(**{**told, "facts": [tuple(fact) for fact in told["facts"]], "examples": examples})
