"""Learned weights as files: where they are, how they get here, and how they are read without running anything."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dtml import paths
from dtml.errors import Problem
from dtml.fetch import Progress, fetch
from dtml.language import mark


@dataclass(frozen=True)
class Published:
    """A file of weights that can be downloaded.

    Attributes:
        url: where from.
        checksum: "sha256:" and the digest, or how it begins.
        folder: where it is kept, below the data folder.
        name: what it is called there.
    """

    url: str
    checksum: str
    folder: str
    name: str

    @classmethod
    def hashed(cls, url: str) -> Published:
        """One whose file name ends with a dash and how its digest begins, as torch's hub names its files."""
        name = url.rsplit("/", 1)[1]
        return cls(url, f"sha256:{Path(name).stem.rsplit('-', 1)[1]}", "weights", name)

    @property
    def path(self) -> Path | None:
        """Where it is; None where it is not here."""
        return paths.find_data(self.folder, self.name)

    def fetch(self, progress: Progress) -> None:
        """Download it; does nothing where it is here."""
        if self.path is None:
            fetch([self.url], paths.downloads() / self.folder / self.name, self.checksum, progress)


def weights_file(weights: Any, when: Mapping[str, str]) -> dict[str, Any]:
    """Weights of torchvision as plain data for `Backbone.published`."""
    size = round(weights.meta["_file_size"] * 2**20)  # told in MiB
    return {"when": dict(when), "path": f"weights/{weights.url.rsplit('/', 1)[1]}", "urls": [weights.url], "size": size}


def local(given: str) -> Path | None:
    """A local file of weights: a full path, or a path below a data folder; None where there is none."""
    path = paths.find_data(str(Path(given).expanduser()))
    return path if path is not None and path.is_file() else None


def not_here(name: str, params: Mapping[str, str]) -> Problem:
    """The sentence for weights of the backbone `name` that are to be downloaded first."""
    settings = "".join(f" --set {key}={value}" for key, value in params.items())
    model = params.get("model", name)
    here = sorted(path for folder in paths.data_folders() for path in (folder / "weights").glob(f"{model}[_-]*.*"))
    return Problem(
        mark(
            "The weights of '{name}' are not here; run `dtml get backbone {command}` to download them, or "
            "give a local file as 'weights', such as {example}."
        ),
        name=model,
        command=f"{name}{settings}",
        example=f"weights/{here[0].name}" if here else "weights/mine.safetensors",
    )


def no_file(given: str) -> Problem:
    """The sentence for a local file that there is not."""
    told = mark("There is no weights file '{path}'; give a full path, or a path below DTML_DATA.")
    return Problem(told, path=given)


def read(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name; it is never unpickled beyond tensors.

    Raises:
        Problem: for a file that holds something else, or is broken.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's, that a file which it then refuses looks unusual
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, pickle.UnpicklingError, SafetensorError) as error:
        reason = str(error).strip().splitlines()
        raise Problem(
            mark("'{path}' cannot be read as plain tensors ({reason}); give a state dict as .safetensors or .pth."),
            path=path,
            reason=reason[0] if reason else type(error).__name__,
        ) from None
    for key in ("state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise Problem(
            mark("'{path}' holds no state dict (tensors by name); save `model.state_dict()` and give that."), path=path
        )
    return content


def load(model: nn.Module, state: Mapping[str, Tensor], path: Path, name: str) -> None:
    """Give a model exactly the weights `state`, which were read from `path`.

    Raises:
        Problem: where they are another network's.
    """
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise unfit(path, name, error) from None


def unfit(path: Path, name: str, error: Exception) -> Problem:
    """The sentence for a file of another network, with the first line that says what does not fit."""
    lines = [line.strip() for line in str(error).splitlines()]
    return Problem(
        mark("'{path}' does not hold the weights of '{name}' ({reason}); give a file of that network."),
        path=path,
        name=name,
        reason="".join(lines[1:2] or lines)[:200],
    )
