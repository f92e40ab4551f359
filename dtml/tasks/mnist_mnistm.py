"""MNIST → MNIST-M: digits, and digits blended with patches of photographs by their authors."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dtml import paths
from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.errors import Problem
from dtml.language import Text, mark
from dtml.tasks import Progress, Task, Transfer
from dtml.tasks._mnist import Part, not_whole, official, read_mnist, resized
from dtml.tasks._published import MNIST, MNIST_M

SIDE = 32
PARTS = ("train", "test")


class MNISTM(Task):
    """MNIST in colour at 32×32 → MNIST-M, official test sets."""

    name = "mnist_mnistm"
    title = Text("MNIST → MNIST-M", "MNIST → MNIST-M")
    summary = Text(
        "Plain digits, and the authors' digits blended with colour photographs.",
        "普通数字，以及由作者与彩色照片混合的数字。",
    )
    formula = r"x_t = |\,x_s - p\,|"
    paper = Paper(
        "Ganin, Ustinova, Ajakan, Germain, Larochelle, Laviolette, Marchand, Lempitsky", 2016,
        "Domain-Adversarial Training of Neural Networks", "https://arxiv.org/abs/1505.07818", "section 5.2.4",
    )  # fmt: skip
    datasets = (MNIST, MNIST_M)
    recommended = {
        "backbone": {"name": "lenet", "width": 32},
        "strategy": "scratch",
        "embedding": {"dim": 128, "activation": "tanh", "dropout": 0.5},
        "training": {"steps": 4000, "batch_size": 64, "optimiser": "adam", "learning_rate": 0.001},
    }

    class Params(BaseParams):
        """How much is learned from."""

        images: int = param(0, "Training images a domain (0: all)", "每个域的训练图像数（0：全部）", ge=0, le=60_000)

    def load(self, seed: int, progress: Progress | None = None) -> Transfer:
        self.require()
        if progress:
            progress(mark("Reading MNIST and MNIST-M"), 0.0)
        trained = self.params.images or None
        (train, train_labels), (test, test_labels) = read_mnist()
        source = (resized(train, SIDE, 3), train_labels), (resized(test, SIDE, 3), test_labels)
        target, remarks = read_mnistm(progress)
        return Transfer(official("MNIST", *source, trained, seed), official("MNIST-M", *target, trained, seed), remarks)


def _files(part: str) -> tuple[str, str]:
    return f"mnist_m_{part}.zip", f"mnist_m_{part}_labels.txt"


def read_mnistm(progress: Progress | None = None) -> tuple[tuple[Part, Part], list[Problem]]:
    """MNIST-M's training and test images (n, 32, 32, 3) with labels, and a remark where images are missing."""
    parts, remarks = [], []
    for part in PARTS:
        archive, labels = (paths.find_data("mnist_m", name) for name in _files(part))
        assert archive is not None
        assert labels is not None
        try:
            names, images = _decoded(archive, progress)
        except (OSError, SyntaxError, ValueError, zipfile.BadZipFile, zlib.error):
            raise not_whole(archive) from None
        try:
            listed = dict(line.split() for line in labels.read_text("ascii").splitlines())
            digits = np.array([int(listed[name]) for name in names], dtype=np.int64)
        except (KeyError, ValueError):
            raise not_whole(labels) from None
        if len(names) < len(listed):
            told = mark("MNIST-M's {part} archive holds {count} of {all} images; those are used.")
            remarks.append(Problem(told, part=part, count=len(names), all=len(listed)))
        parts.append((images, digits))
    return (parts[0], parts[1]), remarks


def _decoded(archive: Path, progress: Progress | None) -> tuple[list[str], NDArray[np.uint8]]:
    """File names and images of an archive, decoded once."""
    fact = archive.stat()
    kept = paths.cache() / f"{archive.stem}-{fact.st_size}-{fact.st_mtime_ns}.npy"
    with zipfile.ZipFile(archive) as opened:
        shown = (name for name in opened.namelist() if not Path(name).name.startswith("."))
        members = sorted(name for name in shown if name.endswith(".png"))
        if not kept.exists():
            images = []
            for number, name in enumerate(members):
                images.append(np.asarray(Image.open(io.BytesIO(opened.read(name))).convert("RGB")))
                if progress and number % 500 == 0:
                    progress(mark("Decoding the images"), number / len(members))
            with paths.replacing(kept) as temporary, temporary.open("wb") as file:
                np.save(file, np.stack(images))
    return [Path(name).name for name in members], np.load(kept)
