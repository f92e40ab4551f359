"""Batches: the samples of one domain's split on the device, in an order that only the seed decides."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dtml.tasks import Domain

Encode = Callable[[NDArray[Any]], NDArray[Any]]

IN_MEMORY = 256 << 20
"""Bytes of a set of samples up to which it is kept on the device; a larger one is read batch by batch."""


def as_they_are(raw: NDArray[Any]) -> NDArray[Any]:
    """Inputs that the network reads as they are."""
    return raw


def rows_of(source: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
    """Rows of an array.

    Those of a memory-mapped array are read from its file: pages that are mapped count as this process's memory, and
    an epoch would bring in all of them.
    """
    if not isinstance(source, np.memmap) or not isinstance(source.base, mmap.mmap):
        return np.ascontiguousarray(source[rows])
    found = np.empty((len(rows), *source.shape[1:]), source.dtype)
    size = int(np.prod(source.shape[1:])) * source.itemsize
    with open(source.filename, "rb", buffering=0) as file:
        for place, row in zip(found, rows.tolist(), strict=True):
            file.seek(source.offset + row * size)
            file.readinto(place.data)
    return found


class Samples:
    """The inputs and the visible labels of some samples of one domain.

    Labels of a domain that is to be adapted to are sealed: they are -1 here, whatever the task knows.
    """

    def __init__(
        self,
        source: NDArray[Any] | Tensor,
        indices: NDArray[np.int64],
        labels: Tensor,
        device: torch.device,
        encode: Encode = as_they_are,
    ) -> None:
        self.indices, self.labels, self.device = indices, labels, device
        self._source, self._encode = source, encode

    @classmethod
    def of(
        cls,
        domain: Domain,
        indices: NDArray[np.int64],
        device: torch.device,
        sealed: bool,
        encode: Encode = as_they_are,
    ) -> Samples:
        """The samples `indices` of a domain, on the device where they fit; `sealed` hides their labels.

        They are encoded once where they fit, else at every batch.
        """
        labels = np.full(len(indices), -1) if sealed else domain.labels[indices]
        source: NDArray[Any] | Tensor = domain.inputs
        if len(indices) * encode(domain.inputs[:1]).nbytes <= IN_MEMORY:
            source = torch.from_numpy(encode(rows_of(domain.inputs, indices))).to(device)
        return cls(source, indices, torch.as_tensor(labels).to(device), device, encode)

    def with_features(self, features: Tensor) -> Samples:
        """The same samples, with features that were computed before as their inputs."""
        return Samples(features, self.indices, self.labels, self.device)

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def values_each(self) -> int:
        """How many numbers one sample has."""
        one = self._source[:1]
        return int(np.prod((one if isinstance(one, Tensor) else self._encode(one)).shape[1:]))

    def take(self, positions: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Encoded inputs and labels at `positions` of these samples."""
        chosen = torch.from_numpy(positions).to(self.device)
        return self._inputs(positions, chosen), self.labels[chosen]

    def _inputs(self, positions: NDArray[np.int64], chosen: Tensor) -> Tensor:
        if isinstance(self._source, Tensor):
            return self._source[chosen]
        rows = np.ascontiguousarray(self._encode(rows_of(self._source, self.indices[positions])))
        return torch.from_numpy(rows).to(self.device, non_blocking=True)

    def chunks(self, size: int) -> Iterator[Tensor]:
        """All encoded inputs in order, `size` at a time."""
        for start in range(0, len(self), size):
            positions = np.arange(start, min(start + size, len(self)))
            yield self.take(positions)[0]


class BalancedOrder:
    """Batches with the same number of samples of every class, as far as that divides; else as `Order`."""

    def __init__(self, labels: NDArray[np.int64], batch: int, seed: tuple[int, ...]) -> None:
        self._members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
        self._each, self._left = divmod(batch, len(self._members))
        self._seed = seed
        most = self._each + (self._left > 0)
        self._orders = [Order(len(own), most, (*seed, label, 1)) for label, own in enumerate(self._members)]

    def batch(self, step: int) -> NDArray[np.int64]:
        """The positions of batch number `step`; where the classes do not divide it, some have one sample more."""
        count = len(self._members)
        richer = set(np.random.default_rng((*self._seed, step)).permutation(count)[: self._left].tolist())
        return np.concatenate(
            [
                own[order.batch(step)[: self._each + (label in richer)]]
                for label, (own, order) in enumerate(zip(self._members, self._orders, strict=True))
            ]
        )


class Order:
    """An endless sequence of shuffled epochs; batch number `step` is a pure function of seed and step."""

    def __init__(self, samples: int, batch: int, seed: tuple[int, ...]) -> None:
        self._samples, self._batch, self._seed = samples, batch, seed
        self._epochs: dict[int, NDArray[np.int64]] = {}

    def batch(self, step: int) -> NDArray[np.int64]:
        """The positions of batch number `step`; it may reach over the end of an epoch."""
        wanted = np.arange(step * self._batch, (step + 1) * self._batch)
        epochs, places = np.divmod(wanted, self._samples)
        parts = [self._epoch(int(e))[places[epochs == e]] for e in np.unique(epochs)]
        return np.concatenate(parts)

    def _epoch(self, number: int) -> NDArray[np.int64]:
        if number not in self._epochs:
            self._epochs = {n: order for n, order in self._epochs.items() if n >= number - 1}
            self._epochs[number] = np.random.default_rng((*self._seed, number)).permutation(self._samples)
        return self._epochs[number]
