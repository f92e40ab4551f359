"""Class folders of images → one uint8 array, decoded once and kept on disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtml.errors import Problem
from dtml.images.classes import Member, by_class, by_known_class
from dtml.images.files import opened
from dtml.images.store import Kept, kept

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Decoded:
    """The images of one folder or archive, in the order of `names`.

    Attributes:
        images: uint8 (n, side, side, channels), memory-mapped.
        labels: (n,) index into `classes`; -1 where unknown.
        classes: names of the class folders, sorted.
        names: (n,) "class/file", with the folders between them.
        digests: (n,) equal where images are the same pixel by pixel.
        looks: (n,) uint64, perceptual hashes.
        sizes: (n, 2) width and height of the files' images.
        readable: (n,) whether the file could be read; the pixels of others are black.
        problems: why a file could not be read, by its name.
        outside: images in no class folder, which are left out.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    names: NDArray[np.str_]
    digests: NDArray[np.bytes_]
    looks: NDArray[np.uint64]
    sizes: NDArray[np.int64]
    readable: NDArray[np.bool_]
    problems: dict[str, Problem]
    outside: int = 0


def decode(
    path: Path,
    side: int,
    colour: bool,
    progress: Progress | None = None,
    known: tuple[str, ...] | None = None,
    skip: bool = False,
) -> Decoded:
    """The images below a folder of class folders, in a zip archive of them, or in a folder inside an archive.

    Each is turned as its EXIF data says, its shorter side resized to `side` pixels, and cropped to the
    centre square. Decoded images are kept on disk by content.

    Args:
        known: the classes of the source, where this is a target whose labels are optional.
        skip: leave out what cannot be read, instead of refusing it.

    Raises:
        Problem: for a path that is missing, an archive that is refused, no class folders or no images, a class
            folder without images, and an image that cannot be read (named).
    """
    with opened(path) as files:
        names = files.names()
        members, outside = by_class(path, names) if known is None else by_known_class(path, names, known)
        found = kept(files, str(path), members, side, colour, progress)
    if found.problems and not skip:
        raise next(iter(found.problems.values()))
    return _decoded(members, found, outside)


def _decoded(members: list[Member], found: Kept, outside: int) -> Decoded:
    classes = tuple(sorted({member.label for member in members if member.label}))
    numbers: dict[str, int] = {name: number for number, name in enumerate(classes)}
    notes: NDArray[Any] = found.notes
    return Decoded(
        images=found.images,
        labels=np.array([numbers.get(member.label, -1) for member in members], dtype=np.int64),
        classes=classes,
        names=np.array([member.identity for member in members]),
        digests=notes["digest"],
        looks=notes["look"],
        sizes=np.stack([notes["width"], notes["height"]], axis=1).astype(np.int64),
        readable=notes["state"] == 1,
        problems={members[row].identity: problem for row, problem in found.problems.items()},
        outside=outside,
    )
