"""How many labels of the target may be learned from: 0, k a class, a share of each class, or all."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic_core import PydanticCustomError

from dtml.errors import Problem
from dtml.language import _, mark

Budget = int | float | Literal["all"]
"""A whole number: samples a class; between 0 and 1: a share of each class; "all": every training label."""


def checked(raw: Any) -> Budget:
    """A budget as it is written in an experiment.

    Raises:
        PydanticCustomError: "label_budget", for what is none.
    """
    if raw == "all":
        return "all"
    if isinstance(raw, int) and not isinstance(raw, bool) and raw >= 0:
        return raw
    if isinstance(raw, float) and 0 < raw < 1:
        return raw
    raise PydanticCustomError("label_budget", "no label budget")


def parse(text: str) -> Budget:
    """A budget as a person types it: "0", "5", "0.2", "20%" or "all".

    Raises:
        Problem: for what is none.
    """
    written = text.strip()
    try:
        return checked(written if written == "all" else _number(written))
    except (ValueError, OverflowError, PydanticCustomError):
        raise Problem(
            mark("'{text}' is no label budget; write 0, samples a class such as 5, a share such as 0.2, or all."),
            text=text,
        ) from None


def _number(written: str) -> int | float:
    """A whole number where it is one; "20%" is 0.2."""
    if written.endswith("%"):
        return float(written[:-1]) / 100
    return int(written) if written.isdecimal() else float(written)


def parse_list(text: str) -> list[Budget]:
    """Several budgets, such as "0,1,5,0.2,all", each once: samples a class first, then shares, then all.

    Raises:
        Problem: for the first that is none.
    """
    return sorted({parse(part) for part in text.split(",")}, key=order)


def order(budget: Budget) -> tuple[int, float]:
    """What sorts budgets: samples a class, then shares, then all."""
    if isinstance(budget, str):
        return 2, 0.0
    return (1, budget) if isinstance(budget, float) else (0, float(budget))


def count(budget: Budget, there: int) -> int:
    """How many of `there` training samples of a class may be learned from; of a share at least one."""
    if isinstance(budget, str):
        return there
    if isinstance(budget, float):
        return min(there, max(1, math.floor(budget * there + 0.5)))
    return min(there, budget)


def told(budget: Budget) -> str:
    """A budget as a person says it."""
    if isinstance(budget, str):
        return _("all")
    if isinstance(budget, float):
        return _("{share} % of each class").format(share=f"{100 * budget:g}")
    return _("{count} a class").format(count=budget) if budget else _("none")
