"""The commands that train one experiment many times, and write tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from dtml.experiment import Experiment
from dtml.language import _

out, err = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)


def pairs(
    file: Annotated[Path, typer.Argument(metavar="FILE.toml", help=_("An experiment on a task with named domains."))],
    seeds: Annotated[str, typer.Option(help=_("Seeds: a range such as 0-2, or a list such as 1,5,9."))] = "0-2",
    domains: Annotated[
        str, typer.Option(help=_("Domains (comma); all whose data is on disk where none is named."))
    ] = "",
    to: Annotated[Path | None, typer.Option(help=_("A Markdown file to write the table into."))] = None,
) -> None:
    """Train an experiment and its references on every ordered pair of domains, and print the table."""
    from dtml.cli import numbers
    from dtml.console import Reporter
    from dtml.runs.pairs import as_markdown, pair
    from dtml.runs.pairs import pairs as all_pairs
    from dtml.runs.store import Store

    wanted = all_pairs(Experiment.from_toml(file), [name.strip() for name in domains.split(",") if name.strip()])
    named, store = numbers(seeds), Store()
    with Reporter(err) as reporter:
        table = as_markdown([pair(store, each, named, reporter) for each in wanted])
    if to:
        to.write_text(table, "utf-8")
    out.print(table, markup=False, highlight=False)
