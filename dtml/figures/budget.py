"""Target accuracy over the number of labelled target samples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from dtml.budget import told
from dtml.comparison import Interval
from dtml.figures.palette import GREY, PALETTE
from dtml.language import _
from dtml.runs.budgets import Curve, Point


def accuracy_over_labels(curves: Mapping[str, Curve]) -> go.Figure:
    """Mean accuracy with its 95 % interval over labelled samples, a colour a curve; its twin's dashed beneath.

    The axis is logarithmic in 1 + samples, so that no label at all has its place. Source only and target only are
    levels where there is one curve.

    Args:
        curves: by title.
    """
    figure = go.Figure()
    for number, (title, curve) in enumerate(curves.items()):
        colour = PALETTE[number % len(PALETTE)]
        points = [point for point in curve.points if point.labelled is not None]
        held = [(point, twin) for point in points if (twin := point.twin)]
        if held:
            name = _("{title}: twin (no alignment)").format(title=title)
            figure.add_trace(_line(held, name, {"color": colour, "dash": "dash", "width": 1.5}, "circle-open"))
        own = [(point, point.accuracy) for point in points]
        figure.add_trace(_line(own, title, {"color": colour, "width": 2.5}, "diamond"))
    if len(curves) == 1:
        names = {"source_only": _("source only"), "target_only": _("target only")}
        for role, value in next(iter(curves.values())).levels.items():
            where = "bottom right" if role == "source_only" else "top right"
            line = {"color": GREY, "dash": "dot", "width": 1.5}
            figure.add_hline(value, line=line, annotation={"text": names[role]}, annotation_position=where)
    seen = sorted({point.labelled for curve in curves.values() for point in curve.points if point.labelled is not None})
    figure.update_xaxes(
        title=_("labelled target samples"), tickvals=[_place(count) for count in seen],
        ticktext=[f"{count:,.0f}" for count in seen],
    )  # fmt: skip
    figure.update_yaxes(title=_("target test accuracy"), tickformat=".0%")
    legend = {"orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom"}
    figure.update_layout(height=380, margin={"l": 8, "r": 8, "t": 8, "b": 8}, legend=legend)
    return figure


def _line(points: Sequence[tuple[Point, Interval]], name: str, line: dict[str, object], symbol: str) -> go.Scatter:
    widths = [mean.half_width if math.isfinite(mean.half_width) else 0.0 for _point, mean in points]
    return go.Scatter(
        x=[_place(point.labelled or 0) for point, _mean in points],
        y=[mean.mean for _point, mean in points],
        error_y={"type": "data", "array": widths, "thickness": 1.5, "width": 5},
        customdata=[told(point.budget) for point, _mean in points],
        mode="lines+markers",
        name=name,
        line=line,
        marker={"symbol": symbol, "size": 8},
        hovertemplate=_("labels: {budget}").format(budget="%{customdata}") + ": %{y:.1%}<extra>" + name + "</extra>",
    )


def _place(count: float) -> float:
    return math.log10(1 + count)
