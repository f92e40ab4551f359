"""The decision boundary of a task in the plane: the model's class probabilities on a grid of its inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dtml.training.batches import Samples
from dtml.training.evaluation import look
from dtml.training.model import Model

GRID = 60
"""Points of the grid along each axis."""
MARGIN = 0.12
"""How far the grid reaches beyond the samples, as a share of their width."""


@dataclass(frozen=True)
class Plane:
    """A grid of `GRID` × `GRID` inputs.

    Attributes:
        x: (g,) first inputs, ascending.
        y: (g,) second inputs, ascending.
    """

    x: NDArray[np.float32]
    y: NDArray[np.float32]

    @classmethod
    def around(cls, points: NDArray[np.floating[Any]]) -> Plane:
        """The grid over the extent of points (n, 2), with a margin."""
        low, high = points.min(0), points.max(0)
        room = MARGIN * np.maximum(high - low, 1e-6)
        x, y = (np.linspace(a, b, GRID, dtype=np.float32) for a, b in zip(low - room, high + room, strict=True))
        return cls(x, y)

    def probabilities(self, model: Model, device: torch.device) -> NDArray[np.float16]:
        """Class probabilities (g, g, c) at [row y, column x], as the model would classify target samples there."""
        inputs = np.stack(np.meshgrid(self.x, self.y), axis=-1).reshape(-1, 2)
        unknown = torch.full((len(inputs),), -1, device=device)
        samples = Samples(torch.from_numpy(inputs).to(device), np.arange(len(inputs)), unknown, device)
        seen = look(model, samples, None, features=False, target=True)[1]
        return seen.reshape(GRID, GRID, -1).astype(np.float16)
