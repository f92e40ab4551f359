"""Hostile and harmless archives, made in memory."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image


def picture(seed: int = 0, size: tuple[int, int] = (20, 30), kind: str = "PNG") -> bytes:
    """An image of random colours as a file's content."""
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def members(classes: tuple[str, ...] = ("cat", "dog"), count: int = 4, seed: int = 0) -> dict[str, bytes]:
    """Names and contents of so many images a class."""
    return {
        f"{name}/{number:02}.png": picture(1000 * seed + 100 * place + number)
        for place, name in enumerate(classes)
        for number in range(count)
    }


def packed(path: Path, contents: dict[str, bytes]) -> Path:
    """An archive of these."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in contents.items():
            file.writestr(name, content)
    return path


def good(path: Path, seed: int = 0, classes: tuple[str, ...] = ("cat", "dog")) -> Path:
    return packed(path, members(classes, seed=seed))


def climbing(path: Path) -> Path:
    return packed(path, {**members(), "../../evil.png": picture()})


def absolute(path: Path) -> Path:
    return packed(path, {**members(), "/etc/evil.png": picture()})


def of_windows(path: Path) -> Path:
    return packed(path, {**members(), "cat\\..\\..\\evil.png": picture()})


def with_drive(path: Path) -> Path:
    return packed(path, {**members(), "C:/evil.png": picture()})


def with_link(path: Path) -> Path:
    with zipfile.ZipFile(good(path), "a") as file:
        info = zipfile.ZipInfo("cat/link.png")
        info.create_system = 3
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(info, "/etc/passwd")
    return path


def encrypted(path: Path) -> Path:
    """An archive whose first member says that it is encrypted."""
    content = bytearray(good(path).read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.find(mark) + place] |= 1
    path.write_bytes(content)
    return path


def bomb(path: Path) -> Path:
    """100 MiB of nothing in an archive of 100 KiB."""
    return packed(path, {**members(), "cat/bomb.bmp": bytes(100 << 20)})
