"""Curves of training over steps, as the offline report shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import plotly.graph_objects as go

from dtml.figures.palette import PALETTE
from dtml.language import _

Metrics = Sequence[tuple[int, Mapping[str, float]]]
DASHES = {"target_accuracy": "solid", "source_accuracy": "dash"}


def accuracy_curves(runs: Mapping[str, Metrics], source: bool = True) -> go.Figure | None:
    """Probe accuracy over steps, a colour a run; target solid, source dashed. None where nothing was recorded.

    Args:
        runs: what each run recorded, by what it is called.
        source: whether to draw the source's accuracy, too.
    """
    figure = go.Figure()
    sides = {"target_accuracy": _("target"), "source_accuracy": _("source")}
    for number, (name, metrics) in enumerate(runs.items()):
        for key in sides if source else ("target_accuracy",):
            points = [(step, values[key]) for step, values in metrics if key in values]
            if points:
                steps, shares = zip(*points, strict=True)
                line = {"color": PALETTE[number % len(PALETTE)], "dash": DASHES[key], "width": 2.5}
                told = f"{name} · {sides[key]}" if source else name
                figure.add_scatter(
                    x=steps, y=shares, name=told, mode="lines+markers", line=line, marker={"size": 5},
                    hovertemplate="%{y:.1%}<extra>%{fullData.name}</extra>",
                )  # fmt: skip
    return _over_steps(figure, percent=True) if figure.data else None


def loss_curves(metrics: Metrics, term: Callable[[str], str]) -> go.Figure | None:
    """Every loss term over steps as it is weighted into the sum, called `term(name)`; None where there is none."""
    figure = go.Figure()
    terms = dict.fromkeys(key for _step, values in metrics for key in values if key.startswith("loss/"))
    for key in terms:
        points = [(step, values[key]) for step, values in metrics if key in values]
        steps, losses = zip(*points, strict=True)
        figure.add_scatter(
            x=steps, y=losses, name=term(key.removeprefix("loss/")), mode="lines", line={"width": 2},
            hovertemplate="%{y:.4g}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    return _over_steps(figure, percent=False) if figure.data else None


def _over_steps(figure: go.Figure, percent: bool) -> go.Figure:
    figure.update_xaxes(title=_("step"), showgrid=False, rangemode="tozero")
    figure.update_yaxes(tickformat=".0%" if percent else None)
    return figure.update_layout(
        height=400,
        margin={"l": 56, "r": 16, "t": 16, "b": 56},
        hovermode="x unified",
        legend={"orientation": "h", "x": 0, "y": -0.22, "yanchor": "top"},
        showlegend=True,
    )
