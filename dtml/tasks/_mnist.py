"""What tasks on digits share: reading MNIST's files, domains with official test sets."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dtml import paths
from dtml.errors import Problem
from dtml.language import mark
from dtml.tasks import Domain, Split, stratified

CLASSES = tuple("0123456789")
FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")

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
    return joined(name, images, labels, len(train[1]), trained, seed)


def joined(name: str, images: Images, labels: Labels, count: int, trained: int | None, seed: int) -> Domain:
    """The same of images and labels in one array each: `count` training images, then the official test images."""
    splits: dict[Split, NDArray[np.int64]]
    if trained is None:
        splits = stratified(labels[:count], {"train": 0.9, "validation": 0.1}, seed)
    else:
        order = np.random.default_rng(seed).permutation(count)
        trained = min(trained, count - min(1000, count // 10))
        splits = {"train": np.sort(order[:trained]), "validation": np.sort(order[trained:][:1000])}
    tested = len(labels) - count
    return Domain(
        name=name,
        inputs=images,
        labels=labels,
        classes=CLASSES,
        splits={**splits, "test": np.arange(count, len(labels))},
        ids=np.array([*(f"train {i}" for i in range(count)), *(f"test {i}" for i in range(tested))]),
    )


def resized(images: Images, side: int, channels: int = 1) -> Images:
    """Grey images (n, h, w, 1) as (n, side, side, channels), bilinear."""
    from PIL import Image

    size = (side, side)
    large = [np.asarray(Image.fromarray(i[..., 0]).resize(size, Image.Resampling.BILINEAR)) for i in images]
    return np.repeat(np.stack(large)[..., None], channels, axis=3)


def not_whole(path: Path) -> Problem:
    """The sentence for a file whose content is not what it should be."""
    return Problem(mark("'{path}' is not whole; remove it and fetch it again."), path=path)
