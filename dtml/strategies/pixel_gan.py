"""Pixel-level translation with a GAN: source images are redrawn to look like the target's, and keep their labels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import gcd
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.errors import Problem
from dtml.language import Text, mark
from dtml.strategies import Batch, Objective, Phase, Scene, Strategy, moving, source_first, start_rate

SHOWN = 40
"""How many translated images are kept for looking at."""


class PixelGAN(Strategy):
    """Two phases: the source alone; then generator, discriminator and classifier together, as in PixelDA.

    The generator redraws a source image from the image and noise; the discriminator tells redrawn images from the
    target's; the classifier learns from source and redrawn images, so that the generator must keep the class.
    Both networks are far smaller than the paper's, so that it runs on a processor.
    """

    name = "pixel_gan"
    title = Text("Pixel-level translation (GAN)", "像素级转换（GAN）")
    summary = Text(
        "A generator redraws labelled source images until a discriminator takes them for the target's; the classifier "
        "learns from them. The redrawn images can be looked at.",
        "生成器重绘有标签的源域图像，直到判别器将其误认为目标域图像；分类器从中学习。可以查看重绘的图像。",
    )
    formula = (
        r"\min_{G, T}\max_D\ \alpha\bigl(\mathbb E\log D(x_t) + \mathbb E\log(1 - D(G(x_s, z)))\bigr) "
        r"+ \beta\,\mathrm{CE}(T(G(x_s, z)), y_s)"
    )
    paper = Paper(
        "Bousmalis, Silberman, Dohan, Erhan, Krishnan", 2017,
        "Unsupervised Pixel-Level Domain Adaptation with Generative Adversarial Networks",
        "https://arxiv.org/abs/1612.05424", "(1)-(4)",
    )  # fmt: skip
    adapts = True
    accepts = ("images",)
    counterfactual = {"name": "full_training"}

    class Params(BaseParams):
        """Weights and sizes."""

        share: float = param(0.7, "Share of the steps with the generator", "使用生成器的步数占比", gt=0, lt=1)
        alpha: float = param(0.3, "Weight α of the adversary", "对抗项权重 α", ge=0, le=100)
        beta: float = param(1.0, "Weight β of the classes of redrawn images", "重绘图像分类项权重 β", ge=0, le=100)
        width: int = param(24, "Channels of generator and discriminator", "生成器与判别器的通道数", ge=4, le=256)
        noise: int = param(8, "Dimensions of the noise", "噪声维数", ge=1, le=256)

    def phases(self, stages: Sequence[str], learned: bool) -> list[Phase]:
        p = self.params
        objective = partial(Translation, p.alpha, p.beta, p.width, p.noise)
        then = Phase(
            "translate", Text("Redrawing the source", "重绘源域"), moving(stages, start_rate(learned)), p.share,
            objective=objective,
        )  # fmt: skip
        return [source_first(stages, learned, 1 - p.share), then]


class Translation(Objective):
    """The generator's game against a discriminator of pixels, with the classifier on its side."""

    def __init__(self, alpha: float, beta: float, width: int, noise: int) -> None:
        super().__init__()
        self.alpha, self.beta, self.width, self.noise = alpha, beta, width, noise
        self._shown: tuple[Tensor, Tensor, Tensor] | None = None

    def begin(self, scene: Scene) -> None:
        channels, height, width = scene.shape
        if max(height, width) > 64 or height % 4 or width % 4:
            raise Problem(
                mark(
                    "The strategy 'pixel_gan' redraws images of up to 64×64 whose sides divide by 4, but got "
                    "{height}×{width}; choose another strategy."
                ),
                height=height,
                width=width,
            )
        self._model = [scene.model]  # not a part of this one: it is stepped by itself
        self.generator = Generator(channels, self.width, self.noise)
        self.discriminator = critic(scene.shape, self.width)

    def opposing(self) -> list[nn.Parameter]:
        return list(self.discriminator.parameters())

    def opponent(self, batch: Batch) -> Tensor:
        """The discriminator's cross-entropy on redrawn and real target images."""
        assert batch.inputs is not None
        assert batch.target is not None
        with batch.autocast():
            self._redrawn = self.generator(batch.inputs)
            scores = self.discriminator(torch.cat([self._redrawn.detach(), batch.target])).float().squeeze(1)
        truth = torch.arange(len(scores), device=scores.device) >= len(batch.inputs)
        return binary_cross_entropy_with_logits(scores, truth.float())

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        assert batch.labels is not None
        assert batch.inputs is not None
        assert batch.target is not None
        with batch.autocast():
            scores = self.discriminator(self._redrawn).float()
            seen = self._model[0](self._redrawn)
        self._shown = (batch.inputs.detach(), self._redrawn.detach(), batch.target.detach())
        return {
            "fooling": self.alpha * binary_cross_entropy_with_logits(scores, torch.ones_like(scores)),
            "redrawn_classes": self.beta * cross_entropy(seen.logits.float(), batch.labels),
        }

    def pictures(self) -> dict[str, NDArray[Any]]:
        if self._shown is None:
            return {}
        names = ("source", "translated", "target")
        return {name: as_images(images[:SHOWN]) for name, images in zip(names, self._shown, strict=True)}


class Generator(nn.Module):
    """Images (n, c, h, w) in [0, 1] → images of the same shape: two residual blocks on the image and noise planes."""

    def __init__(self, channels: int, width: int, noise: int) -> None:
        super().__init__()
        self.noise = noise
        self.begin = nn.Sequential(nn.Conv2d(channels + noise, width, 3, padding=1), nn.ReLU())
        self.blocks = nn.ModuleList([_block(width), _block(width)])
        self.end = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        """A redrawn image for each; the noise is drawn anew in every call."""
        noise = torch.randn(len(images), self.noise, 1, 1, device=images.device).expand(-1, -1, *images.shape[2:])
        values = self.begin(torch.cat([images, noise], 1))
        for block in self.blocks:
            values = values + block(values)
        return self.end(values).sigmoid()


def _block(width: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(width, width, 3, padding=1), nn.GroupNorm(gcd(4, width), width), nn.ReLU(),
        nn.Conv2d(width, width, 3, padding=1), nn.GroupNorm(gcd(4, width), width),
    )  # fmt: skip


def critic(shape: tuple[int, ...], width: int) -> nn.Module:
    """Images (n, c, h, w) of `shape` → scores (n, 1), positive for real ones."""
    channels, height, breadth = shape
    places = -(-height // 8) * -(-breadth // 8)
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, stride=2, padding=1), nn.LeakyReLU(0.2),
        nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
        nn.GroupNorm(gcd(4, 2 * width), 2 * width), nn.LeakyReLU(0.2),
        nn.Conv2d(2 * width, 2 * width, 3, stride=2, padding=1), nn.LeakyReLU(0.2),
        nn.Flatten(), nn.Linear(2 * width * places, 1),
    )  # fmt: skip


def as_images(values: Tensor) -> NDArray[Any]:
    """Values (n, c, h, w) in [0, 1] as uint8 images (n, h, w, c)."""
    images: NDArray[Any] = (values.float().clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    return images
