"""Sections as one HTML file that needs nothing else."""

from __future__ import annotations

import html
import json
import time
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import plotly.graph_objects as go

from dtml.figures.stated import figure_config
from dtml.figures.theme import themed
from dtml.language import _, language

HERE = Path(__file__).parent
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:; "
    "font-src data:; worker-src blob:"
)
"""What the browser lets the file do: it forbids every request. Plotly's WebGL compiles its drawing code ('eval')."""


@dataclass(frozen=True)
class Figure:
    """A figure in the light and the dark, its name as a file, and what it shows for those who cannot see it."""

    draw: Callable[[bool], go.Figure]
    name: str
    alt: str


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it: HTML, or figures."""

    title: str
    blocks: Sequence[str | Figure]


def page(title: str, subtitle: str, sections: Iterable[Section | None]) -> str:
    """The whole file; a section that is None has nothing to show."""
    from plotly.offline import get_plotlyjs

    figures: dict[str, Figure] = {}
    body = "\n".join(_section(section, figures) for section in sections if section and section.blocks)
    written = _("Written by dtml {version} on {date}. This file works without a network.").format(
        version=version("dtml"), date=time.strftime("%Y-%m-%d %H:%M")
    )
    without = html.escape(_("The figures need JavaScript, which is switched off in this browser."))
    return f"""<!DOCTYPE html>
<html lang="{language().replace("_", "-")}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="dtml {version("dtml")}">
<link rel="icon" href="data:,">
<title>{html.escape(title)}</title>
<style>
{(HERE / "page.css").read_text("utf-8")}</style>
</head>
<body>
<header><h1>{html.escape(title)}</h1><p>{html.escape(subtitle)}</p></header>
<main>
{body}
</main>
<footer><p>{html.escape(written)}</p></footer>
<noscript><p>{without}</p></noscript>
<script type="application/json" id="figures">{_as_json(figures)}</script>
<script>{get_plotlyjs()}</script>
<script>
{(HERE / "page.js").read_text("utf-8")}</script>
</body>
</html>
"""


def _section(section: Section, figures: dict[str, Figure]) -> str:
    parts = [f"<h2>{html.escape(section.title)}</h2>"]
    for block in section.blocks:
        if isinstance(block, Figure):
            identity = f"figure-{len(figures)}"
            figures[identity] = block
            height = block.draw(False).layout.height or 400
            alt = html.escape(block.alt, quote=True)
            parts.append(
                f'<div class="figure" id="{identity}" role="img" aria-label="{alt}" style="height:{height}px"></div>'
            )
        else:
            parts.append(block)
    return "<section>\n" + "\n".join(parts) + "\n</section>"


def _as_json(figures: Mapping[str, Figure]) -> str:
    """The figures for the script, so written that nothing in them ends its element."""
    schemes = {"light": False, "dark": True}
    content = {
        identity: {
            "config": figure_config(figure.name),
            "svg": _("Download as SVG"),
            **{name: json.loads(themed(figure.draw(dark), dark).to_json()) for name, dark in schemes.items()},
        }
        for identity, figure in figures.items()
    }
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


# -- pieces of HTML ---------------------------------------------------------------------------------


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph; `kind` is its class."""
    return f'<p class="{kind}">{html.escape(text)}</p>' if kind else f"<p>{html.escape(text)}</p>"


def table(head: Sequence[str], rows: Iterable[Sequence[object]], numbers: Container[int] = ()) -> str:
    """A table whose columns `numbers` stand to the right."""

    def row(cells: Sequence[object], tag: str) -> str:
        sides = [' class="number"' if i in numbers else "" for i in range(len(cells))]
        return "<tr>" + "".join(f"<{tag}{s}>{html.escape(str(c))}</{tag}>" for c, s in zip(cells, sides, strict=True))

    body = "\n".join(row(cells, "td") for cells in rows)
    return f'<div class="wide"><table><thead>{row(head, "th")}</thead><tbody>\n{body}</tbody></table></div>'


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Terms and what they are, one a line."""
    lines = "\n".join(f"<dt>{html.escape(term)}</dt><dd>{html.escape(told)}</dd>" for term, told in pairs)
    return f"<dl>\n{lines}\n</dl>"


def folded(title: str, text: str) -> str:
    """Text as it is, below a line that opens it."""
    return f"<details><summary>{html.escape(title)}</summary><pre>{html.escape(text)}</pre></details>"
