"""Class folders of images → one uint8 array, decoded once and kept on disk."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from dtml import paths
from dtml.errors import Problem
from dtml.language import mark

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp")
UNREADABLE = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    RuntimeError,  # an encrypted member, or one whose compression is unknown
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
    Image.DecompressionBombError,
)
"""What Pillow and zipfile raise for files that are broken."""
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Decoded:
    """The images of one folder or archive.

    Attributes:
        images: uint8 (n, side, side, channels), memory-mapped.
        labels: (n,) index into `classes`.
        classes: names of the class folders, sorted.
        names: (n,) "class/file", with the folders between them.
        digests: (n,) equal where images are the same pixel by pixel.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    names: NDArray[np.str_]
    digests: NDArray[np.str_]


def decode(path: Path, side: int, colour: bool, progress: Progress | None = None) -> Decoded:
    """The images below a folder of class folders, or in a zip archive of them.

    Each is turned as its EXIF data says, its shorter side resized to `side` pixels, and cropped to the
    centre square. Decoded images are kept on disk by path, sizes and times of the files.

    Raises:
        Problem: for a path that is missing, has no class folders or no images, for a class folder without
            images, and for an image that cannot be read (named).
    """
    with _opened(path) as source:
        members = _by_class(path, source.names())
        keep = (
            paths.cache() / "images" / hashlib.sha256(repr((source.identity(), side, colour)).encode()).hexdigest()[:20]
        )
        if not (keep / "digests.npy").exists():
            _decode_all(source, path, members, keep, side, colour, progress)
    classes = tuple(sorted({label for label, _id, _name in members}))
    return Decoded(
        images=np.load(keep / "images.npy", mmap_mode="r"),
        labels=np.array([classes.index(label) for label, _id, _name in members], dtype=np.int64),
        classes=classes,
        names=np.array([identity for _label, identity, _name in members]),
        digests=np.load(keep / "digests.npy"),
    )


# -- where images come from


class _Folder:
    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        """All that is not hidden; folders end with a slash."""
        found = ((p.relative_to(self._path), p.is_dir()) for p in self._path.rglob("*"))
        shown = ((p, folder) for p, folder in found if not any(part.startswith(".") for part in p.parts))
        return sorted(p.as_posix() + "/" * folder for p, folder in shown)

    def read(self, name: str) -> bytes:
        return (self._path / name).read_bytes()

    def identity(self) -> object:
        facts = [(name, (self._path / name).stat()) for name in self.names() if not name.endswith("/")]
        return str(self._path.resolve()), [(name, fact.st_size, fact.st_mtime_ns) for name, fact in facts]


class _Archive:
    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path, self._archive = path, archive

    def names(self) -> list[str]:
        """All that is not hidden; folders end with a slash."""

        def hidden(name: str) -> bool:
            return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)

        return sorted(name for name in self._archive.namelist() if not hidden(name))

    def read(self, name: str) -> bytes:
        return self._archive.read(name)

    def identity(self) -> object:
        fact = self._path.stat()
        return str(self._path.resolve()), fact.st_size, fact.st_mtime_ns


@contextmanager
def _opened(path: Path) -> Iterator[_Folder | _Archive]:
    if path.is_dir():
        yield _Folder(path)
        return
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise Problem(
            mark("There is no folder or zip archive '{path}'; give a full path, or one below DTML_DATA."), path=path
        ) from None
    except OSError as error:
        raise Problem(
            mark("'{path}' cannot be opened ({error}); give a folder or zip archive that you may read."),
            path=path,
            error=error.strerror,
        ) from None
    except zipfile.BadZipFile:
        raise Problem(
            mark("'{path}' is neither a folder nor a zip archive; give one of class folders of images."), path=path
        ) from None
    with archive:
        yield _Archive(path, archive)


def _by_class(path: Path, names: list[str]) -> list[tuple[str, str, str]]:
    """(class, class/file, name) of every image; a folder around all class folders is looked through."""
    split = [(PurePosixPath(name).parts, name) for name in names if name.lower().endswith(SUFFIXES)]
    if not split:
        raise Problem(
            mark("'{path}' holds no images; give a folder that has one folder of images for each class."), path=path
        )
    around: tuple[str, ...] = ()
    while len({parts[0] for parts, _name in split}) == 1 and all(len(parts) > 2 for parts, _name in split):
        around += split[0][0][:1]
        split = [(parts[1:], name) for parts, name in split]
    members = [(parts[0], "/".join(parts), name) for parts, name in split if len(parts) > 1]
    if not members:
        raise Problem(
            mark("'{path}' has {count} images but no class folders; sort them into one folder for each class."),
            path=path,
            count=len(split),
        )
    empty = _folders(names, around) - {label for label, _id, _name in members}
    if empty:
        raise Problem(
            mark("The class folder '{name}' in '{path}' holds no images ({suffixes}); add some, or remove it."),
            name=min(empty),
            path=path,
            suffixes=", ".join(SUFFIXES),
        )
    return sorted(members)


def _folders(names: list[str], around: tuple[str, ...]) -> set[str]:
    """The folders directly below `around`."""
    depth = len(around)
    below = [(PurePosixPath(name).parts, name) for name in names if PurePosixPath(name).parts[:depth] == around]
    return {parts[depth] for parts, name in below if len(parts) > depth + (not name.endswith("/"))}


# -- decoding


def _decode_all(
    source: _Folder | _Archive,
    path: Path,
    members: list[tuple[str, str, str]],
    keep: Path,
    side: int,
    colour: bool,
    progress: Progress | None,
) -> None:
    """Decode all members into `keep`; the digests are written last and tell that all is there."""
    keep.mkdir(parents=True, exist_ok=True)
    digests = []
    with paths.replacing(keep / "images.npy") as temporary:
        shape = (len(members), side, side, 3 if colour else 1)
        images = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            one = lambda member: _decoded(source, path, member[2], side, colour)  # noqa: E731
            for number, image in enumerate(pool.map(one, members)):
                images[number] = image
                digests.append(hashlib.blake2b(image.tobytes(), digest_size=12).hexdigest())
                if progress and number % 50 == 0:
                    progress(mark("Decoding the images"), number / len(members))
        images.flush()
        del images
    with paths.replacing(keep / "digests.npy") as temporary, temporary.open("wb") as file:
        np.save(file, np.array(digests))


def _decoded(source: _Folder | _Archive, path: Path, name: str, side: int, colour: bool) -> NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(source.read(name))) as opened:
            upright = _eight_bits(ImageOps.exif_transpose(opened)).convert("RGB" if colour else "L")
    except UnidentifiedImageError:
        told = mark("'{name}' in '{path}' is no image that can be recognised; remove or replace it.")
        raise Problem(told, name=name, path=path) from None
    except UNREADABLE as error:
        told = mark("The image '{name}' in '{path}' cannot be read ({error}); remove or replace it.")
        raise Problem(told, name=name, path=path, error=error) from None
    square = ImageOps.fit(upright, (side, side), Image.Resampling.BILINEAR)
    return np.asarray(square).reshape(side, side, 3 if colour else 1)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey images of 16 bits a pixel scaled to 8; Pillow alone would clip them to white."""
    if not image.mode.startswith("I;16"):
        return image
    return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
