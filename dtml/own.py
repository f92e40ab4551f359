"""A person's own transfer tasks: two domains by a name, kept below `DTML_HOME`, used once they were looked at.

A task is a folder `tasks/NAME` with `task.toml` (what the catalogue's task is given, and whether it was confirmed),
`inspection.json` (what was found in the data) and the archives or files that were uploaded.
"""

from __future__ import annotations

import re
import shutil
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import tomli_w

from dtml import catalogue, paths
from dtml.errors import Problem
from dtml.images.files import opened
from dtml.images.store import forget
from dtml.inspection import Inspection
from dtml.language import mark

LONGEST_NAME = 60
MOST_UPLOADED = 2 << 30
"""Bytes of one uploaded file."""
CHUNK = 1 << 20


@dataclass(frozen=True)
class OwnTask:
    """One task on a person's own data.

    Attributes:
        name: what the person calls it.
        choice: the catalogue's task and its parameters, as an experiment takes them.
        confirmed: whether the person has looked at the data and wants to train on it.
        created: seconds since 1970.
        labelled: whether the target has labels, as far as anybody has looked.
    """

    name: str
    choice: dict[str, Any]
    confirmed: bool
    created: float
    labelled: bool = True

    @property
    def folder(self) -> Path:
        return folder(self.name)

    def inspection(self) -> Inspection | None:
        """What was found in the data; None where nobody has looked yet."""
        path = self.folder / "inspection.json"
        return Inspection.from_json(path.read_text("utf-8")) if path.exists() else None


def folder(name: str) -> Path:
    """Where a task is kept."""
    return paths.home() / "tasks" / name


def tasks() -> dict[str, OwnTask]:
    """All own tasks by name, the newest first."""
    found = map(_read, (paths.home() / "tasks").glob("*/task.toml"))
    return {task.name: task for task in sorted(filter(None, found), key=lambda task: -task.created)}


def task(name: str) -> OwnTask:
    """The own task of this name.

    Raises:
        Problem: where there is none.
    """
    known = tasks()
    if name not in known:
        listed = ", ".join(known) or "–"
        told = mark("You have no task named '{name}' (there are: {known}); add it with `dtml tasks add {name}`.")
        raise Problem(told, name=name, known=listed)
    return known[name]


def add(name: str, family: str, params: Mapping[str, Any], uploads: Mapping[str, BinaryIO] | None = None) -> OwnTask:
    """A new task, not yet confirmed; nothing of it stays where it is refused.

    Args:
        family: the catalogue's task, such as "folders".
        params: its parameters. A path that begins with the name of an upload is meant below the task's folder.
        uploads: files to keep, by file name.

    Raises:
        Problem: for a name that cannot be used or is taken, and for parameters that the task refuses.
    """
    _check_name(name)
    staged = paths.home() / "tasks" / f".{uuid4().hex[:12]}"
    staged.mkdir(parents=True)
    try:
        placed = dict(params)
        for file, content in (uploads or {}).items():
            _store(content, staged / Path(file).name)
            for key, value in placed.items():
                if isinstance(value, str) and (value == file or value.startswith(f"{file}/")):
                    placed[key] = str(folder(name) / value)
        _check_uploads(family, staged)
        choice = {"name": family, **catalogue.checked("task", family, {**placed, "title": name})}
        made = OwnTask(name, choice, confirmed=False, created=time.time())
        _write(made, staged)
        staged.rename(folder(name))
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return made


def look(name: str, progress: Any = None) -> Inspection:
    """Look at the data of a task, and keep what was found."""
    mine = task(name)
    found: Inspection = catalogue.create("task", mine.choice["name"], **_params(mine)).inspect(progress)
    with paths.replacing(mine.folder / "inspection.json") as temporary:
        temporary.write_text(found.to_json(), "utf-8")
    return found


