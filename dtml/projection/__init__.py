"""Projections: embeddings → two dimensions. One file each."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dtml.catalogue import Component


class Pace(NamedTuple):
    """How far a layout may move from where it starts: rounds over all pairs, and the first step's length."""

    epochs: int
    rate: float


FULL = Pace(150, 1.0)
"""A layout of its own."""


class Projection(Component):
    """What lays embeddings out in the plane."""

    kind = "projection"
    follows: ClassVar[bool] = False
    """Whether `fit` begins at the layout `start`, at the `pace` given; else it ignores both."""

    def fit(
        self,
        embeddings: NDArray[np.float32],
        seed: int,
        start: NDArray[np.float32] | None = None,
        pace: Pace = FULL,
    ) -> NDArray[np.float32]:
        """Coordinates (n, 2) of embeddings (n, d); near the layout `start` (n, 2), in its scale, where it is given."""
        raise NotImplementedError
