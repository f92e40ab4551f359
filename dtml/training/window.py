"""Metrics of the steps between two reports, summed on the device and read once in a while."""

from __future__ import annotations

import torch
from torch import Tensor

from dtml.errors import Problem
from dtml.language import mark

OVERWHELMING = 1000.0
"""How many times a loss term must exceed the others to be named as the cause when training breaks down."""


class Window:
    """Sums of metrics on the device, read once in a while; the first step with a loss that is not finite."""

    def __init__(self, device: torch.device) -> None:
        self._immediate = device.type == "cpu"
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}
        self._terms: list[str] = []
        self._bad: Tensor | None = None
        self._before: Tensor | None = None

    def add(self, step: int, terms: dict[str, Tensor], values: dict[str, Tensor]) -> None:
        """The loss terms of a step, and other numbers of it."""
        values = {f"loss/{name}": value.detach() for name, value in terms.items()} | values
        for name, value in values.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value
            self._counts[name] = self._counts.get(name, 0) + 1
        if terms:
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
        if not self._sums:
            return {}
        sums = torch.stack([v.float() for v in self._sums.values()]).tolist()
        metrics = {name: value / self._counts[name] for name, value in zip(self._sums, sums, strict=True)}
        self._sums, self._counts = {}, {}
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
