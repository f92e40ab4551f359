"""The embeddings of both domains, one panel a state."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from dtml.figures.palette import GREY, PAPER, SYMBOLS, colour
from dtml.language import _

MANY = 3000
"""Points from which on WebGL draws them."""


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
