"""A LeNet-class convolution net for images of 28×28 or 32×32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from torch import nn

from dtml.backbones import Backbone, Network, Prepare
from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.errors import Problem
from dtml.language import Text, mark


class LeNet(Backbone):
    """Two convolutions of 5×5 with pooling.

    No batch normalisation by default: in batches that mix the domains it adapts by itself, and hides what
    an alignment does.
    """

    name = "lenet"
    title = Text("LeNet (small images)", "LeNet（小图像）")
    summary = Text(
        "Two convolutions with pooling, for images of 28×28 or 32×32; trains in seconds on a processor.",
        "两层卷积加池化，适用于 28×28 或 32×32 的图像；在处理器上几秒即可训练。",
    )
    paper = Paper(
        "LeCun, Bottou, Bengio, Haffner",
        1998,
        "Gradient-Based Learning Applied to Document Recognition",
        "https://doi.org/10.1109/5.726791",
        "figure 2",
    )

    class Params(BaseParams):
        """Size and normalisation."""

        width: int = param(32, "Channels of the first convolution", "第一层卷积的通道数", ge=4, le=512)
        normalisation: Literal["none", "batch", "group"] = param(
            "none", "Normalisation (batch adapts by itself)", "归一化（batch 本身就会适应目标域）"
        )

    def build(self, shape: tuple[int, ...], pretrained: bool) -> Network:
        if min(shape[1:]) < 16:
            raise Problem(
                mark("The backbone 'lenet' needs images of at least 16×16, but got {height}×{width}; enlarge them."),
                height=shape[1],
                width=shape[2],
            )
        width = self.params.width
        stages = {
            "conv1": self._stage(shape[0], width),
            "conv2": self._stage(width, width * 3 // 2),
        }
        return Network(stages, shape, Prepare((0.5,) * shape[0], (0.5,) * shape[0]))

    def _stage(self, channels: int, width: int) -> nn.Module:
        norms: dict[str, Callable[[], nn.Module]] = {
            "none": nn.Identity,
            "batch": lambda: nn.BatchNorm2d(width),
            "group": lambda: nn.GroupNorm(4, width),
        }
        return nn.Sequential(
            nn.Conv2d(channels, width, 5), norms[self.params.normalisation](), nn.MaxPool2d(2), nn.ReLU()
        )
