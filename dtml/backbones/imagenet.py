"""What torchvision's ImageNet networks with stages of their own share: where their weights are, how inputs look."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import nn

from dtml.backbones import Backbone, Network
from dtml.backbones._views import View
from dtml.backbones._weights import Published, load, local, no_file, not_here, read, weights_file
from dtml.catalogue import Params as BaseParams
from dtml.catalogue import param
from dtml.errors import Problem
from dtml.fetch import Progress

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class ImageNetParams(BaseParams):
    """Which weights to start from."""

    weights: str = param(
        "imagenet",
        "Weights: 'imagenet', or a local file (.pth, .safetensors; below DTML_DATA or a full path)",
        "权重：'imagenet' 或本地文件（.pth、.safetensors；位于 DTML_DATA 下或完整路径）",
    )


class ImageNetBackbone(Backbone):
    """A torchvision classification network without its classifier.

    Every image is seen as the centre of 224×224 of 256×256, whichever weights are loaded; the component
    `torchvision` sees it as its weights' own transforms do.
    """

    pretrained = True
    architecture: ClassVar[str]
    """torchvision's name of the network."""
    Params = ImageNetParams  # type: ignore[assignment]

    def build(self, shape: tuple[int, ...], pretrained: bool) -> Network:
        from torchvision.models import get_model

        model = get_model(self.architecture, weights=None)
        if pretrained:
            problem = self.missing()
            if problem:
                raise problem
            path = local(self.params.weights) or self._published().path
            assert path is not None, "missing() looked for it"
            load(model, read(path), path, self.name)
        return Network(self.split(model), shape, View(256, 224, MEAN, DEVIATION))

    def split(self, model: Any) -> dict[str, nn.Module]:
        """The network's stages by name, in order, up to its features."""
        raise NotImplementedError

    @classmethod
    def published(cls) -> list[dict[str, Any]]:
        from torchvision.models import get_model_weights

        return [weights_file(get_model_weights(cls.architecture).DEFAULT, {"weights": "imagenet"})]

    def missing(self) -> Problem | None:
        if self.params.weights == "imagenet":
            return not_here(self.name, {}) if self._published().path is None else None
        return no_file(self.params.weights) if local(self.params.weights) is None else None

    def fetch(self, progress: Progress) -> None:
        if self.params.weights == "imagenet":
            self._published().fetch(progress)

    def _published(self) -> Published:
        from torchvision.models import get_model_weights

        return Published.hashed(get_model_weights(self.architecture).DEFAULT.url)
