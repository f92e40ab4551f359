"""A multi-layer perceptron for points and tables."""

from __future__ import annotations

from typing import Literal

from torch import nn

from dtml.backbones import Backbone, Network
from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text

_ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU}


class MLP(Backbone):
    """Fully connected layers, one stage each; with tanh it is the network of DTML."""

    name = "mlp"
    title = Text("Multi-layer perceptron", "多层感知机")
    summary = Text("Fully connected layers for points and tables.", "用于点与表格数据的全连接网络。")
    formula = r"h^{(m)} = \varphi\!\left(W^{(m)} h^{(m-1)} + b^{(m)}\right)"
    paper = Paper(
        "Hu, Lu, Tan", 2015, "Deep Transfer Metric Learning", "https://doi.org/10.1109/CVPR.2015.7298629", "(1)"
    )
    accepts = ("points",)

    class Params(BaseParams):
        """Size and activation."""

        width: int = param(128, "Units a layer", "每层单元数", ge=1, le=8192)
        depth: int = param(2, "Layers", "层数", ge=1, le=16)
        activation: Literal["relu", "tanh"] = param("relu", "Activation", "激活函数")

    def build(self, shape: tuple[int, ...], pretrained: bool) -> Network:
        widths = [shape[0], *[self.params.width] * self.params.depth]
        stages = {
            f"layer{i + 1}": nn.Sequential(nn.Linear(a, b), _ACTIVATIONS[self.params.activation]())
            for i, (a, b) in enumerate(zip(widths, widths[1:], strict=False))
        }
        return Network(stages, shape)
