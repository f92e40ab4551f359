"""Runs beside each other: target accuracy over seeds, curves overlaid, and embeddings as small multiples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from dtml.comparison import Interval
from dtml.figures.embeddings import Panel
from dtml.figures.palette import GREY, PALETTE, PAPER, SYMBOLS, colour
from dtml.language import _

DASHES = ("solid", "dash", "dot", "dashdot")
MANY = 2000
"""Points from which on WebGL draws them."""


def accuracies(rows: Sequence[tuple[str, Interval, Mapping[int, float]]], dark: bool = False) -> go.Figure:
    """Mean target accuracy with its interval over seeds, a row a group in the order given, and each seed as a ring.

    Args:
        rows: title, interval and accuracy by seed of each group.
    """
    names = [name for name, _mean, _seeds in rows]
    figure = go.Figure()
    seeds = [(name, seed, value) for name, _mean, found in rows for seed, value in found.items()]
    figure.add_trace(
        go.Scatter(
            x=[value for _name, _seed, value in seeds],
            y=[name for name, _seed, _value in seeds],
            customdata=[seed for _name, seed, _value in seeds],
            mode="markers",
            name=_("one seed"),
            marker={"symbol": "circle-open", "size": 8, "color": GREY, "line": {"width": 1.5}},
            hovertemplate="%{y}<br>" + _("seed {seed}").format(seed="%{customdata}") + ": %{x:.1%}<extra></extra>",
        )
    )
    widths = [mean.half_width if math.isfinite(mean.half_width) else 0.0 for _name, mean, _seeds in rows]
    figure.add_trace(
        go.Scatter(
            x=[mean.mean for _name, mean, _seeds in rows],
            y=names,
            error_x={"type": "data", "array": widths, "thickness": 2, "width": 6, "color": _ink(dark)},
            mode="markers",
            name=_("mean ± 95 % over seeds"),
            marker={"symbol": "diamond", "size": 12, "color": _ink(dark)},
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
        )
    )
    values = [v for _n, mean, found in rows for v in (*found.values(), mean.mean)]
    wide = [mean.mean - width for (_n, mean, _s), width in zip(rows, widths, strict=True)]
    low = max(0.0, min([*values, *wide]) - 0.03)
    figure.update_xaxes(title=_("target test accuracy"), tickformat=".0%", range=[low, min(1.01, max(values) + 0.06)])
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1], automargin=True)
    legend = {"orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom"}
    figure.update_layout(height=130 + 36 * max(len(rows), 2), margin={"l": 8, "r": 8, "t": 8, "b": 8}, legend=legend)
    return figure


def _ink(dark: bool) -> str:
    return "#56b4e9" if dark else "#0072b2"


def curves(series: Mapping[str, Sequence[tuple[str, Sequence[tuple[int, float]]]]]) -> go.Figure:
    """Target accuracy on the probe over steps: a colour and a dash a group, a thin line a seed, a thick one the mean.

    Args:
        series: by the group's title, (run's name, points of step and value) of each of its runs.
    """
    figure = go.Figure()
    for number, (title, runs) in enumerate(series.items()):
        line = {"color": PALETTE[number % len(PALETTE)], "dash": DASHES[number // len(PALETTE) % len(DASHES)]}
        single = len(runs) == 1
        for place, (name, points) in enumerate(runs):
            figure.add_trace(
                go.Scatter(
                    x=[step for step, _value in points],
                    y=[value for _step, value in points],
                    mode="lines",
                    line={**line, "width": 2.5 if single else 1},
                    opacity=1 if single else 0.5,
                    name=title,
                    legendgroup=title,
                    showlegend=single and place == 0,
                    hovertemplate="%{x}: %{y:.1%}<extra>" + name + "</extra>",
                )
            )
        if not single:
            steps, means = _mean(runs)
            hover = "%{x}: %{y:.1%}<extra>" + title + "</extra>"
            mean = go.Scatter(
                x=steps, y=means, mode="lines", line={**line, "width": 3}, name=title, legendgroup=title,
                hovertemplate=hover,
            )  # fmt: skip
            figure.add_trace(mean)
    figure.update_xaxes(title=_("step"), rangemode="tozero")
    figure.update_yaxes(title=_("target accuracy (probe)"), tickformat=".0%")
    legend = {"orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom"}
    figure.update_layout(height=380, margin={"l": 8, "r": 8, "t": 8, "b": 8}, legend=legend)
    return figure


def _mean(runs: Sequence[tuple[str, Sequence[tuple[int, float]]]]) -> tuple[list[int], list[float]]:
    """Steps that all runs have, and the mean of their values there."""
    found = [dict(points) for _name, points in runs]
    steps = sorted(set.intersection(*(set(values) for values in found)))
    return steps, [float(np.mean([values[step] for values in found])) for step in steps]


def multiples(panels: Sequence[Panel], seen: Mapping[str, NDArray[Any]], dark: bool = False) -> go.Figure:
    """Panels in rows of two or three, all on the same scale: colour = class, symbol = domain.

    Args:
        seen: "labels", "domains" and "classes" of the samples, which all panels share.
    """
    wide = min(2 if len(panels) in (2, 4) else 3, len(panels))
    rows = math.ceil(len(panels) / wide)
    titles = [panel.title for panel in panels]
    gap = 0.12 / rows
    figure = make_subplots(rows, wide, subplot_titles=titles, horizontal_spacing=0.015, vertical_spacing=gap)
    scatter = go.Scattergl if len(panels) * len(seen["labels"]) > MANY else go.Scatter
    for number, panel in enumerate(panels):
        for trace in _clouds(panel, seen, scatter, dark, legend=number == 0):
            figure.add_trace(trace, number // wide + 1, number % wide + 1)
    everything = np.concatenate([panel.coordinates for panel in panels])
    low, high = everything.min(0), everything.max(0)
    middle, half = (low + high) / 2, float((high - low).max()) * 0.54 or 1.0
    axis = {
        "showticklabels": False, "showgrid": False, "zeroline": False, "showline": True, "mirror": True,
        "linecolor": "rgba(138,148,166,0.5)",
    }  # fmt: skip
    figure.update_xaxes(range=[float(middle[0] - half), float(middle[0] + half)], matches="x", **axis)
    figure.update_yaxes(range=[float(middle[1] - half), float(middle[1] + half)], matches="y", **axis)
    for x in figure.select_xaxes():  # a hair of room, so that the outer frame is not cut off
        x.domain = [0.002 + 0.996 * edge for edge in x.domain]
    figure.update_annotations(font={"size": 14}, yshift=4)
    height = 70 + 330 * rows
    legend = {"orientation": "h", "x": 0, "xanchor": "left", "y": -18 / height, "yanchor": "top"}
    figure.update_layout(height=height, margin={"l": 8, "r": 8, "t": 36, "b": 8}, legend=legend)
    figure.update_layout(legend_itemsizing="constant")
    return figure


def _clouds(panel: Panel, seen: Mapping[str, NDArray[Any]], scatter: Any, dark: bool, legend: bool) -> list[Any]:
    """A trace for each class of each domain; the source's fewer, filled samples on top."""
    traces = []
    for domain, side in ((1, _("target")), (0, _("source"))):
        for label in np.unique(seen["labels"]):
            mine = (seen["labels"] == label) & (seen["domains"] == domain)
            name = str(seen["classes"][label]) if label >= 0 else _("unknown")
            rim = {"width": 0.8, "color": PAPER[dark]} if domain == 0 else {"width": 1}
            traces.append(
                scatter(
                    x=panel.coordinates[mine, 0],
                    y=panel.coordinates[mine, 1],
                    mode="markers",
                    name=f"{side} · {name}" if len(seen["classes"]) <= 3 else name,
                    legendgroup=name,
                    showlegend=legend and (domain == 0 or len(seen["classes"]) <= 3),
                    marker={
                        "color": colour(int(label)), "symbol": SYMBOLS[domain], "size": 6 if domain == 0 else 5,
                        "opacity": 0.95 if domain == 0 else 0.7, "line": rim,
                    },
                    hovertemplate=f"{name}<extra>{side}</extra>",
                )
            )  # fmt: skip
    return traces
