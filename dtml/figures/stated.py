"""Figures that say where they come from, and that can be taken away as PNG or SVG."""

from __future__ import annotations

import html
import math
import re
from typing import Any, Literal

import plotly.graph_objects as go

from dtml.figures.palette import GREY

Format = Literal["png", "svg"]
FORMATS: tuple[Format, ...] = ("png", "svg")
LINE = 15
"""Pixels of a line of the note."""
WIDE = 150
"""Characters after which the note goes on in a new line."""


def stated(figure: go.Figure, provenance: str) -> go.Figure:
    """The figure with a line of small print above it, inside the picture: seed, versions, sampling.

    It stands in a band of its own, so it covers nothing; the figure becomes higher by that band.
    """
    lines = _wrapped(provenance)
    given = 60 if figure.layout.margin.t is None else figure.layout.margin.t
    above = max(given, _legend_above(figure))
    band = LINE * len(lines) + 5
    figure.add_annotation(
        text="<br>".join(map(html.escape, lines)), showarrow=False, align="left", font={"size": 11, "color": GREY},
        xref="paper", yref="paper", x=0, y=1, xanchor="left", yanchor="bottom", yshift=above - 3,
        name="provenance",
    )  # fmt: skip
    height = figure.layout.height
    grown = None if height is None else height + above - given + band
    return figure.update_layout(margin={"t": above + band}, height=grown)


def _legend_above(figure: go.Figure) -> int:
    """About how many pixels a legend takes that stands on the figure's upper edge."""
    legend = figure.layout.legend
    if figure.layout.showlegend is False or legend.yanchor != "bottom" or (legend.y or 0) < 1:
        return 0
    names = [trace.name or "" for trace in figure.data if trace.showlegend is not False]
    rows = math.ceil(sum(45 + 8 * len(name) for name in names) / 1000)
    return 22 * rows + 8 if names else 0


def figure_config(name: str, format: Format = "png") -> dict[str, Any]:  # noqa: A002
    """What Plotly's own buttons do: no logo, no selection, and a camera that saves `name` as PNG or SVG."""
    return {
        "displaylogo": False,
        "responsive": True,
        "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
        "toImageButtonOptions": {
            "format": format,
            "filename": re.sub(r"[^\w.-]+", "-", name).strip("-") or "figure",
            "scale": 2 if format == "png" else 1,
        },
    }


def _wrapped(text: str) -> list[str]:
    """The parts between the dots, so many a line as there is room for."""
    lines: list[str] = []
    for part in text.split(" · "):
        if lines and len(lines[-1]) + len(part) + 3 <= WIDE:
            lines[-1] += f" · {part}"
        else:
            lines.append(part)
    return lines
