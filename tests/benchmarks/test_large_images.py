"""A hundred thousand images: decoded once and trained on in less than 2 GiB of memory.

`uv run pytest -n 0 -s -m slow tests/benchmarks/test_large_images.py` prints times and memory; it writes 7 GB.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.images.archives import picture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

EACH = 50_000
SIDE = 128
DECODE = """
import json, resource, sys, time
from dtml.images import decode
from pathlib import Path
begun = time.perf_counter()
found = decode(Path(sys.argv[1]), int(sys.argv[2]), True)
seconds = time.perf_counter() - begun
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(json.dumps({"images": len(found.images), "seconds": seconds, "gib": peak}))
"""
TRAIN = """
import json, resource, sys, time
import dtml
begun = time.perf_counter()
experiment = dtml.Experiment(
    task={"name": "folders", "source": sys.argv[1], "target": sys.argv[2], "size": int(sys.argv[3])},
    backbone={"name": "lenet", "width": 8}, strategy="scratch", alignment="dann",
    training={"steps": 50, "batch_size": 64, "snapshots": 2},
)
kinds = [type(event).__name__ for event in dtml.train(experiment)]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(json.dumps({"last": kinds[-1], "seconds": time.perf_counter() - begun, "gib": peak}))
"""


def archive(path: Path, seed: int) -> Path:
    """Ten classes, each image another: a hundred pictures with another row of pixels."""
    pictures = [bytearray(picture(seed + number, (96, 96), "BMP")) for number in range(100)]
    with zipfile.ZipFile(path, "w") as file:
        for number in range(EACH):
            content = pictures[number % 100]
            content[60:260] = np.random.default_rng((seed, number)).integers(0, 256, 200, dtype=np.uint8).tobytes()
            file.writestr(f"{number % 10}/{number:06}.bmp", bytes(content))
    return path


def measured(script: str, *arguments: object) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(told)
    return told


def test_a_hundred_thousand_images(home: Path, tmp_path: Path) -> None:
    sides = [archive(tmp_path / f"{name}.zip", seed) for name, seed in (("a", 0), ("b", 1000))]
    print()
    for side in sides:
        told = measured(DECODE, side, SIDE)
        assert told["images"] == EACH
        assert told["gib"] < 2
    again = measured(DECODE, sides[0], SIDE)
    assert again["seconds"] < told["seconds"] / 10
    trained = measured(TRAIN, *sides, SIDE)
    assert trained["last"] == "Finished"
    assert trained["gib"] < 2
