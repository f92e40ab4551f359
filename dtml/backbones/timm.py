"""Any network of timm by name: the extra `timm`."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dtml import catalogue
from dtml.backbones import Backbone, Network
from dtml.backbones._stages import Whole
from dtml.backbones._views import View
from dtml.backbones._weights import Published, local, no_file, not_here, read, unfit
from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.errors import Problem
from dtml.fetch import Progress
from dtml.language import Text, mark

FOLDER = "weights/timm"


class Timm(Backbone):
    """A timm network up to its pooled features, without its classifier.

    Images are resized, cropped and normalised as timm's configuration of the weights says. Whether a network has
    batch normalisation is known only once it is built.
    """

    name = "timm"
    title = Text("Any timm network", "任意 timm 网络")
    summary = Text(
        "More than a thousand networks of PyTorch Image Models by name; needs the extra `timm`.",
        "按名称选择 PyTorch Image Models 的一千多个网络；需要附加依赖 `timm`。",
    )
    paper = Paper("Wightman", 2019, "PyTorch Image Models", "https://doi.org/10.5281/zenodo.4414861")
    pretrained = True
    batch_norm = True

    class Params(BaseParams):
        """Which network, and which weights to start from."""

        model: str = param(
            "vit_small_patch16_224",
            "Network, by timm's name; after a dot which weights, such as resnet18.a1_in1k",
            "网络（timm 中的名称）；点号后可指定权重，如 resnet18.a1_in1k",
        )
        weights: str = param(
            "default",
            "Weights: 'default', or a local file (.pth, .safetensors; below DTML_DATA or a full path)",
            "权重：'default' 或本地文件（.pth、.safetensors；位于 DTML_DATA 下或完整路径）",
        )

    def build(self, shape: tuple[int, ...], pretrained: bool) -> Network:
        self._config()
        from timm import create_model
        from timm.data.config import resolve_model_data_config

        path = self._path() if pretrained else None
        overlay = {"state_dict": read(path)} if path else None
        try:
            model: Any = create_model(self.params.model, pretrained=path is not None, pretrained_cfg_overlay=overlay)
        except (RuntimeError, KeyError, ValueError) as error:
            if path is None:
                raise
            raise unfit(path, self.params.model, error) from None
        model.reset_classifier(0)
        config: Any = resolve_model_data_config  # its parameters have no types
        return Whole(model, shape, view_of(config(model)))

    def missing(self) -> Problem | None:
        config = self._config()
        if self.params.weights != "default":
            return no_file(self.params.weights) if local(self.params.weights) is None else None
        if not config.hf_hub_id:
            return Problem(
                mark("timm publishes no weights of '{model}' as plain tensors; give a local file as 'weights'."),
                model=self.params.model,
            )
        if _kept(config).path is None:
            return not_here(self.name, {"model": self.params.model})
        return None

    def fetch(self, progress: Progress) -> None:
        problem = self.missing()
        config = self._config()
        if problem and (self.params.weights != "default" or not config.hf_hub_id):
            raise problem
        if problem:
            _kept(config, ask=True).fetch(progress)

    def _path(self) -> Path:
        problem = self.missing()
        if problem:
            raise problem
        path = local(self.params.weights) if self.params.weights != "default" else _kept(self._config()).path
        assert path is not None, "missing() looked for it"
        return path

    def _config(self) -> Any:
        """timm's description of the network and its weights.

        Raises:
            Problem: where the extra is missing, and for a network that there is not.
        """
        if find_spec("timm") is None:
            raise Problem(mark("The backbone 'timm' needs the package timm; install dtml with its extra `timm`."))
        import timm

        name = self.params.model
        known = [*timm.list_models(), *timm.list_pretrained()]
        if name not in known:
            raise catalogue.unknown("model", name, known)
        return timm.get_pretrained_cfg(name)


def _kept(config: Any, ask: bool = False) -> Published:
    """The published file of a configuration; where from and its digest only where `ask` the server."""
    repository, _at, revision = config.hf_hub_id.partition("@")
    file = config.hf_hub_filename or "model.safetensors"
    url, checksum = _asked(repository, file, revision or None) if ask else ("", "")
    return Published(url, checksum, FOLDER, f"{repository.rsplit('/', 1)[1]}{Path(file).suffix}")


def _asked(repository: str, file: str, revision: str | None) -> tuple[str, str]:
    """Where a file is, and its digest as the server tells it.

    Raises:
        Problem: where the server cannot be reached, or knows no digest.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    url = hf_hub_url(repository, file, revision=revision)
    try:
        digest = get_hf_file_metadata(url).etag or ""
    except Exception as error:  # noqa: BLE001  # its client's own errors have no common class
        raise Problem(
            mark("The server of the weights did not answer ({reason}); try again later, or give a local file."),
            reason=str(error).splitlines()[0] if str(error) else type(error).__name__,
        ) from None
    if not re.fullmatch("[0-9a-f]{64}", digest):
        raise Problem(
            mark("The server tells no SHA-256 of '{file}', so a download could not be verified; give a local file."),
            file=url,
        )
    return url, f"sha256:{digest}"


def view_of(config: dict[str, Any]) -> View:
    """What timm's evaluation transform with this configuration does to an image."""
    side = config["input_size"][-1]
    resize = int(side / config["crop_pct"])
    return View(resize, side, tuple(config["mean"]), tuple(config["std"]), config["interpolation"] == "bicubic")
