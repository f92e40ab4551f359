"""One image file → pixels."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from dtml.errors import Problem
from dtml.language import mark

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp")
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP")
LEAST_SIDE = 4
MOST_PIXELS = 128_000_000


@dataclass(frozen=True)
class Pixels:
    """A decoded image.

    Attributes:
        square: uint8 (side, side, channels).
        width, height: of the file's image, upright.
        digest: equal where the square is the same pixel by pixel.
        look: 64 bits, the perceptual hash; few differ between images that look alike.
    """

    square: NDArray[np.uint8]
    width: int
    height: int
    digest: bytes
    look: int


def decoded(content: bytes, name: str, place: str, side: int, colour: bool) -> Pixels:
    """An image turned as its EXIF data says, its shorter side resized to `side`, cropped to the centre square.

    Raises:
        Problem: for what is no image, cannot be read, or is too small or too large, naming it.
    """
    mode, channels = ("RGB", 3) if colour else ("L", 1)
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
            _check_size(opened.size, name, place)
            width, height = opened.size
            opened.draft(mode, (2 * side, 2 * side))  # a large photograph is not decoded in full
            upright = _eight_bits(ImageOps.exif_transpose(opened)).convert(mode)
    except Problem:
        raise
    except UnidentifiedImageError:
        told = mark("'{name}' in '{path}' is no image that can be recognised; remove or replace it.")
        raise Problem(told, name=name, path=place) from None
    except Image.DecompressionBombError:
        raise _too_large(name, place) from None
    except Exception as error:  # noqa: BLE001  # a broken file may raise anything inside a decoder
        raise unreadable(name, place, error) from None
    square = np.asarray(ImageOps.fit(upright, (side, side), Image.Resampling.BILINEAR)).reshape(side, side, channels)
    digest = hashlib.blake2b(square.tobytes(), digest_size=12).digest()
    return Pixels(square, width, height, digest, perceptual(square))


def unreadable(name: str, place: str, error: Exception) -> Problem:
    """The sentence for an image that cannot be read."""
    told = mark("The image '{name}' in '{path}' cannot be read ({error}); remove or replace it.")
    return Problem(told, name=name, path=place, error=error)


def perceptual(square: NDArray[np.uint8]) -> int:
    """The 64-bit perceptual hash of an image (h, w, c): signs of its lowest cosine frequencies about their median."""
    from imagehash import phash

    image = Image.fromarray(square[..., 0] if square.shape[2] == 1 else square)
    return int(str(phash(image)), 16)


def _check_size(size: tuple[int, int], name: str, place: str) -> None:
    if min(size) < LEAST_SIDE:
        told = mark(
            "'{name}' in '{path}' has {width}×{height} pixels, but needs {least} at least; remove or replace it."
        )
        raise Problem(told, name=name, path=place, width=size[0], height=size[1], least=LEAST_SIDE)
    if size[0] * size[1] > MOST_PIXELS:
        raise _too_large(name, place)


def _too_large(name: str, place: str) -> Problem:
    told = mark("'{name}' in '{path}' has more than {most} million pixels; make it smaller, or remove it.")
    return Problem(told, name=name, path=place, most=MOST_PIXELS // 1_000_000)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey images of 16 bits a pixel scaled to 8; Pillow alone would clip them to white."""
    if not image.mode.startswith("I;16"):
        return image
    return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
