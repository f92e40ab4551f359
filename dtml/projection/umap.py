"""UMAP: neighbours stay neighbours."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text
from dtml.projection import Projection
from dtml.projection.pca import PCA

SPREAD = 10.0
"""Half the width of the start, which is what umap-learn itself scales its starts to."""


class UMAP(Projection):
    """umap-learn on exact nearest neighbours, started from principal components or a given layout."""

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

    class Params(BaseParams):
        """How local the picture is."""

        neighbours: int = param(15, "Neighbours", "邻居数", ge=2, le=200)
        min_dist: float = param(0.1, "Smallest distance in the picture", "图中最小距离", ge=0, le=0.99)

    def fit(
        self, embeddings: NDArray[np.float32], seed: int, start: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        import umap

        k = min(self.params.neighbours, len(embeddings) - 1)
        if k < 2:
            return PCA().fit(embeddings, seed, start)
        start = PCA().fit(embeddings, seed) if start is None else start
        model = umap.UMAP(
            n_neighbors=k,
            min_dist=self.params.min_dist,
            init=_scaled(start, seed),
            random_state=seed,
            n_jobs=1,
            precomputed_knn=(*nearest_neighbours(embeddings, k), None),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return model.fit_transform(embeddings).astype(np.float32)


def nearest_neighbours(embeddings: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Indices and Euclidean distances (n, k) of each row's nearest rows, itself first; exact."""
    from sklearn.neighbors import NearestNeighbors

    distances, indices = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(embeddings).kneighbors(embeddings)
    own = indices == np.arange(len(embeddings))[:, None]
    indices[~own.any(1), -1] = np.flatnonzero(~own.any(1))
    order = np.argsort(~(indices == np.arange(len(embeddings))[:, None]), axis=1, kind="stable")
    distances = np.take_along_axis(distances, order, 1)
    distances[:, 0] = 0
    return np.take_along_axis(indices, order, 1), distances.astype(np.float32)


def _scaled(start: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """The start within ±SPREAD, its proportions kept; a hair apart, since umap-learn divides by its width."""
    centred = start - start.mean(0)
    scaled = centred * (SPREAD / max(float(np.abs(centred).max()), 1e-12))
    return (scaled + np.random.default_rng(seed).normal(0, 1e-3, scaled.shape)).astype(np.float32)
