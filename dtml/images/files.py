"""Files in a folder, in a zip archive, or in a folder inside one; an archive is refused before anything is read of it.

Nothing is ever extracted: members are read one by one, so no name in an archive can reach a place on disk.
"""

from __future__ import annotations

import hashlib
import stat
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from dtml.errors import Problem
from dtml.language import mark

MOST_FILES = 300_000
MOST_BYTES = 64 << 30
"""What an archive may unpack to, in files and bytes."""
MOST_RATIO, SMALL = 200, 64 << 20
"""How many times its own size an archive may unpack to, where that is more than `SMALL` bytes."""
LARGEST_FILE = 256 << 20
"""Bytes of one file that is read."""
ODD = (ValueError, NotImplementedError, EOFError, IndexError, RuntimeError, struct.error)
"""What else zipfile raises for what is no archive."""
KNOWN_COMPRESSION = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


class Files:
    """What lies below one place: names with slashes, those of folders end with one; nothing that is hidden."""

    def names(self) -> list[str]:
        raise NotImplementedError

    def size(self, name: str) -> int:
        raise NotImplementedError

    def _content(self, name: str) -> bytes:
        raise NotImplementedError

    def identity(self) -> object:
        """Changes when a file does: its place, the sizes and times of its files."""
        raise NotImplementedError

    def read(self, name: str) -> bytes:
        """A file's content.

        Raises:
            Problem: for a file that is larger than `LARGEST_FILE`.
        """
        if self.size(name) > LARGEST_FILE:
            told = mark("'{name}' has {size} MiB, but a file may have at most {most} MiB; make it smaller.")
            raise Problem(told, name=name, size=self.size(name) >> 20, most=LARGEST_FILE >> 20)
        return self._content(name)

    def digest(self, name: str) -> str:
        """A hash of a file's content."""
        return hashlib.blake2b(self.read(name), digest_size=16).hexdigest()


class Folder(Files):
    """The files below a folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        found = ((p.relative_to(self._path), p.is_dir()) for p in self._path.rglob("*"))
        return sorted(p.as_posix() + "/" * folder for p, folder in found if not _hidden(p.parts))

    def size(self, name: str) -> int:
        return (self._path / name).stat().st_size

    def _content(self, name: str) -> bytes:
        return (self._path / name).read_bytes()

    def identity(self) -> object:
        facts = [(name, (self._path / name).stat()) for name in self.names() if not name.endswith("/")]
        return str(self._path.resolve()), [(name, fact.st_size, fact.st_mtime_ns) for name, fact in facts]


class Archive(Files):
    """The files of a zip archive, or of a folder in it."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, inside: str = "") -> None:
        self._path, self._archive, self._inside = path, archive, inside
        below = inside and f"{inside}/"
        named = {_readable(info): info for info in archive.infolist()}
        self._members = {name[len(below) :]: info for name, info in named.items() if name.startswith(below)}
        self._members.pop("", None)

    def names(self) -> list[str]:
        return sorted(name for name in self._members if not _hidden(PurePosixPath(name).parts))

    def size(self, name: str) -> int:
        return self._members[name].file_size

    def _content(self, name: str) -> bytes:
        return self._archive.read(self._members[name])

    def identity(self) -> object:
        fact = self._path.stat()
        return str(self._path.resolve()), self._inside, fact.st_size, fact.st_mtime_ns


@contextmanager
def opened(path: Path) -> Iterator[Files]:
    """The files of a folder, of a zip archive that was checked, or of "archive.zip/folder in it".

    Raises:
        Problem: for a path that is neither, and for an archive that `check` refuses.
    """
    if path.is_dir():
        yield Folder(path)
        return
    place, inside = _archive_and_inside(path)
    with _archive(place) as archive:
        check(place, archive)
        files = Archive(place, archive, inside)
        if inside and not files.names():
            told = mark("'{path}' has no folder '{inside}'; choose one of {known}.")
            known = sorted({name.split("/")[0] for name in Archive(place, archive).names()})
            raise Problem(told, path=place, inside=inside, known=", ".join(known[:8]))
        yield files


