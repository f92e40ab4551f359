"""What losses with learnable parts share: parts made when first needed, two domains told apart, a zero to step on."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from dtml.alignment import Alignment
from dtml.losses import full_precision
from dtml.representation import Representation


def built(loss: Alignment, part: str, domain: Representation) -> nn.Module:
    """The learnable part named `part` of a loss; made here where nobody called `build` before."""
    if getattr(loss, part) is None:
        loss.build(domain.embedding.shape[1], domain.logits.shape[1])
        loss.to(full_precision(domain.embedding))
    made: nn.Module = getattr(loss, part)
    return made


def domain_entropy(source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """−log D and −log(1 − D) of scores of source (n,) and target (m,), D their sigmoid: the source is the 1."""
    return softplus(-source), softplus(target)


def domain_accuracy(source: Tensor, target: Tensor) -> Tensor:
    """Share of the samples whose score, positive for the source, names their domain."""
    return torch.cat([source.detach() > 0, target.detach() <= 0]).float().mean()


def zero(source: Representation, target: Representation) -> Tensor:
    """A zero that carries a gradient (of zero) to both domains."""
    return 0 * (source.embedding.sum() + target.embedding.sum())


def mixed(weights: Tensor, share: float) -> Tensor:
    """1 + share·(w − 1): weights (n,) of mean 1 drawn towards equal ones; the mean stays 1."""
    return 1 + share * (weights - 1)


def effective_share(weights: Tensor) -> Tensor:
    """(Σw)² / (n·Σw²): as how large a share of the samples (n,) the weighted ones count; 1 when all are equal."""
    return weights.sum().square() / (len(weights) * weights.square().sum())
