"""SqueezeNet 1.1: a small ImageNet network (1.2 million weights)."""

from __future__ import annotations

from typing import Any

from torch import nn

from dtml.backbones.imagenet import ImageNetBackbone
from dtml.catalogue import Paper
from dtml.language import Text


class SqueezeNet(ImageNetBackbone):
    """Fire modules; the features are the averages of the last one's 512 channels."""

    name = architecture = "squeezenet1_1"
    title = Text("SqueezeNet 1.1", "SqueezeNet 1.1")
    summary = Text(
        "A small ImageNet network of 1.2 million weights; quick without a GPU.",
        "仅 120 万参数的小型 ImageNet 网络；没有 GPU 也很快。",
    )
    paper = Paper(
        "Iandola, Han, Moskewicz, Ashraf, Dally, Keutzer",
        2016,
        "SqueezeNet: AlexNet-level Accuracy with 50x Fewer Parameters",
        "https://arxiv.org/abs/1602.07360",
        "table 1",
    )

    def split(self, model: Any) -> dict[str, nn.Module]:
        layers = list(model.features)
        return {
            "stem": nn.Sequential(*layers[:3]),
            "fire1": nn.Sequential(*layers[3:6]),
            "fire2": nn.Sequential(*layers[6:9]),
            "fire3": nn.Sequential(*layers[9:11]),
            "fire4": nn.Sequential(*layers[11:], nn.AdaptiveAvgPool2d(1)),
        }
