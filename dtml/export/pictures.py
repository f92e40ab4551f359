"""The figures of a run as PNG or SVG, drawn by Plotly in the system's Chromium, without a network."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dtml.errors import Problem
from dtml.figures.stated import Format
from dtml.figures.theme import themed
from dtml.language import mark
from dtml.report import figures
from dtml.runs.story import Story

WIDTH = 1200
"""Pixels; a PNG has twice as many, for a projector."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def picture(story: Story, name: str, format: Format, dark: bool = False) -> bytes:  # noqa: A002
    """The figure `name` of a run's report, with its provenance in it.

    Raises:
        Problem: where kaleido or a Chromium is missing, or there is no figure of that name.
    """
    known = figures(story)
    if name not in known:
        raise Problem(
            mark("There is no figure '{name}' of '{id}'; choose one of {known}."),
            name=name,
            id=story.run.id,
            known=", ".join(known),
        )
    return draw(themed(known[name].draw(dark), dark).to_dict(), format)


def draw(figure: dict[str, Any], format: Format) -> bytes:  # noqa: A002
    """A Plotly figure, as plain data, as PNG or SVG."""
    import plotly

    _require()
    import kaleido

    if format == "svg":  # WebGL would be a raster image within the drawing
        figure["data"] = [{**trace, "type": trace["type"].removesuffix("gl")} for trace in figure["data"]]
    size = {"width": WIDTH, "height": figure["layout"].get("height") or 540}
    script = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    return bytes(
        kaleido.calc_fig_sync(
            figure,
            opts={"format": format, "scale": 2 if format == "png" else 1, **size},
            kopts={"mathjax": False, "plotlyjs": script},
        )
    )


def _require() -> None:
    import os

    if find_spec("kaleido") is None:
        raise Problem(
            mark("Pictures need {packages}; install dtml with its extra `export`, or save them in the dashboard."),
            packages="kaleido",
        )
    if not os.environ.get("BROWSER_PATH"):
        found = next(filter(None, map(shutil.which, BROWSERS)), None)
        if found is None:
            raise Problem(
                mark("Pictures are drawn by Chromium, and none was found; install it, or set BROWSER_PATH to it.")
            )
        os.environ["BROWSER_PATH"] = found
