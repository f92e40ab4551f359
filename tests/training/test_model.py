"""Model, backbones, augmentation, schedule."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dtml import Experiment, catalogue
from dtml.augmentation import RECIPES, augment
from dtml.errors import Problem
from dtml.training.model import as_input, build
from dtml.training.optimisation import schedule

INPUTS = {
    "images": np.zeros((2, 32, 32, 1), np.uint8),
    "points": np.ones((2, 2), np.float32),
    "texts": np.array([b"a good book", b"a bad one"]),
}


@pytest.mark.parametrize("name", catalogue.names("backbone"))
def test_backbone_maps_its_inputs_to_finite_features(name: str) -> None:
    backbone = catalogue.create("backbone", name)
    for kind in backbone.accepts:
        try:
            inputs = as_input(torch.from_numpy(backbone.encode(INPUTS[kind])))
        except Problem as problem:
            pytest.skip(str(problem))
        network = backbone.build(tuple(inputs.shape[1:]), pretrained=False).eval()
        features = network(inputs)
        assert features.shape == (2, network.out_features)
        assert features.isfinite().all()
        assert len(network.stages) >= 2


def test_lenet_without_normalisation_treats_samples_alone() -> None:
    """What the default net does to a sample does not depend on its batch, so the twin cannot adapt by statistics."""
    model = build(Experiment(task="digits"), (28, 28, 1), 10).train()
    model.dropout.p = 0.0
    images = torch.rand(4, 1, 28, 28)
    assert torch.allclose(model(images).logits[:2], model(images[:2]).logits, atol=1e-6)


def test_batch_normalisation_mixes_samples() -> None:
    experiment = Experiment(task="digits", backbone={"name": "lenet", "normalisation": "batch"})
    model = build(experiment, (28, 28, 1), 10).train()
    model.dropout.p = 0.0
    images = torch.rand(4, 1, 28, 28)
    assert not torch.allclose(model(images).logits[:2], model(images[:2]).logits, atol=1e-4)


def test_dropout_is_felt_by_the_classifier_alone() -> None:
    """Losses on distances see the embedding without its noise."""
    model = build(Experiment(task="moons", embedding={"dim": 16, "dropout": 0.5}), (2,), 2).train()
    rows = torch.randn(5, 2)
    first, again = model(rows), model(rows)
    assert torch.equal(first.embedding, again.embedding)
    assert not torch.equal(first.logits, again.logits)


def test_images_become_floats_with_channels_first() -> None:
    raw = torch.randint(0, 256, (2, 5, 6, 3), dtype=torch.uint8)
    inputs = as_input(raw)
    assert inputs.shape == (2, 3, 5, 6)
    assert inputs[1, 2, 3, 4] == raw[1, 3, 4, 2] / 255


@pytest.mark.parametrize("activation", ["tanh", "relu", "normalise", "none"])
def test_embedding_activations(activation: str) -> None:
    experiment = Experiment(task="moons", embedding={"dim": 5, "activation": activation})
    embedding = build(experiment, (2,), 2)(torch.randn(9, 2)).embedding
    bounds = {"tanh": embedding.abs().max() <= 1, "relu": embedding.min() >= 0, "none": embedding.min() < 0}
    bounds["normalise"] = torch.allclose(embedding.norm(dim=1), torch.ones(9))
    assert bounds[activation]


@pytest.mark.parametrize("name", RECIPES)
def test_augmentation_moves_images_by_seed(name: str) -> None:
    images = torch.rand(3, 1, 28, 28)
    torch.manual_seed(0)
    first = augment(images, name)
    torch.manual_seed(0)
    assert torch.equal(first, augment(images, name))
    assert first.shape == images.shape
    assert not torch.equal(first, images)
    assert torch.equal(augment(images, "none"), images)


def test_schedules() -> None:
    assert schedule("inverse", 0) == 1
    assert schedule("inverse", 1) == pytest.approx(11**-0.75)
    assert schedule("cosine", 0.5) == pytest.approx(0.5)
    assert schedule("constant", 0.7) == 1
