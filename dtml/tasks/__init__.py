"""Transfer tasks: what is learned from. One file a family.

A task loads two `Domain`s with the same classes. Inputs are decoded once into one array a domain: uint8
images (n, height, width, channels), float32 rows (n, columns), or texts (n,) as UTF-8 bytes. Each domain is split
into training, validation and test samples once, by seed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from dtml import paths
from dtml.catalogue import Component
from dtml.errors import Problem
from dtml.fetch import fetch
from dtml.inspection import Inspection
from dtml.tasks import datasets
from dtml.tasks.datasets import Dataset

Split = Literal["train", "validation", "test"]
Inputs = Literal["images", "points", "texts"]
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Domain:
    """One side of a transfer task.

    Attributes:
        name: what a person calls it, such as "amazon".
        inputs: uint8 (n, height, width, channels), float32 (n, columns) or UTF-8 bytes (n,); in memory or mapped.
        labels: int64 (n,), -1 where unknown.
        classes: the class names; a label is an index into them.
        splits: the samples of each split, as indices into `inputs`; disjoint.
        ids: a name for each sample (n,), such as its file; unique within the domain.
        shown: what a person reads of the samples at some indices, UTF-8 bytes, where the inputs do not show it.
    """

    name: str
    inputs: NDArray[Any]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    splits: Mapping[Split, NDArray[np.int64]]
    ids: NDArray[np.str_]
    shown: Callable[[NDArray[np.int64]], NDArray[np.bytes_]] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return tuple(self.inputs.shape[1:])


@dataclass(frozen=True)
class Transfer:
    """A loaded task: source and target with the same classes, and remarks: problems that stop nothing."""

    source: Domain
    target: Domain
    remarks: list[Problem] = field(default_factory=list)


class Task(Component):
    """What is learned from: loads two domains."""

    kind = "task"
    inputs: ClassVar[Inputs] = "images"
    needs: ClassVar[tuple[str, ...]] = ()
    """Parameters that have no useful default; an experiment without them is refused."""
    recommended: ClassVar[dict[str, Any]] = {}
    """The parts of an experiment that suit this task; what a person leaves out is taken from here."""
    own: ClassVar[bool] = False
    """Whether it reads a person's own data, which `inspect` looks at before anything is trained on it."""
    datasets: ClassVar[tuple[Dataset, ...]] = ()
    """The public datasets that it reads."""

    def load(self, seed: int, progress: Progress | None = None) -> Transfer:
        """Both domains; `progress(what, share)` is told about anything that takes long.

        Raises:
            Problem: where data is missing (with the command that gets it) or unusable.
        """
        raise NotImplementedError

    def inspect(self, progress: Progress | None = None) -> Inspection:
        """What both domains hold and what is wrong with them; only tasks on own data can tell.

        Raises:
            Problem: where there is nothing to look at, such as a path that is missing.
        """
        raise NotImplementedError

    def missing(self) -> Problem | None:
        """What is not on disk and how to get it; None where `load` can begin."""
        return datasets.missing(self.entry(), self.params.model_dump())

    def fetch(self, progress: Progress) -> None:
        """Download what the task needs; does nothing where it is on disk already.

        Raises:
            Problem: where a download fails, or something is not published for direct download.
        """
        for _dataset, file in datasets.absent(self.entry(), self.params.model_dump()):
            if file["urls"]:
                fetch(file["urls"], paths.downloads() / file["path"], file["checksum"], progress)
        self.require()

    def require(self) -> None:
        """Refuse to go on where data is missing.

        Raises:
            Problem: what is not on disk and how to get it.
        """
        problem = self.missing()
        if problem:
            raise problem

    @classmethod
    def facts(cls) -> dict[str, Any]:
        return {
            "inputs": cls.inputs,
            "needs": list(cls.needs),
            "recommended": cls.recommended,
            "downloads": any(f.urls for each in cls.datasets for files in each.parts.values() for f in files),
            "own": cls.own,
            "datasets": [each.entry() for each in cls.datasets],
        }


def stratified(labels: NDArray[np.int64], shares: Mapping[Split, float], seed: int) -> dict[Split, NDArray[np.int64]]:
    """Disjoint index arrays with about `shares` of each class in each split, by seed; together all samples."""
    rng = np.random.default_rng(seed)
    parts: dict[Split, list[NDArray[np.int64]]] = {name: [] for name in shares}
    total, none = sum(shares.values()), np.empty(0, dtype=np.int64)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        edges = np.round(np.cumsum(list(shares.values())) / total * len(members)).astype(int)
        for name, chunk in zip(shares, np.split(members, edges[:-1]), strict=True):
            parts[name].append(chunk)
    return {name: np.sort(np.concatenate([none, *chunks])) for name, chunks in parts.items()}
