"""A thousand mutated archives: each is read or refused in a sentence, and nothing appears outside the task's folder."""

from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from dtml import own
from dtml.errors import Problem
from tests.images import archives

BATCHES, EACH = 20, 50
KINDS = {"猫/1.gif": "GIF", "猫/2.tiff": "TIFF", "狗/1.bmp": "BMP", "狗/2.webp": "WEBP", "狗/3.jpg": "JPEG"}


def of_every_kind(path: Path) -> Path:
    return archives.packed(path, {name: archives.picture(3, kind=kind) for name, kind in KINDS.items()})


SEEDS = [
    archives.good, of_every_kind, archives.climbing, archives.with_link, archives.encrypted, archives.of_windows,
]  # fmt: skip


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """One to six changes: bits, runs of a byte, what is cut out, doubled, or moved."""
    found = bytearray(content)
    for _change in range(int(rng.integers(1, 7))):
        at, length = int(rng.integers(len(found))), int(rng.integers(1, 64))
        match rng.integers(6):
            case 0:
                found[at] ^= 1 << int(rng.integers(8))
            case 1:
                found[at : at + length] = bytes([int(rng.integers(256))]) * length
            case 2 if len(found) > 200:
                del found[at : at + length]
            case 3:
                found[at:at] = found[at : at + length]
            case 4:
                found[at : at + 4] = rng.integers(0, 256, 4, dtype=np.uint8).tobytes()
            case _:
                place = found.find(b"PK", int(rng.integers(len(found))))
                at = place + int(rng.integers(4, 46)) if place >= 0 else at
                found[at : at + 1] = bytes([int(rng.integers(256))])
    return bytes(found)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_mutated_archives(home: Path, tmp_path: Path, batch: int) -> None:
    rng = np.random.default_rng(batch)
    target = archives.good(tmp_path / "good.zip", seed=1).read_bytes()
    seeds = [make(tmp_path / f"{number}.zip").read_bytes() for number, make in enumerate(SEEDS)]
    outside = {path for path in tmp_path.rglob("*") if "tasks" not in path.parts and "cache" not in path.parts}
    reached = 0
    for number in range(EACH):
        content = mutated(seeds[number % len(seeds)], rng)
        uploads = {"s.zip": io.BytesIO(content), "t.zip": io.BytesIO(target)}
        reached += _tried(home, uploads)
    now = {path for path in tmp_path.rglob("*") if "tasks" not in path.parts and "cache" not in path.parts}
    assert now == outside
    assert reached, "some mutations leave an archive that can be looked at"


def _tried(home: Path, uploads: dict[str, io.BytesIO]) -> bool:
    """Whether the data could be looked at; what is refused leaves nothing."""
    try:
        own.add("fuzz", "folders", {"source": "s.zip", "target": "t.zip", "size": 16}, uploads)
    except Problem:
        assert list((home / "tasks").iterdir()) == []
        return False
    with suppress(Problem):
        own.look("fuzz")
    files = {path.name for path in own.folder("fuzz").rglob("*")}
    assert files <= {"s.zip", "t.zip", "task.toml", "inspection.json"}
    own.remove("fuzz")
    return "inspection.json" in files
