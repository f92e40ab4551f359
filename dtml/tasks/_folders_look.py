"""What two folders of images hold, before anything is trained on them."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dtml.errors import Problem
from dtml.images import Decoded, Progress, decode
from dtml.inspection import Example, Inspection, Side
from dtml.language import mark
from dtml.tasks.folders import common_classes, outside, refuse_itself, split_alike

EXAMPLES, CLASSES, TILE = 5, 40, 96
"""Examples a class, classes that are shown, and pixels of an example's side."""
MEASURED = 2000
"""Images whose channels are measured; of more, so many at even distances."""
ALIKE = 4
"""Bits of 64 in which the perceptual hashes of images that look alike may differ."""
COMPARED = 4_000_000_000
"""Pairs of images that are compared by their looks."""


def inspected(source: Path, target: Path, side: int, colour: bool, progress: Progress | None) -> Inspection:
    """Both domains of images, with what is unreadable, there twice, or on one side only.

    Raises:
        Problem: where a side cannot be looked at at all.
    """
    refuse_itself(source, target)
    a = decode(source, side, colour, progress, skip=True)
    b = decode(target, side, colour, progress, known=a.classes, skip=True)
    obstacles = []
    try:
        common_classes(source, target, a, b)
    except Problem as problem:
        obstacles.append(problem)
    for path, decoded in ((source, a), (target, b)):
        obstacles += _too_few(path, decoded)
    return Inspection(
        _side(source, a),
        _side(target, b),
        [*outside(a, source), *_twice(source, a), *_twice(target, b), *_across(source, target, a, b)],
        obstacles,
        [(name, str(problem)) for decoded in (a, b) for name, problem in decoded.problems.items()],
    )


def _side(path: Path, decoded: Decoded) -> Side:
    unlabelled = int((decoded.labels[decoded.readable] < 0).sum())
    return Side(path.stem, _counts(decoded), unlabelled, _facts(decoded), _examples(decoded))


def _counts(decoded: Decoded) -> dict[str, int]:
    """Readable images of each class."""
    used = decoded.labels[decoded.readable]
    return {name: int((used == number).sum()) for number, name in enumerate(decoded.classes)}


