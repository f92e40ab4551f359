"""Augmentation on the device: one random affine map a sample, for both domains alike."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample


@dataclass(frozen=True)
class Recipe:
    """How far a sample may move: shift as a share of its side, rotation in degrees, scale, mirrored or not."""

    shift: float = 0.0
    rotation: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    mirrored: bool = False


RECIPES = {
    "shift": Recipe(shift=0.08),
    "affine": Recipe(shift=0.08, rotation=12.0, scale=(0.9, 1.1)),
    "crop": Recipe(shift=0.15, scale=(0.65, 1.0), mirrored=True),
}
VIEW = Recipe(shift=0.12, rotation=20.0, scale=(0.75, 1.2))
LOST = 0.15
"""The share of its tokens that a text loses in a view."""


def augment(images: Tensor, name: str) -> Tensor:
    """Images (n, c, h, w) moved by random maps of the recipe `name`; "none" returns them as they are."""
    return images if name == "none" or images.ndim != 4 else _moved(images, RECIPES[name])


def view(inputs: Tensor) -> Tensor:
    """Another look at inputs, as self-supervised training wants it: moved, and brighter or darker.

    Rows of numbers are jittered; texts lose tokens at random.
    """
    if not inputs.is_floating_point():
        return inputs.masked_fill(torch.rand(inputs.shape, device=inputs.device) < LOST, -1)
    if inputs.ndim != 4:
        return inputs + 0.1 * inputs.std(0) * torch.randn_like(inputs)
    contrast = torch.empty(len(inputs), 1, 1, 1).uniform_(0.5, 1.5).to(inputs.device)
    brightness = torch.empty(len(inputs), 1, 1, 1).uniform_(-0.2, 0.2).to(inputs.device)
    return (contrast * _moved(inputs, VIEW) + brightness).clamp(0, 1)


def _moved(images: Tensor, recipe: Recipe) -> Tensor:
    grid = affine_grid(_maps(len(images), recipe).to(images.device), list(images.shape), align_corners=False)
    return grid_sample(images, grid, padding_mode="border", align_corners=False)


def _maps(n: int, recipe: Recipe) -> Tensor:
    """n affine maps (n, 2, 3) from output to input coordinates in [-1, 1]."""
    turn = (torch.rand(n) * 2 - 1) * math.radians(recipe.rotation)
    size = torch.empty(n).uniform_(*recipe.scale)
    flip = torch.where(torch.rand(n) < 0.5, -1.0, 1.0) if recipe.mirrored else torch.ones(n)
    shift = (torch.rand(n, 2) * 2 - 1) * 2 * recipe.shift
    cos, sin = size * turn.cos(), size * turn.sin()
    rows = torch.stack([torch.stack([cos * flip, -sin], 1), torch.stack([sin * flip, cos], 1)], 1)
    return torch.cat([rows, shift[:, :, None]], 2)
