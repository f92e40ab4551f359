"""ResNet-18 and ResNet-50: the networks that most published results use."""

from __future__ import annotations

from typing import Any

from torch import nn

from dtml.backbones.imagenet import ImageNetBackbone
from dtml.catalogue import Paper
from dtml.language import Text

_PAPER = Paper(
    "He, Zhang, Ren, Sun",
    2016,
    "Deep Residual Learning for Image Recognition",
    "https://arxiv.org/abs/1512.03385",
    "table 1",
)


class _ResNet(ImageNetBackbone):
    """Residual stages; the features are the averages of the last one's channels."""

    paper = _PAPER
    batch_norm = True

    def split(self, model: Any) -> dict[str, nn.Module]:
        return {
            "stem": nn.Sequential(model.conv1, model.bn1, model.relu, model.maxpool),
            "layer1": model.layer1,
            "layer2": model.layer2,
            "layer3": model.layer3,
            "layer4": nn.Sequential(model.layer4, model.avgpool),
        }


class ResNet18(_ResNet):
    """18 layers, 512 features."""

    name = architecture = "resnet18"
    title = Text("ResNet-18", "ResNet-18")
    summary = Text("11 million weights, 512 features; a GPU helps.", "1100 万参数，512 维特征；建议使用 GPU。")


class ResNet50(_ResNet):
    """50 layers, 2048 features."""

    name = architecture = "resnet50"
    title = Text("ResNet-50", "ResNet-50")
    summary = Text(
        "23 million weights, 2048 features; the network of most published tables; wants a GPU.",
        "2300 万参数，2048 维特征；多数已发表结果使用的网络；需要 GPU。",
    )
