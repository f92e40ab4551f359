"""Pictures: the embeddings before | after as one Plotly figure, live curves as Vega-Lite."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from app import words
from dtml.language import _

PALETTE = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#d55e00",
    "#ccbb44",
    "#882255",
    "#8a94a6",
    "#999933",
)
"""Okabe and Ito's colours without black, and some of Tol's: safe for colour-blind eyes."""
SYMBOLS = ("circle", "diamond-open")
MANY = 3000
"""Points from which on WebGL draws them."""
GREY = "#8a94a6"
PAPER = ("#ffffff", "#0f141c")
"""The page's background, light and dark."""


@dataclass(frozen=True)
class Panel:
    """One state of the samples: its title, coordinates (n, 2) and predicted classes (n,)."""

    title: str
    coordinates: NDArray[np.float32]
    predicted: NDArray[np.int64]


def embeddings(
    panels: Sequence[Panel], seen: dict[str, NDArray[Any]], domains: Sequence[int], dark: bool = False
) -> go.Figure:
    """Panels side by side on the same scale: colour = class, symbol = domain.

    Args:
        seen: labels, domains, ids and class names of the samples.
        domains: which domains to draw, 0 source and 1 target.
    """
    figure = make_subplots(1, len(panels), subplot_titles=[p.title for p in panels], horizontal_spacing=0.02)
    drawn = int(np.isin(seen["domains"], domains).sum()) * len(panels)
    scatter = go.Scattergl if drawn > MANY else go.Scatter
    for column, panel in enumerate(panels, 1):
        for domain in sorted(domains, reverse=True):  # the fewer, filled source samples on top
            for trace in _traces(panel, seen, domain, scatter, dark, legend=column == 1 and domain == domains[0]):
                figure.add_trace(trace, 1, column)
        for name in _class_names(panel, seen, dark):
            figure.add_annotation(**name, row=1, col=column)
    _explain_symbols(figure, domains)
    return _frame(figure, panels)


def _traces(
    panel: Panel, seen: dict[str, NDArray[Any]], domain: int, scatter: Any, dark: bool, legend: bool
) -> list[Any]:
    classes, rim = seen["classes"], PAPER[dark]
    side = (_("source"), _("target"))[domain]
    traces = []
    for label in _labels(seen):
        mine = (seen["labels"] == label) & (seen["domains"] == domain)
        told = np.stack([classes[panel.predicted[mine]].astype(str), seen["ids"][mine].astype(str)], axis=1)
        name = str(classes[label]) if label >= 0 else _("unknown")
        traces.append(
            scatter(
                x=panel.coordinates[mine, 0],
                y=panel.coordinates[mine, 1],
                customdata=told,
                mode="markers",
                name=name,
                legendgroup=name,
                showlegend=legend,
                marker={
                    "color": colour(label),
                    "symbol": SYMBOLS[domain],
                    "size": 8 if domain == 0 else 7,
                    "opacity": 0.95 if domain == 0 else 0.7,
                    "line": {"width": 1, "color": rim} if domain == 0 else {"width": 1.2},
                },
                hovertemplate=_("class {name} · predicted {predicted}<br>{side} · {id}").format(
                    name=name, predicted="%{customdata[0]}", side=side, id="%{customdata[1]}"
                )
                + "<extra></extra>",
            )
        )
    return traces


def _class_names(panel: Panel, seen: dict[str, NDArray[Any]], dark: bool) -> list[dict[str, Any]]:
    """Each class's name at the middle of its source samples; an annotation, so that WebGL cannot cover it."""
    font = {"size": 18, "color": PAPER[not dark], "shadow": ", ".join([f"0 0 3px {PAPER[dark]}"] * 4)}
    names = []
    for label in _labels(seen):
        mine = (seen["labels"] == label) & (seen["domains"] == 0)
        if label >= 0 and mine.any():
            x, y = np.median(panel.coordinates[mine], axis=0)
            text = f"<b>{html.escape(str(seen['classes'][label]))}</b>"
            names.append({"x": float(x), "y": float(y), "text": text, "font": font, "showarrow": False})
    return names


