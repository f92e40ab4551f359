"""What torchvision's ImageNet networks share: where their weights are, and how their inputs look."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from dtml import paths
from dtml.backbones import Backbone, Network, Prepare
from dtml.catalogue import Params as BaseParams
from dtml.catalogue import param
from dtml.errors import Problem
from dtml.fetch import fetch
from dtml.language import mark

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class ImageNetParams(BaseParams):
    """Which weights to start from."""

    weights: str = param(
        "imagenet",
        "Weights: 'imagenet', or a local file (.pth, .safetensors; below DTML_DATA or a full path)",
        "权重：'imagenet' 或本地文件（.pth、.safetensors；位于 DTML_DATA 下或完整路径）",
    )


class CentreCrop224(nn.Module):
    """The usual ImageNet view of a square image: resized to 256×256, its centre of 224×224."""

    def forward(self, images: Tensor) -> Tensor:
        if images.shape[-2:] != (256, 256):
            images = interpolate(images, size=(256, 256), mode="bilinear", antialias=True)
        return images[..., 16:240, 16:240]


class ImageNetBackbone(Backbone):
    """A torchvision classification network without its classifier."""

    pretrained = True
    architecture: ClassVar[str]
    """torchvision's name of the network."""
    Params = ImageNetParams  # type: ignore[assignment]

    def build(self, shape: tuple[int, ...], pretrained: bool) -> Network:
        from torchvision.models import get_model

        model = get_model(self.architecture, weights=None)
        if pretrained:
            model.load_state_dict(self._state())
        return Network(self.split(model), shape, nn.Sequential(CentreCrop224(), Prepare(MEAN, DEVIATION)))

    def split(self, model: Any) -> dict[str, nn.Module]:
        """The network's stages by name, in order, up to its features."""
        raise NotImplementedError

    def fetch(self, progress: Any) -> None:
        if not self._published().exists():
            weights = self._weights()
            digest = weights.url.rsplit("-", 1)[1].removesuffix(".pth")
            fetch([weights.url], self._published(), f"sha256:{digest}", progress)

    @classmethod
    def published(cls) -> list[dict[str, Any]]:
        from torchvision.models import get_model_weights

        weights = get_model_weights(cls.architecture).DEFAULT
        path = f"weights/{weights.url.rsplit('/', 1)[1]}"
        size = round(weights.meta["_file_size"] * 2**20)  # torchvision tells it in MiB
        return [{"when": {"weights": "imagenet"}, "path": path, "urls": [weights.url], "size": size}]

    def _state(self) -> dict[str, Tensor]:
        path = self._file()
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)

    def _file(self) -> Path:
        if self.params.weights == "imagenet":
            if not self._published().exists():
                raise Problem(
                    mark(
                        "The ImageNet weights of '{name}' are not here; run `dtml get backbone {name}` to download "
                        "them, or give a local file as 'weights'."
                    ),
                    name=self.name,
                )
            return self._published()
        path = paths.find_data(self.params.weights)
        if path is None:
            raise Problem(
                mark("There is no weights file '{path}'; give a full path, or a path below DTML_DATA."),
                path=self.params.weights,
            )
        return path

    def _published(self) -> Path:
        return paths.downloads() / "weights" / self._weights().url.rsplit("/", 1)[1]

    def _weights(self) -> Any:
        from torchvision.models import get_model_weights

        return get_model_weights(self.architecture).DEFAULT
