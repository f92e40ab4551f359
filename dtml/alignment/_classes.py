"""What class-wise alignments share: which class a row counts for, known or guessed."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from dtml.catalogue import param
from dtml.losses import full_precision
from dtml.representation import Representation


def confidence_param(default: float = 0.0) -> float:
    """The hyper-parameter of a loss on pseudo-labels."""
    return param(
        default,
        "Smallest probability of a pseudo-label that counts (0: all count)",
        "计入伪标签所需的最小概率（0：全部计入）",
        ge=0,
        lt=1,
    )


def known_labels(domain: Representation) -> Tensor:
    """Labels (n,), -1 where unknown."""
    if domain.labels is None:
        return torch.full((len(domain.embedding),), -1, device=domain.embedding.device)
    return domain.labels


def soft_memberships(domain: Representation) -> Tensor:
    """Memberships (n, c): 1 for the known label, otherwise the predicted probabilities, without a gradient."""
    probabilities = full_precision(domain.logits.detach()).softmax(1).to(full_precision(domain.embedding).dtype)
    labels = known_labels(domain)[:, None]
    certain = one_hot(labels.squeeze(1).clamp_min(0), probabilities.shape[1]).to(probabilities)
    return torch.where(labels >= 0, certain, probabilities)


def hard_memberships(domain: Representation, confidence: float = 0.0) -> Tensor:
    """Memberships (n, c): 1 for the known label, otherwise for the most probable class.

    Rows whose class is less probable than `confidence` count for none.
    """
    memberships = soft_memberships(domain)
    probability, best = memberships.max(1)
    return one_hot(best, memberships.shape[1]).to(memberships) * (probability >= confidence)[:, None]


def shared_classes(source: Tensor, target: Tensor) -> Tensor:
    """Mask (c,) of the classes that have members (n, c) and (m, c) in both domains."""
    return (source.sum(0) > 0) & (target.sum(0) > 0)
