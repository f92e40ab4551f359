"""Public datasets: where they come from, under which terms, and what of them has to lie where.

A task names its datasets; they are published with it as plain data, so that a page can tell what is missing
without loading the task.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dtml import paths
from dtml.catalogue import Paper
from dtml.errors import Problem
from dtml.language import Text, _, mark


@dataclass(frozen=True)
class File:
    """One file or folder of a dataset.

    Attributes:
        path: where it lies below a data folder, and where a download puts it.
        also: other places below a data folder that serve as well, such as the unpacked folder.
        urls: mirrors, the best first; none where there is no stable public source.
        checksum: "md5:…" or "sha256:…"; every file with `urls` has one.
        size: its bytes, about.
    """

    path: str
    also: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    checksum: str = ""
    size: int = 0

    def find(self) -> Path | None:
        """Where it is on disk, or None."""
        return found(self.path, *self.also)


@dataclass(frozen=True)
class Dataset:
    """A public dataset.

    Attributes:
        title: its name.
        home: the page that tells about it.
        terms: its licence, or what its authors say about its use.
        paper: what to cite.
        size: bytes on disk, about.
        parts: what has to be there, by the name of a domain.
        layout: how it lies below a data folder, a line an alternative or a part.
    """

    title: str
    home: str
    terms: Text
    paper: Paper
    size: int
    parts: Mapping[str, Sequence[File]]
    layout: Sequence[str] = field(default=())

    def find(self, part: str) -> Path | None:
        """Where the first file of a part is on disk, or None."""
        return self.parts[part][0].find()

    def entry(self) -> dict[str, Any]:
        """The dataset as plain data."""
        told = asdict(self) | {"terms": list(self.terms)}
        plain: dict[str, Any] = json.loads(json.dumps(told))
        return plain


def found(*places: str) -> Path | None:
    """The first of these places, relative to a data folder, where something lies."""
    candidates = (paths.find_data(*place.split("/")) for place in places)
    return next((path for path in candidates if path is not None), None)


def absent(entry: Mapping[str, Any], params: Mapping[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """(dataset, file) of all that a task reads with these parameters and that is not on disk, as plain data.

    A part of a dataset is read unless the task's parameters choose among the parts and did not choose it.

    Args:
        entry: the task as the catalogue publishes it.
    """
    choosable = {value for schema in entry["parameters"].values() for value in schema.get("enum", [])}
    unread = choosable - set(params.values())
    return [
        (dataset, file)
        for dataset in entry["datasets"]
        for part, files in dataset["parts"].items()
        for file in files
        if part not in unread and found(file["path"], *file["also"]) is None
    ]


def missing(entry: Mapping[str, Any], params: Mapping[str, Any]) -> Problem | None:
    """What of a task's data is not on disk and how to get it, in one sentence; None where all is there.

    What cannot be downloaded is told first: without it a download would be in vain.
    """
    lacking = absent(entry, params)
    by_hand = [(dataset, file) for dataset, file in lacking if not file["urls"]]
    if by_hand:
        dataset = by_hand[0][0]
        return Problem(
            mark(
                "{dataset} is not on disk ({files}) and is not published for direct download; get it from {home} and "
                "put it below DTML_DATA as {layout}."
            ),
            dataset=dataset["title"],
            files=", ".join(file["path"] for own, file in by_hand if own is dataset),
            home=dataset["home"],
            layout=" · ".join(dataset["layout"]),
        )
    if not lacking:
        return None
    return Problem(
        mark(
            "The data of the task '{task}' is not on disk ({files}); run `dtml get task {command}`, or set DTML_DATA."
        ),
        task=entry["name"],
        files=", ".join(Path(file["path"]).name for _dataset, file in lacking),
        command=" ".join([entry["name"], *_settings(entry, params)]),
    )


def stated(dataset: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a person should know of a published dataset, as (what, told)."""
    paper = dataset["paper"]
    files = [file for part in dataset["parts"].values() for file in part]
    checked = [f"{Path(file['path']).name} {file['checksum']}" for file in files if file["checksum"]]
    by_hand = _("not published for direct download: get it from its origin")
    return [
        (_("Origin"), dataset["home"]),
        (_("Terms"), str(Text(*dataset["terms"]))),
        (_("To cite"), f"{paper['authors']} ({paper['year']}): {paper['title']}. {paper['link']}"),
        (_("Size"), _("about {size}").format(size=in_bytes(dataset["size"]))),
        (_("Below DTML_DATA"), "; ".join(dataset["layout"])),
        (_("Download"), ", ".join(checked) or by_hand),
    ]


def in_bytes(size: float) -> str:
    """A number of bytes as a person reads it."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def _settings(entry: Mapping[str, Any], params: Mapping[str, Any]) -> list[str]:
    """The parameters that choose the data, as options of a command."""
    parts = {part for dataset in entry["datasets"] for part in dataset["parts"]}
    named = {key: value for key, value in params.items() if value in parts}
    return [f"--set {key}={value}" for key, value in named.items() if value != entry["parameters"][key]["default"]]
