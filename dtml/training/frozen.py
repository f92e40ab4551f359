"""What a backbone sees of samples before anything is trained: its frozen features, or the inputs as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from dtml import catalogue
from dtml.backbones import Network
from dtml.experiment import Embedding
from dtml.tasks import Domain
from dtml.training.batches import Samples
from dtml.training.data import Data, Report, as_features
from dtml.training.device import fast_type, pick_device, set_threads
from dtml.training.model import Model, as_input, model_shape

SIDE = 32
"""Pixels to which larger images are averaged where they are seen as they are."""
CHUNK = 256

Chosen = Mapping[str, tuple[Domain, NDArray[np.int64]]]


def frozen_features(name: str, params: Mapping[str, Any], chosen: Chosen, report: Report) -> dict[str, NDArray[Any]]:
    """Rows (n, f) of the chosen samples of domains, as the backbone `name` gives them with its learned weights.

    These are kept on disk, where runs on the same samples with the same frozen weights find them. A backbone without
    learned weights would give features at random: the rows are the inputs as they are, texts as the slots of their
    n-grams, images averaged to `SIDE` pixels a side at most.

    Raises:
        Problem: where the learned weights are not on disk.
    """
    set_threads()
    device = pick_device()
    backbone = catalogue.create("backbone", name, **params)
    samples = {
        key: Samples.of(domain, rows, device, sealed=True, encode=backbone.encode)
        for key, (domain, rows) in chosen.items()
    }
    shape = next(iter(samples.values())).take(np.array([0]))[0].shape[1:]
    network = backbone.build(model_shape(tuple(shape)), backbone.pretrained).to(device)
    if not backbone.pretrained:
        return {key: _as_they_are(network, each) for key, each in samples.items()}
    dtype = fast_type(device, "auto", len(shape) == 3)
    if dtype is not None:
        network.to(memory_format=torch.channels_last)
    data = as_features(Data(None, None, samples), Model(network, Embedding(), 2), dtype, report, keep=True)
    return {key: each.take(np.arange(len(each)))[0].cpu().numpy() for key, each in data.looks.items()}


@torch.inference_mode()
def _as_they_are(network: Network, samples: Samples) -> NDArray[np.float32]:
    """The inputs as the network's first stage would get them (n, f)."""
    return np.concatenate([_small(network.prepare(as_input(chunk))).cpu().numpy() for chunk in samples.chunks(CHUNK)])


def _small(values: Tensor) -> Tensor:
    """Rows (n, f) of inputs; images have at most `SIDE` pixels a side."""
    if values.ndim == 4:
        values = adaptive_avg_pool2d(values, (min(values.shape[2], SIDE), min(values.shape[3], SIDE)))
    return values.flatten(1)
