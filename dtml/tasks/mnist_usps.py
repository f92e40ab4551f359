"""MNIST ↔ USPS: handwritten digits from two sources, under either published protocol."""

from __future__ import annotations

import bz2
import hashlib
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dtml import paths
from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text, mark
from dtml.tasks import Progress, Task, Transfer
from dtml.tasks._mnist import Part, not_whole, official, read_mnist, resized
from dtml.tasks._published import MNIST, USPS

FILES = ("usps.bz2", "usps.t.bz2")
FEW = {"MNIST": 2000, "USPS": 1800}


class MNISTUSPS(Task):
    """MNIST's digits and those of the United States Postal Service, both at 28×28, official test sets."""

    name = "mnist_usps"
    title = Text("MNIST ↔ USPS", "MNIST ↔ USPS")
    summary = Text(
        "Two sets of handwritten digits, from census forms and from envelopes.",
        "两组手写数字：分别来自人口普查表格和信封。",
    )
    paper = Paper(
        "Tzeng, Hoffman, Saenko, Darrell", 2017, "Adversarial Discriminative Domain Adaptation",
        "https://arxiv.org/abs/1702.05464", "section 5.1",
    )  # fmt: skip
    datasets = (MNIST, USPS)
    recommended = {
        "backbone": {"name": "lenet", "width": 32},
        "strategy": "scratch",
        "embedding": {"dim": 128, "activation": "tanh", "dropout": 0.5},
        "training": {"steps": 3000, "batch_size": 64, "optimiser": "adam", "learning_rate": 0.001},
    }

    class Params(BaseParams):
        """Direction and protocol."""

        direction: Literal["mnist_to_usps", "usps_to_mnist"] = param("mnist_to_usps", "Direction", "方向")
        protocol: Literal["P1", "P2"] = param(
            "P2",
            "Training images: P1 2000 of MNIST and 1800 of USPS, P2 all",
            "训练图像：P1 为 MNIST 2000 张、USPS 1800 张；P2 为全部",
        )

    def load(self, seed: int, progress: Progress | None = None) -> Transfer:
        self.require()
        if progress:
            progress(mark("Reading MNIST and USPS"), 0.0)
        few = FEW if self.params.protocol == "P1" else {"MNIST": None, "USPS": None}
        mnist = official("MNIST", *read_mnist(), few["MNIST"], seed)
        usps = official("USPS", *read_usps(), few["USPS"], seed)
        return Transfer(mnist, usps) if self.params.direction == "mnist_to_usps" else Transfer(usps, mnist)


def read_usps() -> tuple[Part, Part]:
    """USPS's training and test images, enlarged from 16×16 to (n, 28, 28, 1), with their labels."""
    facts = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in map(_path, FILES)]
    kept = paths.cache() / f"usps-28-{hashlib.sha256(repr(facts).encode()).hexdigest()[:12]}.npz"
    if not kept.exists():
        arrays: dict[str, NDArray[np.generic]] = {}
        for name in FILES:
            images, labels = _parsed(name)
            arrays |= {f"{name}-images": resized(images, 28), f"{name}-labels": labels}
        with paths.replacing(kept) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
    with np.load(kept) as found:
        train, test = ((found[f"{name}-images"], found[f"{name}-labels"]) for name in FILES)
    return train, test


def _path(name: str) -> Path:
    path = paths.find_data("usps", name)
    assert path is not None, "the task looks for missing files first"
    return path


def _parsed(name: str) -> Part:
    """One file in LIBSVM's text form: "label 1:value … 256:value", labels 1 to 10, values from −1 to 1."""
    try:
        text = bz2.decompress(_path(name).read_bytes()).decode("ascii").replace(":", " ")
        rows = np.fromstring(text, dtype=np.float64, sep=" ").reshape(-1, 1 + 2 * 256)
    except (OSError, EOFError, ValueError):
        raise not_whole(_path(name)) from None
    if not len(rows):
        raise not_whole(_path(name))
    images = ((rows[:, 2::2] + 1) * 127.5).round().clip(0, 255).astype(np.uint8)
    return images.reshape(-1, 16, 16, 1), rows[:, 0].astype(np.int64) - 1