def _labels(seen: dict[str, NDArray[Any]]) -> list[int]:
    return [int(label) for label in np.unique(seen["labels"])]


def colour(label: int) -> str:
    """The colour of a class; grey where it is unknown."""
    return PALETTE[label % len(PALETTE)] if label >= 0 else GREY


def _explain_symbols(figure: go.Figure, domains: Sequence[int]) -> None:
    for domain in domains:
        figure.add_trace(
            go.Scatter(
                x=[None],
                y=[None],
                mode="markers",
                name=(_("source"), _("target"))[domain],
                legend="legend2",
                marker={"symbol": SYMBOLS[domain], "color": GREY, "size": 9},
            )
        )


def _frame(figure: go.Figure, panels: Sequence[Panel]) -> go.Figure:
    """The same square window for all panels, no ticks."""
    everything = np.concatenate([panel.coordinates for panel in panels])
    low, high = everything.min(0), everything.max(0)
    middle, half = (low + high) / 2, float((high - low).max()) * 0.54 or 1.0
    window = [[float(m - half), float(m + half)] for m in middle]
    axis = {
        "showticklabels": False,
        "showgrid": False,
        "zeroline": False,
        "showline": True,
        "mirror": True,
        "linecolor": "rgba(138,148,166,0.5)",
        "title": None,
    }
    figure.update_xaxes(range=window[0], **axis)
    figure.update_yaxes(range=window[1], **axis)
    if len(panels) > 1:
        figure.update_xaxes(matches="x")
        figure.update_yaxes(matches="y")
    for x in figure.select_xaxes():  # a hair of room, so that the outer frame is not cut off
        x.domain = [0.002 + 0.996 * edge for edge in x.domain]
    for annotation, x in zip(figure.layout.annotations, figure.select_xaxes(), strict=False):
        annotation.update(x=x.domain[0], xanchor="left", yshift=8, font={"size": 16})  # beside Plotly's buttons
    figure.update_layout(
        height=540 if len(panels) < 3 else 460,
        margin={"l": 8, "r": 8, "t": 44, "b": 8},
        legend={
            "orientation": "h",
            "y": -0.03,
            "yanchor": "top",
            "x": 0,
            "xanchor": "left",
            "itemsizing": "constant",
            "title": {"text": _("Class") + " ", "side": "left"},
        },
        legend2={
            "orientation": "h",
            "y": -0.03,
            "yanchor": "top",
            "x": 1,
            "xanchor": "right",
            "itemclick": False,
            "itemdoubleclick": False,
            "title": {"text": _("Domain") + " ", "side": "left"},
        },
        hoverlabel={"align": "left"},
    )
    return figure


# -- live curves ------------------------------------------------------------------------------------

Metrics = list[tuple[int, dict[str, float]]]


def accuracy_curves(runs: dict[str, Metrics]) -> tuple[pd.DataFrame, dict[str, Any]] | None:
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
    return pd.DataFrame(rows), spec


def loss_curves(metrics: Metrics) -> tuple[pd.DataFrame, dict[str, Any]] | None:
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
    return pd.DataFrame(rows), spec


def watched_curves(metrics: Metrics) -> dict[str, tuple[pd.DataFrame, dict[str, Any]]]:
    """What the losses offer beside their value (λ, the discriminator's accuracy …), a chart each."""
    found: dict[str, list[dict[str, float]]] = {}
    for step, values in metrics:
        for name, value in values.items():
            if "/" in name and not name.startswith("loss/"):
                found.setdefault(name, []).append({"step": step, "value": value})
    return {
        name: (pd.DataFrame(rows), _lines(points=False, height=190, percent="accuracy" in name))
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
