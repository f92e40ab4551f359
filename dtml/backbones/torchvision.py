"""Any classification network of torchvision by name, seen as its weights want it."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from torch import Tensor

from dtml import catalogue
from dtml.backbones import Backbone, Network
from dtml.backbones._stages import Whole, without_classifier
from dtml.backbones._views import View
from dtml.backbones._weights import Published, load, local, not_here, read, weights_file
from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.errors import Problem
from dtml.fetch import Progress
from dtml.language import Text, mark

CLASSES = 1000
SETTINGS: dict[str, dict[str, Any]] = {
    "googlenet": {"aux_logits": False, "init_weights": True, "transform_input": True},
    "inception_v3": {"aux_logits": False, "init_weights": True, "transform_input": True},
}
"""Without the auxiliary heads; inputs scaled as where the weights were learned."""
HEADS = ("aux1.", "aux2.", "AuxLogits.")
NO_BATCH_NORM = re.compile(r"alexnet|convnext|squeezenet|swin|vgg\d+$|vit")


class Torchvision(Backbone):
    """A torchvision network up to what its last layer would classify: its penultimate activations.

    Images are resized, cropped and normalised as the weights' own transforms do, also where a run starts at random.
    The stages are found in the network itself; `fine_tuning` names them where one is asked for that there is not.
    """

    name = "torchvision"
    title = Text("Any torchvision network", "任意 torchvision 网络")
    summary = Text(
        "VGG, Inception, ResNet, ConvNeXt, ViT, EfficientNet, MobileNet and more by name, with their ImageNet weights "
        "and the preprocessing that these want.",
        "按名称选择 VGG、Inception、ResNet、ConvNeXt、ViT、EfficientNet、MobileNet 等网络，"
        "使用其 ImageNet 权重及相应的预处理。",
    )
    paper = Paper(
        "Marcel, Rodriguez", 2010, "Torchvision the Machine-Vision Package of Torch",
        "https://doi.org/10.1145/1873951.1874254",
    )  # fmt: skip
    pretrained = True
    batch_norm = True

    class Params(BaseParams):
        """Which network, and which weights to start from."""

        model: str = param("resnet50", "Network, by torchvision's name", "网络（torchvision 中的名称）")
        weights: str = param(
            "default",
            "Weights: 'default', a name such as IMAGENET1K_V1, or a local file (.pth, .safetensors)",
            "权重：'default'、如 IMAGENET1K_V1 的名称，或本地文件（.pth、.safetensors）",
        )

    @classmethod
    def entry(cls) -> dict[str, Any]:
        entry = super().entry()
        entry["parameters"]["model"]["known"] = list(models())
        return entry

    @classmethod
    def published(cls) -> list[dict[str, Any]]:
        from torchvision.models import get_model_weights

        return [
            weights_file(get_model_weights(name).DEFAULT, {"model": name, "weights": "default"}) for name in models()
        ]

    @classmethod
    def without_batch_norm(cls) -> list[str]:
        return [name for name in models() if NO_BATCH_NORM.match(name)]

    def build(self, shape: tuple[int, ...], pretrained: bool) -> Network:
        from torchvision.models import get_model

        published, settings = self._published(), dict(SETTINGS.get(self.params.model, {}))
        if self.params.model.startswith("vit_"):
            settings["image_size"] = published.meta["min_size"][0]
        model = get_model(self.params.model, weights=None, **settings)
        classifier = without_classifier(model, CLASSES)
        if pretrained:
            self._load(model, (f"{classifier}.", *HEADS))
        return Whole(model, shape, view_of(published))

    def missing(self) -> Problem | None:
        published = self._published()
        if local(self.params.weights) or Published.hashed(published.url).path:
            return None
        default = {"weights": "default"}
        return not_here(self.name, {k: v for k, v in self.params.model_dump().items() if default.get(k) != v})

    def fetch(self, progress: Progress) -> None:
        published = self._published()
        if not local(self.params.weights):
            Published.hashed(published.url).fetch(progress)

    def _load(self, model: Any, without: tuple[str, ...]) -> None:
        """Give the network its weights; those of layers that it has no longer are left out."""
        problem = self.missing()
        if problem:
            raise problem
        path = local(self.params.weights) or Published.hashed(self._published().url).path
        assert path is not None, "missing() looked for it"
        state = renamed(read(path))
        kept = {key: value for key, value in state.items() if not key.startswith(without)}
        load(model, kept, path, self.params.model)

    def _published(self) -> Any:
        """The weights of torchvision that are wanted; for a local file those with its name, else the default ones.

        Raises:
            Problem: for a network that there is not, and for weights that are neither published nor a local file.
        """
        from torchvision.models import get_model_weights

        name, given = self.params.model, self.params.weights
        if name not in models():
            raise catalogue.unknown("model", name, models())
        published = get_model_weights(name)
        known = {each.name: each for each in published if each.meta.get("categories")}
        if given == "default" or given in known:
            return known.get(given, published.DEFAULT)
        path = local(given)
        if path is None:
            raise Problem(
                mark(
                    "There are no weights '{given}' of '{model}'; choose default, {known}, or give a local file (a "
                    "full path, or a path below DTML_DATA)."
                ),
                given=given,
                model=name,
                known=", ".join(known),
            )
        return next((each for each in known.values() if each.url.endswith(f"/{path.name}")), published.DEFAULT)


@cache
def models() -> tuple[str, ...]:
    """torchvision's names of all classification networks that have weights."""
    import torchvision

    return tuple(sorted(torchvision.models.list_models(module=torchvision.models)))


def view_of(published: Any) -> View:
    """What the transforms of published weights do to an image."""
    from torchvision.transforms import InterpolationMode

    seen = published.transforms()
    bicubic = seen.interpolation == InterpolationMode.BICUBIC
    return View(seen.resize_size[0], seen.crop_size[0], tuple(seen.mean), tuple(seen.std), bicubic)


def renamed(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """DenseNet's published files name layers as modules may be named no longer: "norm.1" is "norm1"."""
    return {re.sub(r"(denselayer\d+\.(?:norm|conv))\.(\d)\.", r"\1\2.", key): value for key, value in state.items()}
