"""Looking at samples without learning from them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dtml.training.batches import Samples
from dtml.training.device import autocast
from dtml.training.model import Model, as_input

CHUNK = 512
NEIGHBOURS = 5
"""Neighbours that vote where target samples are classified by source samples."""
Report = Callable[[float], None]


@torch.inference_mode()
def features_of(model: Model, samples: Samples, dtype: torch.dtype | None, report: Report) -> Tensor:
    """The backbone's features (n, f) of all samples, in evaluation mode; `report(share)` is told how far it is."""
    model.eval()
    parts, done = [], 0
    for chunk in samples.chunks(_chunk(samples)):
        with autocast(samples.device, dtype):
            parts.append(model.network(as_input(chunk)).float())
        done += len(chunk)
        report(done / len(samples))
    return torch.cat(parts)


@torch.inference_mode()
def look(
    model: Model, samples: Samples, dtype: torch.dtype | None, features: bool, target: bool = False
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Embeddings (n, d) and class probabilities (n, c) of all samples, in evaluation mode.

    Args:
        features: whether the samples are features that were computed before.
        target: whether they are the target's, which may have a classifier of its own.
    """
    was = [(module, module.training) for module in model.modules()]
    model.eval()
    embeddings, probabilities = [], []
    for chunk in samples.chunks(_chunk(samples)):
        with autocast(samples.device, dtype):
            seen = model.from_features(chunk) if features else model(as_input(chunk))
            seen = model.as_target(seen) if target else seen
        embeddings.append(seen.embedding.float())
        probabilities.append(seen.logits.float().softmax(1))
    for module, training in was:
        module.training = training
    return torch.cat(embeddings).cpu().numpy(), torch.cat(probabilities).cpu().numpy()


def accuracy(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> float | None:
    """The share of samples with a known label whose most probable class is that label; None without any."""
    known = labels >= 0
    if not known.any():
        return None
    return float((probabilities[known].argmax(1) == labels[known]).mean())


def sample_transfer(
    reference: NDArray[np.float32], labels: NDArray[np.int64], target: NDArray[np.float32], truth: NDArray[np.int64]
) -> dict[str, float | None]:
    """Accuracies of classifying target embeddings (m, d) by those of labelled source samples (n, d).

    By the nearest neighbours and by the nearest class mean: how a learned metric transfers samples.
    """
    from dtml.measures.knn import nearest_neighbour_predictions
    from dtml.measures.prototypes import prototype_predictions

    known = truth >= 0
    if not known.any():
        return {"target_knn_accuracy": None, "target_prototype_accuracy": None}
    by_neighbours = nearest_neighbour_predictions(reference, labels, target[known], NEIGHBOURS)
    by_prototypes = prototype_predictions(reference, labels, target[known])
    return {
        "target_knn_accuracy": float((by_neighbours == truth[known]).mean()),
        "target_prototype_accuracy": float((by_prototypes == truth[known]).mean()),
    }


def _chunk(samples: Samples) -> int:
    """Samples at a time: many small ones, few large images."""
    return CHUNK if samples.values_each <= 32 * 32 * 3 else 64
