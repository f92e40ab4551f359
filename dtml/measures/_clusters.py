"""k-means, for the measures that compare its clusters with classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dtml.measures._arrays import Rows


def k_means(rows: Rows, clusters: int, seed: int) -> NDArray[np.int64]:
    """The cluster (n,) of rows (n, d): the best of ten starts; never more clusters than different rows."""
    from sklearn.cluster import KMeans

    different = len(np.unique(rows, axis=0))
    model = KMeans(min(clusters, different), n_init=10, random_state=seed)
    return model.fit_predict(rows).astype(np.int64)