def folders_in(file: BinaryIO, name: str) -> list[str]:
    """The folders at the top of an archive, below a single one around them.

    Raises:
        Problem: for a file that is no archive.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            found = {PurePosixPath(_readable(info)).parts[:-1] for info in archive.infolist() if not info.is_dir()}
    except (zipfile.BadZipFile, *ODD):
        raise _no_archive(name) from None
    around, ways = "", {way for way in found if way and not _hidden(way)}
    while len({way[0] for way in ways}) == 1 and all(len(way) > 2 for way in ways):
        around += f"{next(iter(ways))[0]}/"
        ways = {way[1:] for way in ways}
    return sorted({around + way[0] for way in ways})


def _archive_and_inside(path: Path) -> tuple[Path, str]:
    """Where the archive on the way to `path` is, and the rest of the way."""
    for place in [path, *path.parents]:
        if place.is_file() and place != path:
            return place, path.relative_to(place).as_posix()
    return path, ""


def _archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
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
    except (zipfile.BadZipFile, *ODD):
        raise _no_archive(path) from None


def _no_archive(path: object) -> Problem:
    told = mark("'{path}' is neither a folder nor a zip archive; give one of class folders of images.")
    return Problem(told, path=path)


# -- what is refused


def check(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse an archive that leads out of itself, is encrypted, or unpacks to far more than it holds.

    Raises:
        Problem: one sentence on the first such thing.
    """
    members = archive.infolist()
    if len(members) > MOST_FILES:
        told = mark("'{path}' holds {count} files, but may hold at most {most}; give a smaller archive, or a folder.")
        raise Problem(told, path=path.name, count=len(members), most=MOST_FILES)
    for info in members:
        _check_member(path, info)
    _check_size(path, sum(info.file_size for info in members))


def _check_member(path: Path, info: zipfile.ZipInfo) -> None:
    name = _readable(info)
    if _leads_out(info.filename) or _leads_out(name):
        told = mark("'{path}' is refused: its member '{name}' leads out of the archive; pack the folder anew.")
        raise Problem(told, path=path.name, name=name)
    if stat.S_ISLNK(info.external_attr >> 16):
        told = mark("'{path}' is refused: its member '{name}' is a symbolic link; pack the file that it points to.")
        raise Problem(told, path=path.name, name=name)
    if info.flag_bits & 0x1:
        told = mark("'{path}' is refused: its member '{name}' is encrypted; pack it without a password.")
        raise Problem(told, path=path.name, name=name)
    if info.compress_type not in KNOWN_COMPRESSION:
        told = mark("'{path}' is refused: the compression of '{name}' is not known; pack it as an ordinary zip.")
        raise Problem(told, path=path.name, name=name)


def _leads_out(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return name.startswith(("/", "\\")) or ".." in parts or "\0" in name or ":" in parts[0]


def _check_size(path: Path, unpacked: int) -> None:
    packed = path.stat().st_size
    if unpacked > MOST_BYTES:
        told = mark("'{path}' unpacks to {size} GiB, but may have at most {most} GiB; give a folder instead.")
        raise Problem(told, path=path.name, size=unpacked >> 30, most=MOST_BYTES >> 30)
    if unpacked > max(SMALL, MOST_RATIO * packed):
        told = mark("'{path}' is refused: it unpacks to {ratio} times its own size, as no images do; pack images only.")
        raise Problem(told, path=path.name, ratio=unpacked // max(1, packed))


# -- names


def _hidden(parts: tuple[str, ...]) -> bool:
    return any(part.startswith(".") or part in ("__MACOSX", "Thumbs.db", "desktop.ini") for part in parts)


def _readable(info: zipfile.ZipInfo) -> str:
    """A member's name with slashes."""
    return _decoded(info).replace("\\", "/")


def _decoded(info: zipfile.ZipInfo) -> str:
    """A member's name; one that is not marked as Unicode is often UTF-8 or GB 18030 all the same."""
    if info.flag_bits & 0x800 or info.filename.isascii():
        return info.filename
    with suppress(UnicodeEncodeError):
        raw = info.filename.encode("cp437")
        for encoding in ("utf-8", "gb18030"):
            with suppress(UnicodeDecodeError):
                return raw.decode(encoding)
    return info.filename
