"""How an ImageNet network wants to see an image: resized, its centre, normalised."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import interpolate

from dtml.backbones import Prepare


class View(nn.Module):
    """Images (n, c, h, w) in [0, 1] → (n, 3, crop, crop), as torchvision's and timm's evaluation transforms do.

    Args:
        resize: the length that the shorter side gets first.
        crop: the side of the centre that is kept.
        mean, deviation: of each channel.
        bicubic: interpolate with cubic polynomials, else linearly; both with antialiasing.
    """

    def __init__(
        self, resize: int, crop: int, mean: tuple[float, ...], deviation: tuple[float, ...], bicubic: bool = False
    ) -> None:
        super().__init__()
        self.resize, self.crop, self.bicubic = resize, crop, bicubic
        self.normalise = Prepare(mean, deviation)

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        shorter = min(height, width)
        if shorter != self.resize:
            size = (self.resize * height // shorter, self.resize * width // shorter)
            images = interpolate(images, size=size, mode="bicubic" if self.bicubic else "bilinear", antialias=True)
            images = images.clamp(0, 1) if self.bicubic else images
        top, left = (round((side - self.crop) / 2) for side in images.shape[-2:])
        return self.normalise(images[..., top : top + self.crop, left : left + self.crop])

    def extra_repr(self) -> str:
        return f"resize={self.resize}, crop={self.crop}, bicubic={self.bicubic}"
