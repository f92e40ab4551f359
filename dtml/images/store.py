"""Images decoded once: one uint8 array on disk, kept by content, filled in parallel and taken up where it stopped."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from dtml import paths
from dtml.errors import Problem
from dtml.images.classes import Member
from dtml.images.files import Files
from dtml.images.pixels import decoded, unreadable
from dtml.language import mark

Progress = Callable[[str, float], None]
T = TypeVar("T")
R = TypeVar("R")

NOTE = np.dtype([("state", "u1"), ("digest", "S12"), ("look", "u8"), ("width", "u4"), ("height", "u4")])
OPEN, READ, UNREADABLE = 0, 1, 2
CHUNK = 64


class Kept:
    """The decoded images of one list of files.

    Attributes:
        images: uint8 (n, side, side, channels), memory-mapped; black where a file cannot be read.
        notes: (n,) of `NOTE`: what is known of each image.
        problems: why a file cannot be read, by its place in the list.
    """

    def __init__(self, folder: Path) -> None:
        self.images: NDArray[np.uint8] = np.load(folder / "images.npy", mmap_mode="r")
        self.notes: NDArray[Any] = np.load(folder / "notes.npy")
        told = json.loads((folder / "complete.json").read_text("utf-8"))
        self.problems = {int(place): Problem.from_json(problem) for place, problem in told.items()}


def kept(
    files: Files, place: str, members: Sequence[Member], side: int, colour: bool, progress: Progress | None = None
) -> Kept:
    """The members decoded, from disk where that was done before with the same content under the same names.

    Pixels go to disk as they are decoded, so no more than a few images are in memory at a time.
    """
    key = _key(_content(files, members, progress), side, colour)
    folder = paths.cache() / "images" / key
    if not folder.exists():
        folder.mkdir(parents=True)
        (folder / "place").write_text(place, "utf-8")
    with FileLock(folder / "lock"):
        if not (folder / "complete.json").exists():
            _Filling(folder, files, place, members, side, colour).run(progress)
    return Kept(folder)


def forget(places: Sequence[str], since: float) -> None:
    """Remove what was decoded from these places after a moment: of data that was refused nothing is to stay.

    What an earlier look decoded stays, since a run may be reading it.
    """
    for noted in (paths.cache() / "images").glob("*/place"):
        if noted.read_text("utf-8") in places and noted.stat().st_mtime >= since:
            shutil.rmtree(noted.parent, ignore_errors=True)


def _key(content: str, *form: object) -> str:
    return hashlib.sha256(repr((content, *form)).encode()).hexdigest()[:24]


def _content(files: Files, members: Sequence[Member], progress: Progress | None) -> str:
    """A hash of names and contents; looked up where sizes and times of the files are as they were."""
    listed = [member.identity for member in members]
    known = paths.cache() / "images" / "known" / _key(repr(files.identity()), listed)
    if not known.exists():
        digests: list[str] = []
        for number, some in enumerate(_in_parallel(lambda chunk: [_digest(files, m.name) for m in chunk], members)):
            digests += some
            if progress and number % 8 == 0:
                progress(mark("Looking at the files"), len(digests) / len(members))
        content = hashlib.sha256(repr(list(zip(listed, digests, strict=True))).encode()).hexdigest()
        with paths.replacing(known) as temporary:
            temporary.write_text(content, "ascii")
    return known.read_text("ascii")


def _digest(files: Files, name: str) -> str:
    """A hash of a file's content; its size where it cannot be read."""
    try:
        return files.digest(name)
    except Exception:  # noqa: BLE001  # a broken archive may raise anything while a member is unpacked
        return f"unreadable, {files.size(name)} bytes"


class _Filling:
    """Decodes what is still open of a list of files."""

    def __init__(
        self, folder: Path, files: Files, place: str, members: Sequence[Member], side: int, colour: bool
    ) -> None:
        self._folder, self._files, self._place, self._members = folder, files, place, members
        self._side, self._colour = side, colour
        self._lock = threading.Lock()

    def run(self, progress: Progress | None) -> None:
        shape = (len(self._members), self._side, self._side, 3 if self._colour else 1)
        images, header = _array(self._folder / "images.npy", np.dtype(np.uint8), shape)
        notes, beginning = _array(self._folder / "notes.npy", NOTE, shape[:1])
        seen = np.load(notes)
        with images.open("r+b", buffering=0) as pixels, notes.open("r+b", buffering=0) as beside:
            self._pixels, self._beside = (pixels, header), (beside, beginning)
            rest = np.flatnonzero(seen["state"] == OPEN).tolist()
            done = len(self._members) - len(rest)
            for number, count in enumerate(_in_parallel(self._some, rest)):
                done += count
                if progress and number % 4 == 0:
                    progress(mark("Decoding the images"), done / len(self._members))
        self._complete(np.load(notes))

    def _some(self, rows: Sequence[int]) -> int:
        for row in rows:
            self._one(row)
        return len(rows)

    def _one(self, row: int) -> None:
        note = np.zeros((), NOTE)
        try:
            seen = self._decoded(row)
        except Problem:
            note["state"] = UNREADABLE
        else:
            note[()] = (READ, seen.digest, seen.look, seen.width, seen.height)
            self._write(self._pixels, row, seen.square)
        self._write(self._beside, row, note)  # after its pixels: what is noted is there

    def _decoded(self, row: int) -> Any:
        member = self._members[row]
        try:
            content = self._files.read(member.name)
        except Problem:
            raise
        except Exception as error:  # noqa: BLE001  # a broken archive may raise anything while a member is unpacked
            raise unreadable(member.identity, self._place, error) from None
        return decoded(content, member.identity, self._place, self._side, self._colour)

    def _write(self, place: tuple[Any, int], row: int, values: NDArray[Any]) -> None:
        file, header = place
        with self._lock:
            file.seek(header + row * values.nbytes)
            file.write(values.tobytes())

    def _complete(self, notes: NDArray[Any]) -> None:
        problems = {}
        for row in np.flatnonzero(notes["state"] == UNREADABLE).tolist():
            try:
                self._decoded(row)
            except Problem as problem:
                problems[row] = problem.to_json()
        with paths.replacing(self._folder / "complete.json") as temporary:
            temporary.write_text(json.dumps(problems, ensure_ascii=False), "utf-8")


def _array(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> tuple[Path, int]:
    """An array of zeros on disk where there is none yet, and where its values begin."""
    if not path.exists():
        with paths.replacing(path) as temporary:
            np.lib.format.open_memmap(temporary, mode="w+", dtype=dtype, shape=shape)
    return path, path.stat().st_size - int(np.prod(shape)) * dtype.itemsize


def _in_parallel(do: Callable[[Sequence[T]], R], items: Sequence[T]) -> Iterator[R]:
    """`do` on chunks of items by several threads, in order; no more of them ahead than the threads can hold."""
    chunks = iter([items[start : start + CHUNK] for start in range(0, len(items), CHUNK)])
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        waiting = [pool.submit(do, chunk) for chunk in islice(chunks, 4 * workers)]
        while waiting:
            yield waiting.pop(0).result()
            waiting += [pool.submit(do, chunk) for chunk in islice(chunks, 1)]
