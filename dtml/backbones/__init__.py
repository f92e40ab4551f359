"""Backbones: inputs → features. One file each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dtml.catalogue import Component
from dtml.errors import Problem
from dtml.fetch import Progress


class Network(nn.Module):
    """A backbone that is built: named stages in order, after a preparation of its inputs.

    Args:
        stages: the stages in order, by name; what fine-tuning freezes and trains.
        shape: the shape of one input, as the model gives it: (channels, height, width), (columns,) or (tokens,).
        prepare: what the inputs need before the first stage, such as a size and a normalisation.
    """

    def __init__(
        self, stages: Mapping[str, nn.Module], shape: tuple[int, ...], prepare: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.prepare = prepare or nn.Identity()
        self.stages = nn.ModuleDict(dict(stages))
        self.out_features = self._width(shape)

    def forward(self, inputs: Tensor) -> Tensor:
        """Features (n, f) of float inputs (n, *shape)."""
        return self.outputs(inputs)[-1].flatten(1)

    def outputs(self, inputs: Tensor) -> list[Tensor]:
        """What each stage gives for float inputs (n, *shape), in order."""
        values = self.prepare(inputs)
        given = []
        for stage in self.stages.values():
            values = stage(values)
            given.append(values)
        return given

    def _width(self, shape: tuple[int, ...]) -> int:
        was_training = self.training
        with torch.no_grad():
            width = self.eval()(torch.zeros(1, *shape)).shape[1]
        self.train(was_training)
        return int(width)


class Backbone(Component):
    """What turns inputs into features."""

    kind = "backbone"
    accepts: ClassVar[tuple[str, ...]] = ("images",)
    pretrained: ClassVar[bool] = False
    """Whether weights learned elsewhere can be loaded."""
    batch_norm: ClassVar[bool] = False
    """Whether it has batch normalisation, but for `without_batch_norm`; others may have it by a `normalisation`."""

    def encode(self, raw: NDArray[Any]) -> NDArray[Any]:
        """What the network reads of a domain's raw inputs, each sample by itself; images and rows are read as they are.

        Texts become int32 numbers of tokens (n, length), -1 where a text has no more.
        """
        return raw

    def reading(self) -> str:
        """How raw inputs become what the network reads, as a model's file tells it; "" where nothing is done."""
        return ""

    def build(self, shape: tuple[int, ...], pretrained: bool) -> Network:
        """The network for encoded inputs of `shape`; with learned weights where `pretrained` and there are any."""
        raise NotImplementedError

    def missing(self) -> Problem | None:
        """What learned weights are not on disk and how to get them; None where `build` can begin."""
        return None

    def fetch(self, progress: Progress) -> None:
        """Download the learned weights; does nothing where there are none or they are here."""

    @classmethod
    def published(cls) -> list[dict[str, Any]]:
        """The files of weights that `fetch` can download.

        Each is plain data: "when" (the parameters that want it), "path" below a data folder, "urls", "size" in bytes.
        """
        return []

    @classmethod
    def without_batch_norm(cls) -> list[str]:
        """The values of its parameter `model` that name a network without batch normalisation."""
        return []

    @classmethod
    def facts(cls) -> dict[str, Any]:
        return {
            "accepts": list(cls.accepts),
            "pretrained": cls.pretrained,
            "batch_norm": cls.batch_norm,
            "published": cls.published(),
            "without_batch_norm": cls.without_batch_norm(),
        }


class Prepare(nn.Module):
    """Grey to colour where asked, then (x − mean) / deviation per channel."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, mean: tuple[float, ...], deviation: tuple[float, ...]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(deviation).view(-1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        if images.shape[1] == 1 and len(self.mean) > 1:
            images = images.expand(-1, len(self.mean), -1, -1)
        return (images - self.mean) / self.deviation

    def extra_repr(self) -> str:
        return f"mean={self.mean.flatten().tolist()}, deviation={self.deviation.flatten().tolist()}"
