"""Projections: embeddings → two dimensions. One file each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dtml.catalogue import Component


class Projection(Component):
    """What lays embeddings out in the plane."""

    kind = "projection"

    def fit(
        self, embeddings: NDArray[np.float32], seed: int, start: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Coordinates (n, 2) of embeddings (n, d); near the layout `start` (n, 2) where that is given."""
        raise NotImplementedError
