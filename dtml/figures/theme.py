"""How a figure looks outside the dashboard, which brings its own theme: light or dark, on opaque paper."""

from __future__ import annotations

import plotly.graph_objects as go

from dtml.figures.palette import PALETTE, PAPER

INK = ("#1f2733", "#e6e9ef")
"""The colour of text on the paper, light and dark."""
LINES = ("#e3e7ee", "#2a3342")
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Noto Sans CJK SC', 'Microsoft YaHei', sans-serif"


def themed(figure: go.Figure, dark: bool) -> go.Figure:
    """The figure with the house's colours where it sets none itself."""
    axis = {"gridcolor": LINES[dark], "zerolinecolor": LINES[dark], "linecolor": LINES[dark], "automargin": True}
    layout = {
        "font": {"family": FONT, "color": INK[dark], "size": 13},
        "paper_bgcolor": PAPER[dark],
        "plot_bgcolor": PAPER[dark],
        "colorway": list(PALETTE),
        "xaxis": axis,
        "yaxis": axis,
        "hoverlabel": {"bgcolor": PAPER[dark], "font": {"color": INK[dark]}, "bordercolor": LINES[dark]},
    }
    return figure.update_layout(template={"layout": layout})
