"""What changed from before to after: accuracies by class, where the target went, and how far the domains are apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from dtml.figures.palette import GREY, PAPER
from dtml.language import _
from dtml.runs.changes import Change, Changes, Share, flows
from dtml.runs.measuring import Measured

BLUE = ("#0072b2", "#56b4e9")
"""Of what came after and of what is well, light and dark."""
VERDICTS = {"lost": "triangle-left", "open": "circle", "gained": "triangle-right"}
"""The symbol of what became of a class says the same as its colour."""
MANY = 14
"""Classes from which on cells have no numbers."""


def verdict(name: str) -> str:
    """What became of a class."""
    return {"lost": _("clearly lower"), "open": _("no clear change"), "gained": _("clearly higher")}[name]


def accuracies(changes: Changes, dark: bool = False) -> go.Figure:
    """Accuracy before → after of the domains and of each target class, the largest loss on top, with intervals."""
    whole = [(_("all of the source"), changes.source), (_("all of the target"), changes.target)]
    rows = [(f"<b>{name}</b>", change) for name, change in whole if change]
    rows += [(changes.classes[label], change) for label, change in changes.by_class]
    named = [(f"{name} · {change.before.count}", change) for name, change in rows]
    figure = go.Figure()
    figure.add_trace(_joined(named))
    names = [name for name, _change in named]
    figure.add_trace(_points(_("before"), names, [c.before for _n, c in named], _ring(dark)))
    colours = {"lost": "#d55e00", "open": GREY, "gained": BLUE[dark]}
    for each, symbol in VERDICTS.items():
        mine = [(name, change) for name, change in named if change.verdict == each]
        if mine:
            marker = {"color": colours[each], "symbol": symbol, "size": 13}
            title = _("after: {verdict}").format(verdict=verdict(each))
            trace = _points(title, [n for n, _c in mine], [c.after for _n, c in mine], marker, _told(mine))
            figure.add_trace(trace)
    figure.update_xaxes(title=_("accuracy on the probe samples"), tickformat=".0%", range=[-0.02, 1.02])
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1], automargin=True)
    return _sized(figure, 110 + 30 * max(len(names), 3))


def _ring(dark: bool) -> dict[str, Any]:
    return {"color": PAPER[dark], "symbol": "circle", "size": 10, "line": {"color": GREY, "width": 2}}


def _joined(rows: Sequence[tuple[str, Change]]) -> go.Scatter:
    """Thin lines from before to after."""
    x: list[float | None] = [v for _name, c in rows for v in (c.before.value, c.after.value, None)]
    y = [v for name, _c in rows for v in (name, name, None)]
    line = {"color": "rgba(138,148,166,0.6)", "width": 5}
    return go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", showlegend=False)


def _points(
    title: str, names: list[str], shares: list[Share], marker: dict[str, Any], told: list[str] | None = None
) -> go.Scatter:
    error = {
        "type": "data",
        "symmetric": False,
        "array": [s.high - s.value for s in shares],
        "arrayminus": [s.value - s.low for s in shares],
        "thickness": 1,
        "width": 3,
        "color": marker.get("line", marker)["color"],
    }
    texts = told or [""] * len(shares)
    return go.Scatter(
        x=[s.value for s in shares],
        y=names,
        error_x=error,
        mode="markers",
        name=title,
        marker=marker,
        text=texts,
        hovertemplate="%{y}: %{x:.1%}%{text}<extra>" + title + "</extra>",
    )


def _told(rows: Sequence[tuple[str, Change]]) -> list[str]:
    points = _("{change} points ({low} to {high})")
    return [
        "<br>" + points.format(change=_signed(c.difference), low=_signed(c.low), high=_signed(c.high)) for _n, c in rows
    ]


def _signed(value: float) -> str:
    return f"{100 * value:+.1f}"


def flow(changes: Changes, only: int | None = None, dark: bool = False) -> go.Figure:
    """From the nearest source class before to that after: a band a group of target samples, coloured by whether it
    is their own class.

    Args:
        only: show samples of this true class.
    """
    bands = flows(changes, only)
    sides = [sorted({band[0] for band in bands}), sorted({band[1] for band in bands})]
    totals = [[_total(bands, side, label) for label in sides[side]] for side in (0, 1)]
    place = [{label: number for number, label in enumerate(labels)} for labels in sides]
    colours = {"stayed": GREY, "found": BLUE[dark], "left": "#d55e00", "wrong": "#e69f00", "unknown": GREY}
    node = {
        "label": [changes.classes[label] for labels in sides for label in labels],
        "x": [0.001] * len(sides[0]) + [0.999] * len(sides[1]),
        "y": [*_middles(totals[0]), *_middles(totals[1])],
        "color": GREY,
        "pad": 10,
        "thickness": 14,
        "line": {"width": 0},
        "hovertemplate": "%{label}: %{value}<extra></extra>",
    }
    link = {
        "source": [place[0][b[0]] for b in bands],
        "target": [len(sides[0]) + place[1][b[1]] for b in bands],
        "value": [b[3] for b in bands],
        "color": [_faint(colours[b[2]], 0.35 if b[2] in ("stayed", "unknown") else 0.7) for b in bands],
        "customdata": [_how()[b[2]] for b in bands],
        "hovertemplate": "%{source.label} → %{target.label}: %{value}<br>%{customdata}<extra></extra>",
    }
    font = {"color": PAPER[not dark], "size": 14, "shadow": "none"}
    figure = go.Figure(go.Sankey(arrangement="fixed", node=node, link=link, textfont=font))
    present = [how for how in colours if any(band[2] == how for band in bands)]
    for how in present:
        marker = {"symbol": "square", "size": 13, "color": colours[how]}
        figure.add_trace(go.Scatter(x=[None], y=[None], mode="markers", name=_how()[how], marker=marker))
    for x, anchor, text in ((0, "left", _("nearest before")), (1, "right", _("nearest after"))):
        figure.add_annotation(
            x=x, y=1, xref="paper", yref="paper", xanchor=anchor, yanchor="bottom", text=f"<b>{text}</b>",
            showarrow=False, yshift=4,
        )  # fmt: skip
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    height = max(320, 130 + 30 * max(map(len, sides)))
    return _sized(figure, height, top=36, legend_below=True)


def _total(bands: Sequence[tuple[int, int, str, int]], side: int, label: int) -> int:
    return sum(band[3] for band in bands if band[side] == label)


def _middles(totals: Sequence[int]) -> list[float]:
    """The middles of bars of these heights stacked from the top, with a gap between them, in [0, 1]."""
    heights = np.array(totals, dtype=float) / sum(totals)
    gap = 0.25 / max(len(totals), 2)
    scaled = heights * (1 - gap * (len(totals) - 1))
    ends = np.cumsum(scaled) + gap * np.arange(len(totals))
    return [float(v) for v in np.clip(ends - scaled / 2, 0.001, 0.999)]


def _how() -> dict[str, str]:
    return {
        "stayed": _("own class, before and after"),
        "found": _("found its class"),
        "left": _("left its class"),
        "wrong": _("another class, before and after"),
        "unknown": _("class unknown"),
    }


def _faint(colour: str, alpha: float) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def matrices(
    classes: Sequence[str],
    pair: tuple[NDArray[np.int64], NDArray[np.int64]],
    columns: str,
    dark: bool = False,
) -> go.Figure:
    """Two tables of counts (c, c) before | after, each row a true class and coloured by its share.

    Args:
        columns: what the columns are.
    """
    figure = make_subplots(1, 2, subplot_titles=[_("Before"), _("After")], horizontal_spacing=0.04, shared_yaxes=True)
    scale = [[0, PAPER[dark]], [1, ("#62aee0", "#1f6da8")[dark]]]  # the numbers stay legible on both ends
    names = list(map(str, classes))
    for column, counts in enumerate(pair, 1):
        sums = counts.sum(1, keepdims=True)
        shares = np.divide(counts, sums, out=np.zeros(counts.shape), where=sums > 0)
        few = len(names) <= MANY
        figure.add_trace(
            go.Heatmap(
                z=shares,
                x=names,
                y=names,
                zmin=0,
                zmax=1,
                colorscale=scale,
                showscale=column == 2,
                colorbar={"tickformat": ".0%", "thickness": 12, "len": 0.9},
                xgap=1,
                ygap=1,
                customdata=counts,
                text=np.where(counts > 0, counts.astype(str), "") if few else None,
                texttemplate="%{text}" if few else None,
                textfont={"color": PAPER[not dark]},
                hovertemplate=_("true {true} → {other}: {count} ({share})").format(
                    true="%{y}", other="%{x}", count="%{customdata}", share="%{z:.0%}"
                )
                + "<extra></extra>",
            ),
            1,
            column,
        )
    figure.update_xaxes(title=columns, type="category", showgrid=False, tickangle=-35 if _long(names) else 0)
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False, automargin=True)
    figure.update_yaxes(title=_("true class of the target"), col=1)
    return _sized(figure, 190 + 26 * max(min(len(names), 40), 6), top=40)


def _long(names: Sequence[str]) -> bool:
    return sum(map(len, names)) > 40


def measures(found: Mapping[str, Sequence[Measured]], titles: Mapping[str, str], dark: bool = False) -> go.Figure:
    """How far the domains are apart, before and after, a panel a measure with its own scale.

    Args:
        found: values in the two states, by measure; those that cannot be told are left out.
        titles: of the measures, by name.
    """
    shown = {name: values for name, values in found.items() if not any(each.problem for each in values)}
    figure = make_subplots(1, max(len(shown), 1), subplot_titles=[titles[name] for name in shown])
    looks = [_ring(dark), {"color": BLUE[dark], "symbol": "diamond", "size": 12}]
    for column, values in enumerate(shown.values(), 1):
        for title, each, marker in zip((_("before"), _("after")), values, looks, strict=True):
            error = {
                "type": "data", "symmetric": False, "array": [each.high - each.value],
                "arrayminus": [each.value - each.low], "thickness": 2, "width": 6,
                "color": marker.get("line", marker)["color"],
            }  # fmt: skip
            figure.add_trace(
                go.Scatter(
                    x=[title], y=[each.value], error_y=error, mode="markers", marker=marker, name=title,
                    showlegend=False,
                    hovertemplate=f"%{{y:.4g}} ({each.low:.4g} – {each.high:.4g})<extra>{title}</extra>",
                ),
                1,
                column,
            )  # fmt: skip
    figure.update_yaxes(rangemode="tozero", nticks=5, exponentformat="e")
    figure.update_xaxes(range=[-0.6, 1.6], showgrid=False)
    figure.update_annotations(font={"size": 14})
    return _sized(figure, 260, top=36)


def _sized(figure: go.Figure, height: int, top: int = 8, legend_below: bool = False) -> go.Figure:
    legend = {"orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom", "traceorder": "normal"}
    if legend_below:
        legend |= {"y": -0.02, "yanchor": "top"}
    figure.update_layout(height=height, margin={"l": 8, "r": 8, "t": top, "b": 8}, legend=legend)
    return figure
