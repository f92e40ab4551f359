"""DSTML: the whole criterion of deep transfer metric learning, at the top and at every layer below."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from dtml.alignment import Alignment
from dtml.alignment._classes import known_labels
from dtml.alignment.mmd_linear import mean_distance
from dtml.catalogue import Paper, param
from dtml.language import Text
from dtml.losses import Example, LossParams, full_precision, neighbour_mean, pair_masks, squared_distances
from dtml.representation import Representation

_POINTS = [[0.0, 0.0], [1.0, 0.0], [0.0, 3.0], [1.0, 3.0]]
_MOVED = [[2.0, 0.0], [3.0, 0.0], [2.0, 3.0], [3.0, 3.0]]


class DSTML(Alignment):
    """Deeply supervised transfer metric learning.

    The layers are the backbone's stages and the embedding; the paper's are fully connected with tanh. Here a
    convolution's row is the means of its channels, and the rows of the layers below the top are normalised. The
    embedding is taken as it is: −αS_b has no lower bound without a bounded space, so it has to be tanh or normalised.
    γ, the weight of the parameters' squares, is the optimiser's weight decay. DTML is ω = 0. With the α = .1 and
    β = 10 of the paper's faces compactness outweighs separation in so small a network, and nothing is gained.
    """

    name = "dstml"
    title = Text("DSTML (deeply supervised DTML)", "DSTML（深度监督 DTML）")
    summary = Text(
        "Compact, separable source classes and near domain means, in the embedding and, above a threshold, in every "
        "layer below.",
        "源域各类紧致且可分、两个域均值接近：既作用于嵌入，也作用于其下每一层（超过阈值时）。",
    )
    formula = (
        r"J^{(M)} + \sum_{m < M} \omega\,\max\bigl(0, J^{(m)} - \tau\bigr),\quad "
        r"J^{(m)} = S_c^{(m)} - \alpha S_b^{(m)} + \beta D_{ts}^{(m)}"
    )
    paper = Paper(
        "Hu, Lu, Tan", 2015, "Deep Transfer Metric Learning", "https://doi.org/10.1109/CVPR.2015.7298629",
        "section 3.3",
    )  # fmt: skip
    claims = frozenset({"permutation_invariant", "rotation_invariant"})
    needs_layers = True
    needs_bounded = True
    examples = (
        Example(
            (_POINTS, _MOVED), 40.1, "S_c = 1, S_b = 9, D_ts = 2²: 1 - .1·9 + 10·4",
            {"alpha": 0.1, "beta": 10.0, "same": 1, "different": 1, "omega": 0.0}, labels=([0, 0, 1, 1], [-1] * 4),
        ),
        Example(
            ([[1.0], [2.0], [-1.0], [-3.0]], [[1.0], [3.0]]), -8.9375 + 0.5 * (-7 + 9),
            "top: 10/4 - 2·33/4 + 2.25² = -8.9375; below, normalised to ±1: 0 - 2·4 + 1 = -7, which is 2 above τ",
            {"alpha": 2.0, "beta": 1.0, "same": 1, "different": 1, "omega": 0.5, "tau": -9.0},
            labels=([0, 0, 1, 1], [-1, -1]),
        ),
    )  # fmt: skip

    class Params(LossParams):
        """The criterion's trade-offs and neighbours, and how the layers below count."""

        weight: float = param(0.1, "Trade-off weight", "权衡权重", ge=0)
        alpha: float = param(1.0, "Weight α of separability", "可分性权重 α", ge=0, le=100)
        beta: float = param(1.0, "Weight β of the distance of the domain means", "域均值距离的权重 β", ge=0, le=1000)
        same: int = param(5, "Nearest neighbours k₁ of the same class", "同类近邻数 k₁", ge=1, le=1000)
        different: int = param(10, "Nearest neighbours k₂ of other classes", "异类近邻数 k₂", ge=1, le=1000)
        omega: float = param(1.0, "Weight ω of the layers below the embedding", "嵌入以下各层的权重 ω", ge=0, le=100)
        tau: float = param(
            0.0,
            "Threshold τ that a layer below has to exceed to count",
            "下层计入损失所需超过的阈值 τ",
            ge=-100,
            le=100,
        )

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        *below, top = zip(_layers(source), _layers(target), strict=True)
        below = [(normalize(a, dim=1), normalize(b, dim=1)) for a, b in below] if self.params.omega else []
        *values, value = self._criteria([*below, top], pair_masks(known_labels(source))).unbind()
        self.watch(top=value)
        if not below:
            return value
        excess = (torch.stack(values) - self.params.tau).relu()
        self.watch(top=value, below=excess.sum(), active_layers=(excess > 0).sum().float())
        return value + self.params.omega * excess.sum()

    def _criteria(self, layers: list[tuple[Tensor, Tensor]], masks: tuple[Tensor, Tensor]) -> Tensor:
        """S_c − αS_b + βD_ts (layers,) of layers with source rows (n, d) and target rows (m, d).

        Masks (n, n) of the source's pairs of the same class and of different ones.
        """
        p = self.params
        squared = torch.stack([squared_distances(source, source) for source, _target in layers])
        compactness, separability = (
            neighbour_mean(squared, masks[0], p.same),
            neighbour_mean(squared, masks[1], p.different),
        )
        gaps = torch.stack([mean_distance(*pair) for pair in layers])
        return compactness - p.alpha * separability + p.beta * gaps


def _layers(domain: Representation) -> list[Tensor]:
    """The rows (n, d) of each layer, bottom up; features and embedding where no layer was kept.

    Those of a convolution are the means of its channels.
    """
    layers = domain.layers or (domain.features, domain.embedding)
    return [full_precision(layer) if layer.ndim == 2 else _channel_means(layer) for layer in layers]


def _channel_means(maps: Tensor) -> Tensor:
    """Means (n, c) of maps (n, c, h, w), summed in at least float32."""
    rows = maps.movedim(1, -1).flatten(1, 2)  # as they lie in memory: the gradient then lies there, too
    return rows.mean(1, dtype=torch.promote_types(maps.dtype, torch.float32))
