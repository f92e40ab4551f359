"""Nearest neighbours of single samples in the embedding space, not in the picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dtml.runs.folder import RunFolder, read_arrays
from dtml.runs.pictures import State


def embeddings(state: State) -> NDArray[np.float32]:
    """The embeddings (n, d) of a snapshot, read-only."""
    run, step = state
    return _embeddings(str(RunFolder(run).snapshot(step)))


@st.cache_resource(max_entries=8, show_spinner=False)
def _embeddings(path: str) -> NDArray[np.float32]:
    array = read_arrays(Path(path))["embeddings"].astype(np.float32)
    array.setflags(write=False)
    return array


def nearest(points: NDArray[np.float32], rows: list[int], count: int) -> NDArray[np.int64]:
    """For each of the rows the `count` other rows of `points` (n, d) at the least Euclidean distance, nearest first.

    Equal distances go by row number.
    """
    found = np.empty((len(rows), min(count, len(points) - 1)), np.int64)
    for i, row in enumerate(rows):
        away = points - points[row]
        distances = np.einsum("nd,nd->n", away, away)
        distances[row] = np.inf
        found[i] = np.argsort(distances, kind="stable")[: found.shape[1]]
    return found
