"""The model: backbone → embedding head → classifier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import normalize

from dtml import catalogue
from dtml.backbones import Network
from dtml.experiment import Embedding, Experiment
from dtml.representation import Representation


class Model(nn.Module):
    """A backbone, an embedding head that gives the space to look at, and a linear classifier on it.

    Dropout stands between embedding and classifier: losses on distances must not see its noise, against which
    the only remedy of a metric loss is to shrink the embedding.
    """

    def __init__(self, network: Network, embedding: Embedding, classes: int, own_heads: bool = False) -> None:
        super().__init__()
        self.network = network
        self.head = Head(network.out_features, embedding)
        self.dropout = nn.Dropout(embedding.dropout)
        self.classifier = nn.Linear(embedding.dim, classes)
        self.target_classifier = nn.Linear(embedding.dim, classes) if own_heads else None

    def forward(self, inputs: Tensor, layers: bool = False) -> Representation:
        """Representation of float inputs (n, *shape), see `as_input`; with what the stages give where `layers`."""
        if not layers:
            return self.from_features(self.network(inputs))
        outputs = self.network.outputs(inputs)
        seen = self.from_features(outputs[-1].flatten(1))
        return replace(seen, layers=(*outputs, seen.embedding))

    def from_features(self, features: Tensor) -> Representation:
        """Representation of features (n, f) that were computed before."""
        embedding = self.head(features)
        return Representation(features, embedding, self.classifier(self.dropout(embedding)))

    def as_target(self, seen: Representation) -> Representation:
        """The representation of target samples: with the scores of their own classifier where there is one."""
        if self.target_classifier is None:
            return seen
        return replace(seen, logits=self.target_classifier(self.dropout(seen.embedding)))

    def part(self, name: str) -> nn.Module:
        """A part by the name that phases use: "stages.<name>", "head", "classifier", or "norms"."""
        if name == "norms":
            return nn.ModuleList(batch_norms(self.network))
        if name == "classifier" and self.target_classifier is not None:
            return nn.ModuleList([self.classifier, self.target_classifier])
        return self.get_submodule(f"network.{name}" if name.startswith("stages.") else name)

    def set_moving(self, parts: list[str]) -> None:
        """Let these parts learn; freeze all others, batch statistics and dropout included."""
        self.eval().requires_grad_(False)
        self.dropout.train("classifier" in parts)
        for name in parts:
            self.part(name).train().requires_grad_(True)


def batch_norms(network: nn.Module) -> list[nn.Module]:
    """The batch normalisations of a network, in order."""
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
    return [module for module in network.modules() if isinstance(module, kinds)]


class Head(nn.Module):
    """features → embedding: one linear layer and an activation."""

    def __init__(self, features: int, embedding: Embedding) -> None:
        super().__init__()
        self.linear = nn.Linear(features, embedding.dim)
        self.activation = embedding.activation

    def forward(self, features: Tensor) -> Tensor:
        values = self.linear(features)
        match self.activation:
            case "tanh":
                return values.tanh()
            case "relu":
                return values.relu()
            case "normalise":
                return normalize(values.float(), dim=1)
            case _:
                return values


def build(experiment: Experiment, shape: tuple[int, ...], classes: int, learned: bool = True) -> Model:
    """The experiment's model for encoded samples of `shape`, initialised from its seed.

    Args:
        learned: load the weights that the experiment starts from; not needed where trained ones follow.
    """
    torch.manual_seed(experiment.seed)
    backbone = catalogue.create("backbone", experiment.backbone.name, **experiment.backbone.params)
    network = backbone.build(model_shape(shape), learned and starts_learned(experiment))
    strategy: Any = catalogue.component("strategy", experiment.strategy.name)
    return Model(network, experiment.embedding, classes, strategy.own_heads)


def encoder(experiment: Experiment) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """What turns a domain's raw inputs into what the experiment's backbone reads."""
    encode: Callable[[NDArray[Any]], NDArray[Any]] = catalogue.create(
        "backbone", experiment.backbone.name, **experiment.backbone.params
    ).encode
    return encode


def starts_learned(experiment: Experiment) -> bool:
    """Whether the backbone starts from weights that were learned elsewhere."""
    kinds = (("strategy", experiment.strategy), ("backbone", experiment.backbone))
    random = experiment.strategy.params.get("start") == "random"
    return not random and all(catalogue.entry(kind, choice.name)["pretrained"] for kind, choice in kinds)


def model_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of one model input: images move their channels to the front."""
    return (shape[2], shape[0], shape[1]) if len(shape) == 3 else shape


def as_input(raw: Tensor) -> Tensor:
    """uint8 images (n, h, w, c) as floats in [0, 1] (n, c, h, w), channels-last in memory; all else unchanged."""
    return raw.permute(0, 3, 1, 2).float().div_(255) if raw.dtype == torch.uint8 else raw
