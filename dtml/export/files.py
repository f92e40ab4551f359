"""Every format that a run can be taken away in: what it holds, how it is called, and how it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dtml import catalogue, paths
from dtml.errors import Problem
from dtml.export import tables
from dtml.export.model import finished, safetensors
from dtml.export.script import script
from dtml.language import _, mark
from dtml.report import report as as_html
from dtml.runs.records import Run
from dtml.runs.store import Store
from dtml.runs.story import Story, tell

Report = Callable[[str, float], None]
FORMATS = ("html", "safetensors", "onnx", "csv", "parquet", "toml", "script", "png", "svg")
PARTS = {"csv": ("samples", "curves"), "parquet": ("samples", "curves"), "png": (), "svg": ()}
"""Formats that hold one part of a run, and which; the first unless another is named. Pictures: see the report."""


@dataclass(frozen=True)
class Wanted:
    """What is taken away: a format, the part of the run where the format holds only one, dark pictures or light."""

    format: str
    part: str = ""
    dark: bool = False

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise catalogue.unknown("format", self.format, FORMATS)
        parts = PARTS.get(self.format)
        if self.part and parts is None:
            raise Problem(
                mark("The format '{format}' has no parts, so '{part}' cannot be chosen; leave it out."),
                format=self.format,
                part=self.part,
            )
        if self.part and parts and self.part not in parts:
            raise catalogue.unknown("part", self.part, parts)

    @property
    def chosen(self) -> str:
        """The part that is written; "" where the format holds the whole."""
        if self.format not in PARTS:
            return ""
        return self.part or ("samples" if PARTS[self.format] else "embeddings")


def file_name(runs: Sequence[Run], wanted: Wanted) -> str:
    """What the file is called where nobody says otherwise."""
    first = runs[0].id if len(runs) == 1 else f"comparison-of-{len(runs)}-runs"
    part = f"-{wanted.chosen}" if wanted.chosen else ""
    suffix = "py" if wanted.format == "script" else wanted.format
    return f"{first}{part}.{suffix}"


def write(store: Store, runs: Sequence[Run], wanted: Wanted, path: Path, report: Report) -> str:
    """Write what is wanted of finished runs to `path`; returns what a person should know of the file, or "".

    Pictures that are not there yet are computed.

    Raises:
        Problem: for a run that is not finished, and for several runs where the format holds one.
    """
    for run in runs:
        finished(run)
    if len(runs) > 1 and wanted.format != "html":
        raise Problem(
            mark("The format '{format}' holds one run, but {count} were named; name one, or write a report as html."),
            format=wanted.format,
            count=len(runs),
        )
    if wanted.format == "onnx":
        return _onnx(runs[0], path, report)
    with paths.replacing(path) as temporary:
        temporary.write_bytes(content(store, runs, wanted, report))
    return ""


def content(
    store: Store,
    runs: Sequence[Run],
    wanted: Wanted,
    report: Report = lambda what, share: None,
    spec: Mapping[str, Any] | None = None,
    compute: bool = True,
) -> bytes:
    """The file of any format but ONNX; without torch where nothing is computed.

    Args:
        spec, compute: the picture to show, and whether to compute it where it is not there yet; see `tell`.
    """
    match wanted.format:
        case "toml":
            return runs[0].experiment.to_toml().encode()
        case "script":
            return script(runs[0]).encode()
        case "safetensors":
            return safetensors(runs[0])

    def told(share: float) -> None:
        report(mark("Computing the projection"), share)

    stories = [tell(store, run, spec, compute, told) for run in runs]
    match wanted.format:
        case "html":
            return as_html(stories).encode()
        case "csv" | "parquet":
            return table(stories[0], wanted)
    from dtml.export.pictures import picture

    return picture(stories[0], wanted.chosen, "svg" if wanted.format == "svg" else "png", wanted.dark)


def table(story: Story, wanted: Wanted) -> bytes:
    """The samples or the curves of a run as CSV or Parquet."""
    frame = tables.samples(story) if wanted.chosen == "samples" else tables.curves(story)
    return tables.as_csv(frame) if wanted.format == "csv" else tables.as_parquet(frame)


def _onnx(run: Run, path: Path, report: Report) -> str:
    from dtml.export.onnx import write_onnx

    check = write_onnx(run, path, report)
    return _("Checked on {count} samples: at most {difference} away from the trained model.").format(
        count=check.samples, difference=f"{check.largest:.1g}"
    )