def _facts(decoded: Decoded) -> list[tuple[str, str]]:
    rows = np.flatnonzero(decoded.readable)
    if not len(rows):
        return [(mark("Images"), "0")]
    sizes = decoded.sizes[rows]
    order = np.argsort(sizes.prod(1))
    small, middle, large = (f"{w}×{h}" for w, h in sizes[order[[0, len(order) // 2, -1]]])
    means, deviations = _channels(
        decoded.images, rows[np.linspace(0, len(rows) - 1, min(len(rows), MEASURED)).astype(int)]
    )
    return [
        (mark("Images"), str(len(rows))),
        (mark("Sizes: smallest, median, largest"), f"{small}, {middle}, {large}"),
        (mark("Mean of each channel (0–1)"), means),
        (mark("Standard deviation of each channel"), deviations),
    ]


def _channels(images: NDArray[np.uint8], rows: NDArray[Any]) -> tuple[str, str]:
    """Mean and deviation of each channel, in words."""
    sums, squares = np.zeros(images.shape[3]), np.zeros(images.shape[3])
    for part in np.array_split(rows, max(1, len(rows) // 100)):
        values = images[part].reshape(-1, images.shape[3]) / 255.0
        sums, squares = sums + values.mean(0) * len(part), squares + np.square(values).mean(0) * len(part)
    mean = sums / len(rows)
    deviation = np.sqrt(np.maximum(0.0, squares / len(rows) - mean**2))
    return tuple(", ".join(f"{value:.2f}" for value in values) for values in (mean, deviation))  # type: ignore[return-value]


def _examples(decoded: Decoded) -> dict[str, list[Example]]:
    """Some images of each class at even distances; those without a label under the empty name."""
    found = {}
    for number, name in [*enumerate(decoded.classes[:CLASSES]), (-1, "")]:
        rows = np.flatnonzero(decoded.readable & (decoded.labels == number))
        if len(rows):
            chosen = rows[np.unique(np.linspace(0, len(rows) - 1, EXAMPLES).astype(int))]
            found[name] = [Example(str(decoded.names[row]), image=_thumbnail(decoded.images[row])) for row in chosen]
    return found


def _thumbnail(image: NDArray[np.uint8]) -> str:
    small = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    small.thumbnail((TILE, TILE))
    file = io.BytesIO()
    small.save(file, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


# -- what is told


def _too_few(path: Path, decoded: Decoded) -> list[Problem]:
    counts = {
        name: int((decoded.labels[decoded.readable] == number).sum()) for number, name in enumerate(decoded.classes)
    }
    if not decoded.readable.any():
        return [
            Problem(mark("'{path}' has no image that can be read; mend the files, or give others."), path=path.name)
        ]
    few = [f"{name} ({count})" for name, count in counts.items() if count < 3]
    if not few:
        return []
    told = mark("'{path}' has fewer than three images of {classes}; add some, or remove the folder.")
    return [Problem(told, path=path.name, classes=", ".join(few))]


def _twice(path: Path, decoded: Decoded) -> list[Problem]:
    """Images of a domain that are there twice, and those that look alike and are in different splits."""
    rows = np.flatnonzero(decoded.readable)
    _digests, first, group = np.unique(decoded.digests[rows], return_index=True, return_inverse=True)
    found = []
    if len(first) < len(rows):
        told = mark("{domain} has {count} images twice ({names}); both are always in the same split.")
        extra = np.setdiff1d(np.arange(len(rows)), first)
        pairs = [f"{decoded.names[rows[first[group[i]]]]} = {decoded.names[rows[i]]}" for i in extra[:3]]
        found.append(Problem(told, domain=path.stem, count=len(extra), names="; ".join(pairs)))
    parts = split_alike(decoded.labels[rows], decoded.digests[rows], 0)
    trained, tested = rows[parts["train"]], rows[parts["test"]]
    near = _alike(decoded.looks[tested], decoded.looks[trained])
    if len(near):
        told = mark(
            "{count} test images of {domain} look like training images of it ({names}; perceptual hash, seed 0); its "
            "accuracy may be too good."
        )
        pairs = [f"{decoded.names[tested[i]]} ~ {decoded.names[trained[j]]}" for i, j in near[:3]]
        found.append(Problem(told, domain=path.stem, count=len(near), names="; ".join(pairs)))
    return found


def _across(source: Path, target: Path, a: Decoded, b: Decoded) -> list[Problem]:
    """Images that both domains have, by content and by their looks."""
    mine, theirs = np.flatnonzero(a.readable), np.flatnonzero(b.readable)
    same = np.isin(b.digests[theirs], a.digests[mine])
    found = []
    if same.any():
        told = mark("{count} images of {target} are also in {source} ({names}); remove them from one of the two.")
        names = ", ".join(b.names[theirs[same]][:3])
        found.append(Problem(told, count=int(same.sum()), target=target.stem, source=source.stem, names=names))
    rest = theirs[~same]
    near = _alike(b.looks[rest], a.looks[mine])
    if len(near):
        told = mark("{count} images of {target} look like images of {source} ({names}; perceptual hash).")
        pairs = [f"{b.names[rest[i]]} ~ {a.names[mine[j]]}" for i, j in near[:3]]
        found.append(Problem(told, count=len(near), target=target.stem, source=source.stem, names="; ".join(pairs)))
    return found


def _alike(looks: NDArray[np.uint64], others: NDArray[np.uint64]) -> NDArray[np.int64]:
    """(k, 2): which of `looks` resembles one of the `others`, and which one; none where there are too many pairs."""
    found = []
    if len(looks) * len(others) > COMPARED:
        return np.empty((0, 2), np.int64)
    for start in range(0, len(looks), 256):
        differing = np.bitwise_count(looks[start : start + 256, None] ^ others[None, :])
        if differing.size:
            nearest = differing.argmin(1)
            close = np.flatnonzero(differing[np.arange(len(nearest)), nearest] <= ALIKE)
            found.append(np.stack([start + close, nearest[close]], axis=1))
    return np.concatenate(found) if found else np.empty((0, 2), np.int64)
