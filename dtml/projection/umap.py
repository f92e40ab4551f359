"""UMAP: neighbours stay neighbours."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text
from dtml.projection import FULL, Pace, Projection
from dtml.projection.neighbours import nearest_neighbours
from dtml.projection.pca import PCA

SPREAD = 10.0
"""Half the width of the start, which is what umap-learn itself scales its starts to."""
DECIMALS = 3
"""Decimals of the start: what principal components differ by from machine to machine is rounded away."""
JITTER = 1e-3
"""Samples with one start are this far apart: what lies on one spot is never pushed off it."""

Coordinates = NDArray[np.float32]


class UMAP(Projection):
    """UMAP on exact nearest neighbours, started from principal components or a given layout.

    umap-learn's own graph and layout loops, with fewer epochs and more negative samples than its defaults. The
    same embeddings, seed and start give the same picture, whatever the number of threads.
    """

    name = "umap"
    title = Text("UMAP", "UMAP")
    summary = Text(
        "Keeps neighbours together; sizes of and distances between clusters mean little.",
        "让邻居保持相邻；簇的大小和簇间距离意义不大。",
    )
    formula = r"\min_Y \sum_{ij} v_{ij}\log\tfrac{v_{ij}}{w_{ij}} + (1 - v_{ij})\log\tfrac{1 - v_{ij}}{1 - w_{ij}}"
    paper = Paper(
        "McInnes, Healy, Melville",
        2018,
        "UMAP: Uniform Manifold Approximation and Projection for Dimension Reduction",
        "https://arxiv.org/abs/1802.03426",
        "definition 7",
    )
    follows = True

    class Params(BaseParams):
        """How local the picture is."""

        neighbours: int = param(15, "Neighbours", "邻居数", ge=2, le=200)
        min_dist: float = param(0.1, "Smallest distance in the picture", "图中最小距离", ge=0, le=0.99)

    def fit(
        self, embeddings: NDArray[np.float32], seed: int, start: Coordinates | None = None, pace: Pace = FULL
    ) -> Coordinates:
        k = min(self.params.neighbours, len(embeddings) - 1)
        if k < 2:
            return PCA().fit(embeddings, seed, start)
        indices, distances = nearest_neighbours(embeddings, k)
        begun = _apart(_scaled(PCA().fit(embeddings, seed)) if start is None else start, seed)
        try:
            from dtml.projection import kernels
        except ImportError:
            return self._by_umap_learn(embeddings, indices, distances, begun, seed, pace)
        return kernels.optimise(kernels.fuzzy_graph(indices, distances), begun, self.params.min_dist, seed, pace)

    def _by_umap_learn(
        self,
        embeddings: NDArray[np.float32],
        indices: NDArray[np.int64],
        distances: NDArray[np.float32],
        start: Coordinates,
        seed: int,
        pace: Pace,
    ) -> Coordinates:
        """The same by the public interface, which scales the start to its own size: slower, and in another scale."""
        import umap

        model = umap.UMAP(
            n_neighbors=indices.shape[1],
            min_dist=self.params.min_dist,
            n_epochs=pace.epochs,
            learning_rate=pace.rate,
            init=start,
            random_state=seed,
            n_jobs=1,
            precomputed_knn=(indices, distances, None),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return model.fit_transform(embeddings).astype(np.float32)


def _scaled(start: Coordinates) -> Coordinates:
    """The start within ±SPREAD, its proportions kept, rounded."""
    centred = start.astype(np.float64) - start.mean(0, dtype=np.float64)
    scaled = centred * (SPREAD / max(float(np.abs(centred).max()), 1e-12))
    return np.round(scaled, DECIMALS).astype(np.float32)


def _apart(start: Coordinates, seed: int) -> Coordinates:
    return (start + np.random.default_rng(seed).normal(0, JITTER, start.shape)).astype(np.float32)
