"""Live curves as Vega-Lite, and strips of images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from app import words
from dtml.language import _

Metrics = list[tuple[int, dict[str, float]]]
Chart = tuple[pa.Table, dict[str, Any]]
"""Rows, and how Vega-Lite draws them. A table is sent as it is; a data frame would be converted for every visit."""


def accuracy_curves(runs: dict[str, Metrics]) -> Chart | None:
    """Probe accuracy over steps: colour = run, dashes = domain. `runs` holds metrics by role."""
    sides = {"target_accuracy": _("target"), "source_accuracy": _("source")}
    rows = [
        {"step": step, "value": values[key], "run": words.role(role), "domain": side}
        for role, metrics in runs.items()
        for step, values in metrics
        for key, side in sides.items()
        if key in values
    ]
    if not rows:
        return None
    spec = _lines(percent=True)
    spec["encoding"] |= {
        "color": {
            "field": "run",
            "type": "nominal",
            "title": None,
            "legend": _legend(),
            "scale": {"domain": [words.role(role) for role in runs], "range": ["#1f6feb", "#e8590c"]},
        },
        "strokeDash": {
            "field": "domain",
            "type": "nominal",
            "title": None,
            "legend": None,
            "scale": {"domain": list(sides.values()), "range": [[1, 0], [5, 4]]},
        },
    }
    return pa.Table.from_pylist(rows), spec


def loss_curves(metrics: Metrics) -> Chart | None:
    """Every loss term over steps, as it is weighted into the sum."""
    rows = [
        {"step": step, "value": value, "term": words.term(name.removeprefix("loss/"))}
        for step, values in metrics
        for name, value in values.items()
        if name.startswith("loss/")
    ]
    if not rows:
        return None
    spec = _lines(points=False)
    terms = list(dict.fromkeys(row["term"] for row in rows))  # the same colours in every language
    spec["encoding"]["color"] = {
        "field": "term",
        "type": "nominal",
        "title": None,
        "legend": _legend(),
        "scale": {"domain": terms},
    }
    return pa.Table.from_pylist(rows), spec


def watched_curves(metrics: Metrics) -> dict[str, Chart]:
    """What the losses offer beside their value (λ, the discriminator's accuracy …), a chart each."""
    found: dict[str, list[dict[str, float]]] = {}
    for step, values in metrics:
        for name, value in values.items():
            if name in ("gradient_norm", "learning_rate") or ("/" in name and not name.startswith("loss/")):
                found.setdefault(name, []).append({"step": step, "value": value})
    return {
        name: (pa.Table.from_pylist(rows), _lines(points=False, height=190, percent="accuracy" in name))
        for name, rows in found.items()
    }


def _legend() -> dict[str, Any]:
    return {
        "orient": "top",
        "direction": "horizontal",
        "symbolType": "stroke",
        "symbolStrokeWidth": 3,
        "symbolSize": 220,
        "offset": 4,
    }


def _lines(*, points: bool = True, percent: bool = False, height: int = 320) -> dict[str, Any]:
    axis = {"format": ".0%"} if percent else {"format": "~g"}
    return {
        "height": height,
        "mark": {"type": "line", "point": {"size": 28} if points else False, "strokeWidth": 2},
        "encoding": {
            "x": {
                "field": "step",
                "type": "quantitative",
                "title": _("step"),
                "axis": {"tickMinStep": 1, "grid": False, "format": "d"},
            },
            "y": {"field": "value", "type": "quantitative", "title": None, "axis": axis, "scale": {"zero": False}},
            "tooltip": [
                {"field": "step", "title": _("step")},
                {"field": "value", "title": _("value"), "format": ".1%" if percent else ".4g"},
            ],
        },
    }


def strip(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images (n, h, w, c) side by side in one, with a gap of two dark pixels between them; grey ones lose c."""
    padded = np.pad(images, ((0, 0), (0, 0), (0, 2), (0, 0)))
    row = np.concatenate(list(padded), axis=1)[:, :-2]
    return row[..., 0] if row.shape[2] == 1 else row
