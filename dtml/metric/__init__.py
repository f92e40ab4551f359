"""Metric losses: what shapes distances from labels. One file each."""

from __future__ import annotations

import torch
from torch import Tensor

from dtml.losses import Loss


class Metric(Loss):
    """A loss on labelled embeddings: `loss(embeddings, labels) -> scalar`.

    A batch without a usable pair gives a zero that still carries a gradient (of zero), and `watched`
    tells the number of active pairs, so that an idle loss can be seen.
    """

    kind = "metric"

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The loss of embeddings (n, d) with labels (n,) as a scalar tensor."""
        raise NotImplementedError


def mean_over(values: Tensor, chosen: Tensor) -> Tensor:
    """Mean of the values where `chosen`; 0, with a gradient of 0, where nothing is. Any shape, one for both."""
    return (values * chosen).sum() / chosen.sum().clamp_min(1)


def unit(rows: Tensor) -> Tensor:
    """Rows (n, d) at length 1. A row of zeros stays, without a gradient: its direction is unknown."""
    lengths = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    return rows / lengths.where(lengths > 1e-12, torch.inf)


def cosines(a: Tensor, b: Tensor) -> Tensor:
    """Cosines (n, m) of the angles between the rows of a (n, d) and b (m, d)."""
    return unit(a) @ unit(b).T


def log_sum_exp(scores: Tensor, chosen: Tensor, dim: int = 1) -> Tensor:
    """log Σ exp of the chosen scores along `dim`.

    Where none is chosen it is the lowest finite number and not −∞, whose gradient would not be finite.
    """
    return scores.masked_fill(~chosen, torch.finfo(scores.dtype).min).logsumexp(dim)


def log_one_plus_sum_exp(scores: Tensor, chosen: Tensor, dim: int = 1) -> Tensor:
    """log(1 + Σ exp of the chosen scores) along `dim`; 0 where none is chosen."""
    total = log_sum_exp(scores, chosen, dim)
    return torch.logaddexp(total, torch.zeros_like(total))
