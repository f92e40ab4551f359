"""What losses with one learnable vector a class share."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from dtml.losses import full_precision
from dtml.metric import Metric, cosines


class Proxied(Metric):
    """A loss on the angles between embeddings and proxies (c, d), which are stepped with the model.

    Only the proxies' directions count, so their lengths grow a little with every step of SGD and slow it.
    """

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self.register_parameter("proxies", None)

    def build(self, dim: int, classes: int) -> None:
        self.proxies = nn.Parameter(nn.init.kaiming_normal_(torch.empty(classes, dim), mode="fan_out"))

    def angles(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Cosines (n, c) of the angles between the embeddings and the proxies, which are made if there are none."""
        embeddings = full_precision(embeddings)
        if self.proxies is None:
            self.build(embeddings.shape[1], int(labels.max()) + 1)
            self.to(embeddings)
        return cosines(embeddings, self.proxies)
