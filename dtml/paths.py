"""Where things are kept. `DTML_HOME` and `DTML_DATA` move them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import platformdirs

from dtml.errors import Problem
from dtml.language import mark


def home() -> Path:
    """Runs, store and caches: `DTML_HOME`, else the platform's folder for a user's data."""
    path = Path(os.environ.get("DTML_HOME") or platformdirs.user_data_dir("dtml", appauthor=False))
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        told = mark("The folder '{path}' cannot be used ({error}); set DTML_HOME to a folder of your own.")
        raise Problem(told, path=path, error=error.strerror) from None
    return path.resolve()


def cache() -> Path:
    """What can be made again: catalogue, decoded images, features, compiled kernels."""
    path = home() / "cache"
    path.mkdir(exist_ok=True)
    return path


def downloads() -> Path:
    """Datasets that dtml itself fetched, below `DTML_HOME`."""
    return home() / "data"


def data_folders() -> list[Path]:
    """Where datasets are looked for: `DTML_DATA` first, then the folder of downloads."""
    given = os.environ.get("DTML_DATA")
    return [*([Path(given).resolve()] if given else []), downloads()]


def find_data(*parts: str) -> Path | None:
    """The first existing file or folder `parts` below a data folder."""
    candidates = (folder.joinpath(*parts) for folder in data_folders())
    return next((path for path in candidates if path.exists()), None)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`, renamed to it once written: readers never see half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid4().hex[:8]}.{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