def confirm(name: str, skip: bool = False) -> OwnTask:
    """The person has looked at the data and wants to train on it.

    Args:
        skip: leave out the files that cannot be read.

    Raises:
        Problem: where nobody has looked yet, or what was found has to be mended first.
    """
    mine = task(name)
    found = mine.inspection()
    if found is None:
        raise Problem(mark("Nobody has looked at the data of '{name}' yet; run `dtml tasks show {name}`."), name=name)
    if found.obstacles:
        raise found.obstacles[0]
    if found.unreadable and not skip:
        told = mark(
            "{count} files or rows of '{name}' cannot be read ({first}); mend them, or leave them out (`--skip`, or "
            "the box on the page)."
        )
        raise Problem(told, count=len(found.unreadable), name=name, first=found.unreadable[0][1])
    choice = {**mine.choice, "leave_out": True} if found.unreadable else mine.choice
    confirmed = replace(mine, choice=choice, confirmed=True, labelled=bool(found.target.counts))
    _write(confirmed, mine.folder)
    return confirmed


def remove(name: str) -> None:
    """Forget a task and delete what was uploaded for it; finished runs stay.

    Of one that was never confirmed, what was decoded to look at it goes, too.
    """
    mine = task(name)
    if not mine.confirmed:
        forget([mine.choice["source"], mine.choice["target"]], mine.created)
    shutil.rmtree(mine.folder)


def resolved(raw: Any) -> Any:
    """What an experiment says of its task, with the name of an own task replaced by what that stands for.

    Raises:
        Problem: for an own task that was not confirmed.
    """
    name = raw.get("name") if isinstance(raw, dict) else raw
    if not isinstance(name, str) or name in catalogue.names("task") or not (folder(name) / "task.toml").is_file():
        return raw
    mine = task(name)
    if not mine.confirmed:
        told = mark("The task '{name}' was not confirmed yet; look at its data with `dtml tasks show {name}` first.")
        raise Problem(told, name=name)
    return mine.choice


def unlabelled(choice: Mapping[str, Any]) -> bool:
    """Whether an experiment's task (its name and parameters) is an own one whose target has no labels."""
    mine = tasks().get(choice.get("title", "")) if choice.get("title") else None
    return mine is not None and mine.choice == dict(choice) and not mine.labelled


def _params(mine: OwnTask) -> dict[str, Any]:
    return {key: value for key, value in mine.choice.items() if key != "name"}


def _check_name(name: str) -> None:
    if not re.fullmatch(rf"\w[\w \-]{{0,{LONGEST_NAME - 2}}}\w?", name):
        told = mark("'{name}' cannot be a task's name; use letters, digits, spaces and dashes, {most} at most.")
        raise Problem(told, name=name, most=LONGEST_NAME)
    if name in catalogue.names("task") or folder(name).exists():
        raise Problem(
            mark("There is a task named '{name}' already; choose another name, or remove that one."), name=name
        )


def _store(content: BinaryIO, path: Path) -> None:
    size = 0
    with path.open("wb") as file:
        while chunk := content.read(CHUNK):
            size += len(chunk)
            if size > MOST_UPLOADED:
                told = mark("'{name}' is larger than {most} GiB; put it below DTML_DATA and give its path instead.")
                raise Problem(told, name=path.name, most=MOST_UPLOADED >> 30)
            file.write(chunk)


def _check_uploads(family: str, staged: Path) -> None:
    """Refuse archives of images that lead out of themselves, are encrypted, or unpack to far too much."""
    if family == "folders":
        for path in staged.iterdir():
            with opened(path):
                pass


def _write(mine: OwnTask, place: Path) -> None:
    told = {key: getattr(mine, key) for key in ("created", "confirmed", "labelled")} | {"task": mine.choice}
    with paths.replacing(place / "task.toml") as temporary:
        temporary.write_text(tomli_w.dumps(told), "utf-8")


def _read(path: Path) -> OwnTask | None:
    """What a task's file says; None where it was damaged."""
    try:
        told = tomllib.loads(path.read_text("utf-8"))
        return OwnTask(path.parent.name, told["task"], told["confirmed"], told["created"], told["labelled"])
    except (OSError, ValueError, KeyError):
        return None
