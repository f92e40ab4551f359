"""How images are seen: as the weights' own transforms do it, and nothing is learned from another view's features."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_image

from dtml import catalogue
from dtml.backbones._views import View
from dtml.backbones.torchvision import Torchvision, view_of


def photograph(side: int) -> Image.Image:
    image = Image.fromarray(load_sample_image("china.jpg"))
    return image.crop((0, 0, 400, 400)).resize((side, side), Image.Resampling.BICUBIC)


def tensor_of(image: Image.Image) -> torch.Tensor:
    """uint8 (1, 3, h, w)."""
    return torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1)[None]


@pytest.mark.parametrize("side", [256, 96])
@pytest.mark.parametrize(
    ("model", "weights"),
    [
        ("resnet18", "default"),
        ("resnet50", "IMAGENET1K_V2"),
        ("inception_v3", "default"),
        ("swin_t", "default"),
        ("efficientnet_v2_l", "default"),
        ("vit_b_16", "IMAGENET1K_SWAG_E2E_V1"),
    ],
)
def test_it_sees_what_torchvision_s_own_transforms_show(model: str, weights: str, side: int) -> None:
    """They round to whole bytes after the resizing and we do not: half a byte, over the smallest deviation."""
    published = Torchvision(model=model, weights=weights)._published()
    image = tensor_of(photograph(side))
    ours, theirs = view_of(published)(image.float() / 255), published.transforms()(image)
    assert ours.shape == theirs.shape
    assert (ours - theirs).abs().max() < 0.51 / 255 / 0.224


@pytest.mark.parametrize("model", ["resnet18.a1_in1k", "convnext_atto", "vit_tiny_patch16_224", "tinynet_e"])
def test_it_sees_what_timm_s_own_transforms_show(model: str) -> None:
    """Theirs resizes with Pillow, which rounds and clips after either direction: some bytes at a few sharp edges."""
    from timm.data import create_transform, resolve_data_config

    config = resolve_data_config({}, model=catalogue.create("backbone", "timm", model=model).build(SHAPE, False).model)
    image = photograph(256)
    theirs = create_transform(**config, is_training=False)(image)[None]
    ours = catalogue.create("backbone", "timm", model=model).build(SHAPE, False).prepare(tensor_of(image).float() / 255)
    assert ours.shape == theirs.shape
    assert (ours - theirs).abs().max() < 8 / 255 / min(config["std"])
    assert (ours - theirs).abs().mean() < 0.5 / 255 / min(config["std"])


SHAPE = (3, 32, 32)


def test_an_image_of_the_right_size_is_only_cropped_and_normalised() -> None:
    image = torch.arange(36.0).view(1, 1, 6, 6) / 36
    seen = View(6, 2, (0.5,), (0.25,))(image)
    assert torch.equal(seen, (image[..., 2:4, 2:4] - 0.5) / 0.25)


def test_the_shorter_side_is_resized_and_the_longer_follows() -> None:
    assert View(8, 4, (0.0,), (1.0,))(torch.rand(1, 1, 16, 32)).shape == (1, 1, 4, 4)
    flat = View(8, 8, (0.0,), (1.0,), bicubic=True)(torch.ones(1, 1, 5, 9))
    assert torch.allclose(flat, torch.ones(1, 1, 8, 8))


def test_cubic_polynomials_do_not_overshoot() -> None:
    edge = torch.cat([torch.zeros(1, 1, 8, 4), torch.ones(1, 1, 8, 4)], 3)
    seen = View(32, 32, (0.0,), (1.0,), bicubic=True)(edge)
    assert seen.min() == 0
    assert seen.max() == 1


def test_features_of_another_view_are_not_taken_from_the_cache() -> None:
    """Two networks with the same weights and another preprocessing are told apart by what they say of themselves."""
    a, b = (str(View(resize, 224, (0.5,), (0.5,))) for resize in (232, 256))
    assert a != b
    assert str(View(232, 224, (0.4,), (0.5,))) != a
