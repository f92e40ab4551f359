"""The decision boundary of a task in the plane, moving through training."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from dtml.figures.palette import PAPER, SYMBOLS, colour
from dtml.language import _

Boundaries = Mapping[int, Mapping[str, NDArray[Any]]]
"""By step: class probabilities "boundary" (g, g, c) at [row y, column x], with "boundary_x" and "boundary_y" (g,)."""
STRENGTH = 0.5
"""How much of a class's colour the ground has where the network is certain."""


def boundary(
    panels: Sequence[tuple[str, Boundaries]], seen: Mapping[str, NDArray[Any]], dark: bool = False
) -> go.Figure:
    """Which class the network gives to each place, a panel a run, with a slider and a play button over the steps.

    The ground has the colours of the classes, the paler the less certain; the line is where two classes are
    equally likely. The first and the last step that all panels have are the slider's ends.

    Args:
        seen: "inputs" (n, 2), "labels", "domains" of the samples that are drawn on it, and "classes".
    """
    steps = sorted(set.intersection(*(set(found) for _title, found in panels)))
    figure = make_subplots(1, len(panels), subplot_titles=[title for title, _found in panels], horizontal_spacing=0.03)
    for column, (_title, found) in enumerate(panels, 1):
        for trace in _ground(found[steps[-1]], dark):
            figure.add_trace(trace, 1, column)
    moving = list(range(len(figure.data)))
    for column in range(1, len(panels) + 1):
        for sample in _samples(seen, dark, legend=column == 1):
            figure.add_trace(sample, 1, column)
    figure.frames = [
        go.Frame(
            name=str(step),
            data=[trace for _title, found in panels for trace in _ground(found[step], dark)],
            traces=moving,
        )
        for step in steps
    ]
    _window(figure, panels[0][1][steps[0]])
    figure.update_layout(sliders=[_slider(steps)], updatemenus=[_play()])
    return figure


def _ground(arrays: Mapping[str, NDArray[Any]], dark: bool) -> list[Any]:
    """The coloured ground, and the line between two classes."""
    chances, x, y = arrays["boundary"].astype(np.float32), arrays["boundary_x"], arrays["boundary_y"]
    step_x, step_y = (float(a[-1] - a[0]) / (len(a) - 1) for a in (x, y))
    image = go.Image(
        source=_image(chances, dark), x0=float(x[0]), dx=step_x, y0=float(y[0]), dy=step_y, hoverinfo="skip",
        zsmooth="fast",
    )  # fmt: skip
    line = go.Contour(
        z=np.round(margin(chances), 3),
        x=x,
        y=y,
        contours={"start": 0, "end": 0, "size": 1, "coloring": "none"},
        line={"color": PAPER[not dark], "width": 2.5},
        showscale=False,
        hoverinfo="skip",
        showlegend=False,
    )
    return [image, line]


def margin(chances: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """How much likelier the first class is than any other, (g, g) from (g, g, c); 0 on its boundary."""
    return chances[..., 0] - chances[..., 1:].max(-1)


def _image(chances: NDArray[np.float32], dark: bool) -> str:
    """The probabilities as a picture of mixed colours, as the address of a PNG."""
    from PIL import Image

    colours = np.array([_rgb(colour(label)) for label in range(chances.shape[-1])])
    certain = np.clip((chances.max(-1, keepdims=True) * chances.shape[-1] - 1) / (chances.shape[-1] - 1), 0, 1)
    strength = STRENGTH * certain
    mixed = (1 - strength) * np.array(_rgb(PAPER[dark])) + strength * (chances @ colours)
    held = io.BytesIO()
    Image.fromarray(np.clip(np.round(mixed), 0, 255).astype(np.uint8)).save(held, "PNG")
    return "data:image/png;base64," + base64.b64encode(held.getvalue()).decode()


def _rgb(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def _samples(seen: Mapping[str, NDArray[Any]], dark: bool, legend: bool) -> list[go.Scatter]:
    traces = []
    for domain, side in ((1, _("target")), (0, _("source"))):
        for label in np.unique(seen["labels"]):
            mine = (seen["labels"] == label) & (seen["domains"] == domain)
            name = str(seen["classes"][label]) if label >= 0 else _("unknown")
            line = {"width": 1, "color": PAPER[dark]} if domain == 0 else {"width": 1.4}
            marker = {"color": colour(int(label)), "symbol": SYMBOLS[domain], "size": 7, "line": line}
            traces.append(
                go.Scatter(
                    x=seen["inputs"][mine, 0],
                    y=seen["inputs"][mine, 1],
                    mode="markers",
                    name=f"{side} · {name}",
                    legendgroup=f"{domain}-{label}",
                    showlegend=legend,
                    marker=marker,
                    hovertemplate="%{x:.2f}, %{y:.2f}<extra>" + name + "</extra>",
                )
            )
    return traces


def _window(figure: go.Figure, arrays: Mapping[str, NDArray[Any]]) -> None:
    x, y = arrays["boundary_x"], arrays["boundary_y"]
    axis = {"showgrid": False, "zeroline": False, "showticklabels": False, "constrain": "domain"}
    figure.update_xaxes(range=[float(x[0]), float(x[-1])], **axis)
    figure.update_yaxes(range=[float(y[0]), float(y[-1])], autorange=False, **axis)
    figure.update_layout(
        height=520,
        margin={"l": 8, "r": 8, "t": 40, "b": 8},
        legend={"orientation": "h", "y": -0.22, "yanchor": "top", "x": 0, "xanchor": "left"},
    )


def _slider(steps: Sequence[int]) -> dict[str, Any]:
    return {
        "active": len(steps) - 1,
        "currentvalue": {"prefix": _("step") + " ", "xanchor": "right"},
        "x": 0.14,
        "len": 0.86,
        "pad": {"t": 4},
        "steps": [
            {"label": str(step), "method": "animate", "args": [[str(step)], _at_once()]} for step in steps
        ],
    }  # fmt: skip


def _play() -> dict[str, Any]:
    frame = {"frame": {"duration": 350, "redraw": True}, "transition": {"duration": 0}}
    buttons = [
        {"label": "▶ " + _("Play"), "method": "animate", "args": [None, {**frame, "mode": "immediate"}]},
        {"label": "❚❚ " + _("Pause"), "method": "animate", "args": [[None], _at_once()]},
    ]
    return {
        "type": "buttons", "direction": "left", "x": 0, "xanchor": "left", "y": -0.04, "yanchor": "top",
        "pad": {"t": 14, "r": 8}, "buttons": buttons, "showactive": False,
    }  # fmt: skip


def _at_once() -> dict[str, Any]:
    return {"mode": "immediate", "frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}}
