"""Digits in MATLAB files, as SVHN and SynDigits keep them: X (32, 32, 3, n) and y (n, 1), where 10 stands for 0."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from dtml import paths
from dtml.tasks._mnist import Images, Labels, Part, not_whole


def read_mats(train: Path, test: Path) -> tuple[Images, Labels, int]:
    """Images (n, 32, 32, 3) and labels of two files in a row, decoded once and kept; how many the first holds.

    Raises:
        Problem: for a file that is not whole.
    """
    facts = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in (train, test)]
    keep = paths.cache() / f"{train.stem}-{hashlib.sha256(repr(facts).encode()).hexdigest()[:12]}"
    images, labels = keep.with_suffix(".npy"), keep.with_suffix(".labels.npz")
    if not labels.exists():
        parts = [_read(path) for path in (train, test)]
        total = sum(len(part[1]) for part in parts)
        with paths.replacing(images) as temporary:
            decoded = open_memmap(temporary, mode="w+", dtype=np.uint8, shape=(total, *parts[0][0].shape[1:]))
            decoded[: len(parts[0][1])] = parts[0][0]
            decoded[len(parts[0][1]) :] = parts[1][0]
            decoded.flush()
            del decoded
        with paths.replacing(labels) as temporary, temporary.open("wb") as file:
            known = np.concatenate([part[1] for part in parts])
            np.savez(file, allow_pickle=False, labels=known, count=len(parts[0][1]))
    with np.load(labels) as found:
        return np.load(images, mmap_mode="r"), found["labels"], int(found["count"])


def _read(path: Path) -> Part:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        found = loadmat(path, variable_names=("X", "y"))
        images, labels = found["X"], found["y"].astype(np.int64).ravel()
    except (OSError, ValueError, TypeError, KeyError, AttributeError, NotImplementedError, MatReadError, zlib.error):
        raise not_whole(path) from None
    fits = images.dtype == np.uint8 and images.ndim == 4 and images.shape[2:] == (3, len(labels))
    if not fits or not len(labels) or not ((labels >= 0) & (labels <= 10)).all():
        raise not_whole(path)
    return images.transpose(3, 0, 1, 2), labels % 10
