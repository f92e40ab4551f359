"""The command `dtml export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from dtml.errors import Problem
from dtml.language import _, mark

FORMATS = "html, safetensors, onnx, csv, parquet, toml, script, png, svg"


def export(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN…", help=_("Ids of runs; several make a comparison (html)."))
    ],
    to: Annotated[str, typer.Option("--to", help=_("One of {formats}.").format(formats=FORMATS))] = "html",
    output: Annotated[
        Path | None, typer.Option(help=_("The file, or a folder; else a file named after the run, here."))
    ] = None,
    part: Annotated[
        str, typer.Option(help=_("csv, parquet: samples or curves; png, svg: embeddings or another figure."))
    ] = "",
    dark: Annotated[bool, typer.Option("--dark", help=_("Pictures on a dark background."))] = False,
    force: Annotated[bool, typer.Option("--force", help=_("Replace a file that is there already."))] = False,
) -> None:
    """Write the file and say where it is."""
    from dtml.console import bar
    from dtml.export.files import Wanted, file_name, write
    from dtml.runs.store import Store

    out, err = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)
    store, wanted = Store(), Wanted(to, part, dark)
    chosen = [store.run(identity) for identity in dict.fromkeys(runs)]
    path = destination(output, file_name(chosen, wanted), force)
    with bar(err) as show:
        told = write(store, chosen, wanted, path, lambda what, share: show(_(what), share))
    out.print(str(path), markup=False, highlight=False)
    if told:
        out.print(told, markup=False, highlight=False)


def destination(output: Path | None, name: str, force: bool) -> Path:
    """Where the file goes; one that is there already stays unless `force`.

    Raises:
        Problem: where there is such a file, or no such folder.
    """
    path = Path(name) if output is None else output / name if output.is_dir() else output
    if not path.parent.is_dir():
        raise Problem(mark("There is no folder '{folder}'; create it, or give another --output."), folder=path.parent)
    if path.exists() and not force:
        raise Problem(mark("'{path}' is there already; give another --output, or --force to replace it."), path=path)
    return path
