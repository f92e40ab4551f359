"""What is known of how far a picture can be trusted, and how it is judged. Needs neither torch nor scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Judgement = Literal["good", "fair", "poor"]
Disagreement = Literal["looks_mixed", "looks_apart"]

BARS = {
    "trustworthiness": (0.95, 0.85),
    "continuity": (0.95, 0.85),
    "recall": (0.4, 0.2),
    "stability": (0.95, 0.8),
}
"""From where on a figure is good, and fair: rules of thumb, since no norm exists. UMAP of clear classes reaches about
.97, .97, .45 and .98; principal components of the same about .75, .9, .05 and 1."""
GAP = 0.15
"""How far the separability of the domains in the picture may be from that in the embedding space."""


@dataclass(frozen=True, eq=False)
class Quality:
    """How far one state's picture can be trusted.

    trustworthiness: 1 where neighbours in the picture are neighbours in the embedding space, in [0, 1].
    continuity: 1 where neighbours in the embedding space are neighbours in the picture, in [0, 1].
    recall: the share of a sample's nearest neighbours that are its nearest in the picture, too.
    stability: how alike pictures with other seeds are, turned and scaled onto each other; 1 where they are the
        same. None where it was not measured, as for a film of many states.
    apart: balanced accuracy of the better of two classifiers of the domain on the embeddings, a linear one and the
        nearest neighbours; .5 where the domains are mixed, 1 where they are told apart. None with one domain.
    apart_drawn: the same of the nearest neighbours in the picture.
    looked_at, samples: the number of samples that this was measured on, and of all in the picture's state.
    distrust: (n,) in [0, 1], NaN for samples that were not looked at. The share of a sample's nearest in the
        picture that are far from it in truth, or of its nearest in truth that are drawn far from it, whichever
        is larger; far is beyond the three times as many nearest.
    domain_probability: (n,) how likely a sample is of the target by a linear classifier that has not seen it;
        NaN where not looked at.
    kept: (n,) the share of a sample's nearest in the embedding space that were its nearest in the state before;
        NaN in the first state and where not looked at.
    """

    trustworthiness: float
    continuity: float
    recall: float
    stability: float | None
    apart: float | None
    apart_drawn: float | None
    looked_at: int
    samples: int
    distrust: Array
    domain_probability: Array
    kept: Array

    @property
    def disagreement(self) -> Disagreement | None:
        """Where the picture mixes domains that a classifier tells apart, or draws apart what no classifier does."""
        if self.apart is None or self.apart_drawn is None or abs(self.apart - self.apart_drawn) < GAP:
            return None
        return "looks_mixed" if self.apart_drawn < self.apart else "looks_apart"


def judge(figure: str, value: float) -> Judgement:
    """A word for a figure of `BARS`."""
    good, fair = BARS[figure]
    return "good" if value >= good else "fair" if value >= fair else "poor"
