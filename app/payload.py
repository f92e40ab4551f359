"""The explorer's payload: everything it draws, in one piece of bytes.

"DTML", the header's length as uint32, the header as JSON (padded to four bytes), then the sections that the
header lists as name: [kind, offset, count], each at a multiple of four.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAGIC = b"DTML"
UNKNOWN = 255
"""The byte of an extra that is not known of a sample."""
LIMIT = 100_000
"""Points up to which all are drawn."""

Section = tuple[str, bytes, int]
Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Frame:
    """One state of the samples: coordinates (n, 2) and class probabilities (n, classes), with a title and a note."""

    title: str
    note: str
    coordinates: NDArray[np.float32]
    probabilities: NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Samples:
    """What is the same in every state.

    Attributes:
        labels: (n,) true classes, -1 where unknown.
        domains: (n,) 0 source, 1 target.
        ids: (n,) names.
        values: (n,) what to tell about a sample that has no image, or None.
        extras: further numbers in [0, 1] to colour by, (n,) or (states, n), by the colouring's name.
    """

    labels: NDArray[np.int64]
    domains: NDArray[np.int8]
    ids: NDArray[np.str_]
    values: NDArray[np.str_] | None = None
    extras: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True)
class Body:
    """The sections, packed, and where each lies."""

    content: bytes
    sections: dict[str, tuple[str, int, int]]
    key: str


def sample(domains: NDArray[np.int8], labels: NDArray[np.int64], limit: int, seed: int = 0) -> NDArray[np.int64]:
    """Rows (at most `limit`, in order): of every domain and class the same share, at least one, by seed."""
    if len(labels) <= limit:
        return np.arange(len(labels))
    _groups, member, sizes = np.unique(np.stack([domains, labels]), axis=1, return_inverse=True, return_counts=True)
    exact = sizes * limit / len(labels)
    quota = np.maximum(1, np.floor(exact)).astype(int)
    spare = max(0, limit - int(quota.sum()))
    quota[np.argsort(quota - exact, kind="stable")[:spare]] += 1
    rng = np.random.default_rng(seed)
    chosen = [rng.permutation(np.flatnonzero(member.ravel() == group))[:count] for group, count in enumerate(quota)]
    return np.sort(np.concatenate(chosen))[:limit]


def order(domains: NDArray[np.int8], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows in the order of drawing: target first, the fewer, filled source samples on top."""
    return rows[np.argsort(-domains[rows], kind="stable")]


def body(frames: Sequence[Frame], samples: Samples, rows: NDArray[np.int64], sheet: bytes | None = None) -> Body:
    """The sections of the samples `rows` (m,), in that order.

    coordinates (states, m, 2) float32 · labels int16, domains uint8, rows int32 (m,) · predicted int16 and
    confidence uint16 (states, m) · an extra uint8 (states, m) each, in 254ths, 255 where unknown · names
    and values as lines · the sheet of thumbnails.
    """
    most = np.stack([frame.probabilities[rows].max(1) for frame in frames])
    arrays: dict[str, NDArray[Any]] = {
        "coordinates": np.stack([frame.coordinates[rows] for frame in frames]).astype(np.float32),
        "labels": samples.labels[rows].astype(np.int16),
        "domains": samples.domains[rows].astype(np.uint8),
        "rows": rows.astype(np.int32),
        "predicted": np.stack([frame.probabilities[rows].argmax(1) for frame in frames]).astype(np.int16),
        "confidence": np.rint(np.clip(most, 0, 1) * 65535).astype(np.uint16),
    }
    for name, values in samples.extras.items():
        spread = np.broadcast_to(values, (len(frames), len(samples.labels)))[:, rows]
        arrays[name] = np.where(np.isnan(spread), UNKNOWN, np.rint(np.clip(spread, 0, 1) * (UNKNOWN - 1))).astype(
            np.uint8
        )
    packed = {name: _numbers(array) for name, array in arrays.items()}
    packed["names"] = _lines(samples.ids[rows])
    if samples.values is not None:
        packed["values"] = _lines(samples.values[rows])
    if sheet is not None:
        packed["sheet"] = ("image", sheet, len(sheet))
    return _joined(packed)


def _numbers(array: NDArray[Any]) -> Section:
    return array.dtype.name, np.ascontiguousarray(array).tobytes(), array.size


def _lines(texts: NDArray[np.str_]) -> Section:
    content = "\n".join(" ".join(str(text).splitlines()) for text in texts).encode()
    return "lines", content, len(content)


def _joined(packed: dict[str, Section]) -> Body:
    sections, parts, offset = {}, [], 0
    for name, (kind, content, count) in packed.items():
        sections[name] = (kind, offset, count)
        padded = content + b"\0" * (-len(content) % 4)
        parts.append(padded)
        offset += len(padded)
    content = b"".join(parts)
    return Body(content, sections, hashlib.blake2b(content, digest_size=10).hexdigest())


def digest(*arrays: NDArray[Any]) -> str:
    """A short key for the content of arrays."""
    told = hashlib.blake2b(digest_size=10)
    for array in arrays:
        told.update(np.ascontiguousarray(array).data)
    return told.hexdigest()


def pack(header: Mapping[str, Any], packed: Body) -> bytes:
    """The payload: header and body. `key` in the header changes with whatever is drawn."""
    drawn = {name: value for name, value in header.items() if name != "pushed"}
    digest = hashlib.blake2b(json.dumps([packed.key, drawn]).encode(), digest_size=10).hexdigest()
    text = json.dumps({**header, "sections": packed.sections, "key": digest}).encode()
    text += b" " * (-len(text) % 4)
    return MAGIC + len(text).to_bytes(4, "little") + text + packed.content
