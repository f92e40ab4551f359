"""Candidates for a target: every measure with its interval, a panel each, and what was reached over the mean rank."""

from __future__ import annotations

import math
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dtml.figures.palette import GREY, PAPER
from dtml.runs.choosing import Ranking, higher_is_better, is_share, measure_title, reads_labels, with_interval

BLUE = ("#0072b2", "#56b4e9")
WIDE = 4
"""Panels in a row."""


def measures(ranking: Ranking, dark: bool = False) -> go.Figure:
    """A panel a measure, a row a candidate, the best by mean rank on top; ▲: higher is better, ▼: lower.

    Measures that read labels of the target are full dots, the others rings.
    """
    names, order = ranking.measures, ranking.best_first()
    wide = min(WIDE, max(len(names), 1))
    high = max(math.ceil(len(names) / wide), 1)
    titles = [f"{measure_title(name)} {'▲' if higher_is_better(name) else '▼'}" for name in names]
    height = high * (100 + 30 * max(len(order), 2)) + 20
    figure = make_subplots(
        high, wide, subplot_titles=[_broken(title) for title in titles], shared_yaxes=True, horizontal_spacing=0.02,
        vertical_spacing=min(95 / height, 0.9 / high),
    )  # fmt: skip
    for number, name in enumerate(names):
        place = {"row": number // wide + 1, "col": number % wide + 1}
        figure.add_trace(_dots(ranking, name, order, dark), **place)
        figure.update_xaxes(tickformat=".0%" if is_share(name) else None, exponentformat="e", nticks=5, **place)
    rows = [ranking.rows[i].title for i in order]
    figure.update_yaxes(
        type="category", categoryorder="array", categoryarray=rows[::-1], automargin=True,
        range=[-0.6, len(rows) - 0.4],
    )  # fmt: skip
    figure.update_annotations(font={"size": 13})
    figure.update_layout(height=height, margin={"l": 8, "r": 8, "t": 44, "b": 8}, showlegend=False)
    return figure


def _dots(ranking: Ranking, name: str, order: list[int], dark: bool) -> go.Scatter:
    shown = [
        (ranking.rows[i].title, ranking.rows[i].values[name]) for i in order if ranking.rows[i].value(name) is not None
    ]
    colour = BLUE[dark]
    ring: dict[str, Any] = {"color": PAPER[dark], "line": {"color": GREY, "width": 2}, "symbol": "circle", "size": 11}
    dot: dict[str, Any] = {"color": colour, "symbol": "diamond", "size": 11}
    return go.Scatter(
        x=[each.value for _title, each in shown],
        y=[title for title, _each in shown],
        error_x={
            "type": "data", "symmetric": False, "array": [each.high - each.value for _title, each in shown],
            "arrayminus": [each.value - each.low for _title, each in shown], "thickness": 1.5, "width": 5,
            "color": colour if reads_labels(name) else GREY,
        },
        mode="markers",
        marker=dot if reads_labels(name) else ring,
        text=[with_interval(name, each) for _title, each in shown],
        hovertemplate="%{y}: %{text}<extra>" + measure_title(name) + "</extra>",
    )  # fmt: skip


def _broken(title: str) -> str:
    """A long title in two lines."""
    if len(title) <= 26 or " " not in title:
        return title
    middle = min((i for i, sign in enumerate(title) if sign == " "), key=lambda i: abs(i - len(title) // 2))
    return f"{title[:middle]}<br>{title[middle + 1 :]}"
