"""Pictures of samples: a sheet of thumbnails for the explorer, single images for lists, texts, values of rows."""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from dtml.runs.folder import RunFolder, read_arrays

SIDES = ((5_000, 48), (20_000, 28), (100_000, 16))
"""The longest side of a thumbnail in pixels, by the number of samples up to which it holds."""
VALUES = 6
"""Values of a row that are told."""
CHARACTERS = 160
"""Characters of a text that are told; the whole stands in its tooltip."""


def inputs(identity: str) -> NDArray[Any]:
    """What a person sees of a run's probe samples, read-only: images (n, h, w, c) uint8, rows (n, d), or texts (n,)."""
    return _inputs(str(RunFolder(identity).probe))


@st.cache_resource(max_entries=4, show_spinner=False)
def _inputs(path: str) -> NDArray[Any]:
    arrays = read_arrays(Path(path))
    array = arrays.get("shown", arrays["inputs"])
    array.setflags(write=False)
    return array


def are_images(array: NDArray[Any]) -> bool:
    """Whether inputs are images (n, h, w, c) with one or three channels."""
    return array.ndim == 4 and array.dtype == np.uint8 and array.shape[3] in (1, 3)


def are_texts(array: NDArray[Any]) -> bool:
    """Whether inputs are texts (n,), as UTF-8 bytes."""
    return array.dtype.kind == "S"


def shrunk(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images (n, h, w, c) by a whole factor smaller (means of squares), so that a sheet of all stays moderate."""
    side = next((side for count, side in SIDES if len(images) <= count), SIDES[-1][1])
    factor = -(-max(images.shape[1:3]) // side)
    if factor == 1:
        return images
    n, h, w, c = images.shape
    cut = images[:, : h // factor * factor, : w // factor * factor]
    parts = cut.reshape(n, h // factor, factor, w // factor, factor, c)
    return parts.mean(axis=(2, 4), dtype=np.float32).round().astype(np.uint8)


def sheet(images: NDArray[np.uint8]) -> tuple[bytes, dict[str, int]]:
    """All images on one WebP, row by row, with a tile's width and height and the number of columns."""
    tiles = shrunk(images)
    n, h, w, c = tiles.shape
    columns = int(np.ceil(np.sqrt(n)))
    rows = -(-n // columns)
    padded = np.zeros((rows * columns, h, w, c), np.uint8)
    padded[:n] = tiles
    whole = padded.reshape(rows, columns, h, w, c).transpose(0, 2, 1, 3, 4).reshape(rows * h, columns * w, c)
    buffer = io.BytesIO()
    _image(whole).save(buffer, "WEBP", quality=88, method=2)
    return buffer.getvalue(), {"width": w, "height": h, "columns": columns}


def _image(array: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)


def values(rows: NDArray[Any]) -> NDArray[np.str_]:
    """The first values of each row (n, d) as text, or the beginning of each text (n,)."""
    if are_texts(rows):
        return np.array([beginning(text.decode()) for text in rows])
    flat = rows.reshape(len(rows), -1)
    more = " …" if flat.shape[1] > VALUES else ""
    return np.array([", ".join(f"{value:.3g}" for value in row[:VALUES]) + more for row in flat])


def beginning(text: str) -> str:
    """A text's first characters, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= CHARACTERS else line[:CHARACTERS].rstrip() + " …"


def picture(sample: Any, alt: str, size: int) -> str:
    """A sample as HTML: its image, exact to the pixel, `size` pixels high; its text; or its values."""
    if isinstance(sample, bytes):
        whole = sample.decode()
        return f'<q title="{html.escape(whole)}">{html.escape(beginning(whole))}</q>'
    if not are_images(sample[None]):
        return f'<code title="{html.escape(alt)}">{html.escape(str(values(sample[None])[0]))}</code>'
    buffer = io.BytesIO()
    _image(sample).save(buffer, "PNG")
    source = base64.b64encode(buffer.getvalue()).decode()
    told = html.escape(alt)
    return f'<img src="data:image/png;base64,{source}" alt="{told}" title="{told}" height="{size}">'
