"""What the MNIST family shares: reading and fetching MNIST's files, domains with official test sets."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dtml import paths
from dtml.errors import Problem
from dtml.fetch import fetch
from dtml.language import mark
from dtml.tasks import Domain, Progress, stratified

CLASSES = tuple("0123456789")
MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/")
FILES = {
    "train-images-idx3-ubyte": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
}

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
Part = tuple[Images, Labels]


def read_mnist() -> tuple[Part, Part]:
    """MNIST's training and test images (n, 28, 28, 1) with their labels, from its official files."""
    train_images, train_labels, test_images, test_labels = map(_read_idx, FILES)
    return (train_images[..., None], train_labels.astype(np.int64)), (
        test_images[..., None],
        test_labels.astype(np.int64),
    )


def mnist_missing() -> list[str]:
    """The files of MNIST that are not on disk."""
    return [name for name in FILES if not any(paths.find_data("MNIST", "raw", n) for n in (name, f"{name}.gz"))]


def fetch_mnist(progress: Progress) -> None:
    """Download what is missing of MNIST."""
    for name in mnist_missing():
        urls = [f"{mirror}{name}.gz" for mirror in MIRRORS]
        fetch(urls, paths.downloads() / "MNIST" / "raw" / f"{name}.gz", f"md5:{FILES[name]}", progress)


def _read_idx(name: str) -> NDArray[np.uint8]:
    """An idx file: two zero bytes, a type (8: uint8), the number of dimensions, their sizes, the values."""
    plain = paths.find_data("MNIST", "raw", name)
    path = plain or paths.find_data("MNIST", "raw", f"{name}.gz")
    assert path is not None, "the task looks for missing files first"
    try:
        content = path.read_bytes() if plain else gzip.decompress(path.read_bytes())
        shape = np.frombuffer(content, ">i4", content[3], 4)
        return np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(shape)
    except (OSError, EOFError, IndexError, ValueError, zlib.error):
        raise not_whole(path) from None


def official(name: str, train: Part, test: Part, trained: int | None, seed: int) -> Domain:
    """A domain whose test split is the official one.

    Of the training images one in ten validates. With `trained` given, so many train, drawn by seed, and up
    to a thousand others validate; a tenth (or a thousand) is kept for that.
    """
    images, labels = (np.concatenate([a, b]) for a, b in zip(train, test, strict=True))
    count = len(train[1])
    if trained is None:
        splits = stratified(train[1], {"train": 0.9, "validation": 0.1}, seed)
    else:
        order = np.random.default_rng(seed).permutation(count)
        trained = min(trained, count - min(1000, count // 10))
        splits = {"train": np.sort(order[:trained]), "validation": np.sort(order[trained:][:1000])}
    return Domain(
        name=name,
        inputs=images,
        labels=labels,
        classes=CLASSES,
        splits={**splits, "test": np.arange(count, len(labels))},
        ids=np.array([*(f"train {i}" for i in range(count)), *(f"test {i}" for i in range(len(test[1])))]),
    )


def resized(images: Images, side: int, channels: int = 1) -> Images:
    """Grey images (n, h, w, 1) as (n, side, side, channels), bilinear."""
    from PIL import Image

    size = (side, side)
    large = [np.asarray(Image.fromarray(i[..., 0]).resize(size, Image.Resampling.BILINEAR)) for i in images]
    return np.repeat(np.stack(large)[..., None], channels, axis=3)


def not_here(task: str, files: Sequence[str]) -> Problem:
    """The sentence for data that is missing and can be fetched."""
    told = mark("The data of the task '{task}' is not on disk ({files}); run `dtml get task {task}`, or set DTML_DATA.")
    return Problem(told, task=task, files=", ".join(files))


def not_whole(path: Path) -> Problem:
    """The sentence for a file whose content is not what it should be."""
    return Problem(mark("'{path}' is not whole; remove it and fetch it again."), path=path)
