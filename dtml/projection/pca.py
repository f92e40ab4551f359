"""Principal components: a linear map, at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dtml.catalogue import Paper
from dtml.language import Text
from dtml.projection import FULL, Pace, Projection


class PCA(Projection):
    """The two directions of largest variance."""

    name = "pca"
    title = Text("PCA", "PCA")
    summary = Text(
        "The two directions of largest variance: linear, quick, and distances keep their meaning.",
        "方差最大的两个方向：线性、快速，距离保留原意。",
    )
    formula = r"Y = (X - \bar X)\,V_{1:2},\quad X - \bar X = U S V^\top"
    paper = Paper(
        "Pearson",
        1901,
        "On Lines and Planes of Closest Fit to Systems of Points in Space",
        "https://doi.org/10.1080/14786440109462720",
    )

    def fit(
        self,
        embeddings: NDArray[np.float32],
        seed: int,
        start: NDArray[np.float32] | None = None,
        pace: Pace = FULL,
    ) -> NDArray[np.float32]:
        rows = embeddings.astype(np.float64)  # in float32 the axes would depend on the number of threads
        centred = rows - rows.mean(0)
        _values, vectors = np.linalg.eigh(centred.T @ centred)
        axes = vectors[:, ::-1][:, :2]
        axes = axes * np.where(axes[np.abs(axes).argmax(0), range(axes.shape[1])] < 0, -1, 1)
        return (centred @ axes).astype(np.float32)
