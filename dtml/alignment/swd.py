"""Sliced Wasserstein distance: optimal transport along random lines."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from dtml.alignment import Alignment
from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import Example, LossParams, full_precision
from dtml.representation import Representation


class SlicedWasserstein(Alignment):
    """The squared Wasserstein distance of order 2 on lines of random direction, where it is a matter of sorting.

    The directions are drawn anew in every call, so the value is random; its mean does not change with a common
    rotation of both domains. In d dimensions it is about d times smaller than the distance itself.
    """

    name = "swd"
    title = Text("Sliced Wasserstein distance", "切片 Wasserstein 距离")
    summary = Text(
        "Projects both domains on random lines and compares the sorted projections.",
        "将两个域投影到随机直线上，并比较排序后的投影。",
    )
    formula = (
        r"\mathrm{SW}_2^2 = \mathbb E_{\theta \sim S^{d-1}} \int_0^1 "
        r"\bigl(F^{-1}_{\theta^\top s}(u) - F^{-1}_{\theta^\top t}(u)\bigr)^2 du"
    )
    paper = Paper(
        "Bonneel, Rabin, Peyré, Pfister", 2015, "Sliced and Radon Wasserstein Barycenters of Measures",
        "https://doi.org/10.1007/s10851-014-0506-3", "section 2",
    )  # fmt: skip
    claims = frozenset({
        "zero_on_equal_domains", "symmetric", "permutation_invariant", "translation_invariant", "non_negative",
    })  # fmt: skip
    examples = (
        Example(([[0.0], [1.0], [3.0]], [[8.0], [5.0], [6.0]]), 25.0, "one dimension: each of the sorted moves by 5"),
        Example(
            ([[0.0], [3.0]], [[0.0], [1.0], [2.0]]), 7 / 6,
            "quantiles 0, 0 | 0, 1 | 3, 1 | 3, 2 on ⅓, ⅙, ⅙, ⅓ of the mass: (1·1 + 4·1)/6 + 1/3",
        ),
    )  # fmt: skip

    class Params(LossParams):
        """How many lines."""

        directions: int = param(128, "Random directions in every step", "每步的随机方向数", ge=1, le=4096)

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        a, b = full_precision(source.embedding), full_precision(target.embedding)
        drawn = torch.randn(a.shape[1], self.params.directions, dtype=a.dtype, device=a.device)
        return sliced_distance(a, b, normalize(drawn, dim=0))


def sliced_distance(source: Tensor, target: Tensor, directions: Tensor) -> Tensor:
    """Mean of W₂² between source (n, d) and target (m, d) over the lines along unit vectors (d, k).

    W₂² on a line is the mean squared difference of the quantile functions. Those of samples are steps, so it is
    exact for unequal n and m.
    """
    from_source, from_target, mass = _matching(len(source), len(target))
    a, b = ((rows @ directions).sort(0).values for rows in (source, target))
    gaps = a[from_source.to(a.device)] - b[from_target.to(a.device)]
    return (gaps.square().mean(1) * mass.to(a)).sum()


def _matching(n: int, m: int) -> tuple[Tensor, Tensor, Tensor]:
    """Ranks of source and target that meet in sorted samples of n and m, and the mass that they share."""
    ends = torch.tensor(sorted({*range(m, n * m + 1, m), *range(n, n * m + 1, n)}))
    starts = torch.cat([ends.new_zeros(1), ends[:-1]])
    return starts // m, starts // n, (ends - starts) / (n * m)
