"""Any model as a backbone: it runs its own forward, and its stages are found in the tree of its modules."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from dtml.backbones import Network

ENOUGH = 4
"""Stages that are wanted at least: a part is opened while there are fewer."""
TOO_MUCH = 0.8
"""The share of all weights with which a part is opened in any case."""
Path = tuple[str, ...]
Piece = tuple[Path, nn.Module | nn.Parameter]


class Stage(nn.Module):
    """Parts of a model that are frozen and trained together, and parameters that stand beside them."""

    def __init__(self, members: Sequence[nn.Module], beside: Sequence[nn.Parameter]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.beside = nn.ParameterList(beside)


class Whole(Network):
    """A model that runs its own forward, so that whatever happens between its parts happens as its authors meant.

    The model is registered once, as `model`; `stages` only refers to its parts, and is in no state dict.

    Args:
        model: gives features (n, f) for prepared inputs; without a classifier.
        shape: the shape of one input, as the model gives it: (channels, height, width).
        prepare: what the inputs need before the model.
    """

    def __init__(self, model: nn.Module, shape: tuple[int, ...], prepare: nn.Module) -> None:
        nn.Module.__init__(self)
        self.prepare = prepare
        self.model = model
        self._refer(stages_of(model))
        with torch.no_grad():
            features, given = self.eval()._watched(torch.zeros(1, *shape))
        self._refer(joined(dict(self.stages.items()), given))
        self.out_features = features.shape[1]
        self.train()

    def _refer(self, stages: Mapping[str, nn.Module]) -> None:
        """Name the stages without registering their parts a second time."""
        object.__setattr__(self, "stages", nn.ModuleDict(dict(stages)))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Whole:
        """Move to a device or a type; where that makes new parameters, the stages refer to these."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._refer(joined(stages_of(self.model), set(self.stages)))
        return self

    def forward(self, inputs: Tensor) -> Tensor:
        return self.model(self.prepare(inputs)).flatten(1)

    def outputs(self, inputs: Tensor) -> list[Tensor]:
        """What each stage gives, channels first; the last one the features."""
        features, given = self._watched(inputs)
        return [*(given[name] for name in list(self.stages)[:-1]), features]

    def _watched(self, inputs: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The features, and what came out of the stages by name."""
        given: dict[str, Tensor] = {}
        hooks = [
            member.register_forward_hook(partial(_note, given, name))
            for name, stage in self.stages.items()
            for member in stage.get_submodule("members").children()
        ]
        try:
            return self(inputs), given
        finally:
            for hook in hooks:
                hook.remove()


def _note(given: dict[str, Tensor], name: str, _module: nn.Module, _inputs: Any, output: Any) -> None:
    """Keep what a stage gives; of several tensors the first."""
    while isinstance(output, list | tuple):
        output = output[0]
    given[name] = channels_first(output)


def channels_first(values: Tensor) -> Tensor:
    """Maps (n, h, h, c) as (n, c, h, h) and tokens (n, t, c) as (n, c, t), as convolutions give them."""
    if values.ndim == 4 and values.shape[1] == values.shape[2] != values.shape[3]:
        return values.permute(0, 3, 1, 2)
    return values.transpose(1, 2) if values.ndim == 3 else values


# -- stages


def stages_of(model: nn.Module) -> dict[str, Stage]:
    """The stages of a model by name, in order: every parameter is in exactly one.

    The largest part is opened until there are `ENOUGH` of them that hold weights, and none holds `TOO_MUCH`. What
    holds none (a normalisation, a pooling, a lone parameter such as a position embedding) belongs to the part before
    it, and what shares a parameter with an earlier part belongs to that.
    """
    pieces = _opened((), model)
    while largest := _too_large([piece for piece in pieces if _is_body(piece[1])]):
        at = pieces.index(largest)
        pieces[at : at + 1] = _opened(*largest)
    groups = _grouped(pieces)
    names = _names([next((path for path, part in group if _is_body(part)), group[0][0]) for group in groups])
    return {name: _stage([part for _path, part in group]) for name, group in zip(names, groups, strict=True)}


def _too_large(bodies: list[Piece]) -> Piece | None:
    """The part to open next."""
    able = [piece for piece in bodies if _branches(piece[1])]
    largest = max(able, key=lambda piece: _size(piece[1]), default=None)
    if largest is None:
        return None
    share = _size(largest[1]) / sum(_size(part) for _path, part in bodies)
    return largest if len(bodies) < ENOUGH or share > TOO_MUCH else None


def _grouped(pieces: list[Piece]) -> list[list[Piece]]:
    """The pieces of each stage."""
    groups: list[list[Piece]] = []
    for piece in pieces:
        if not groups or (_is_body(piece[1]) and any(_is_body(part) for _path, part in groups[-1])):
            groups.append([])
        groups[-1].append(piece)
    apart: list[list[Piece]] = []
    for group in groups:
        first, *more = [other for other in apart if _held(other) & _held(group)] or [[]]
        for other in more:
            first += other
            apart.remove(other)
        first += group
        if first[0] is group[0]:
            apart.append(first)
    return apart


def _held(group: list[Piece]) -> set[int]:
    """The parameters of a stage, by identity."""
    parts = [part for _path, part in group]
    direct = {id(part) for part in parts if isinstance(part, nn.Parameter)}
    return direct | {id(p) for part in parts if isinstance(part, nn.Module) for p in part.parameters()}


def joined(stages: Mapping[str, nn.Module], heard: Container[str]) -> dict[str, nn.Module]:
    """The stages of which something came out; one that never runs by itself belongs to the one before it."""
    groups: dict[str, list[nn.Module]] = {}
    waiting: list[nn.Module] = []
    for name, stage in stages.items():
        if name in heard:
            groups[name], waiting = [*waiting, stage], []
        elif groups:
            groups[next(reversed(groups))].append(stage)
        else:
            waiting.append(stage)
    return {
        name: Stage(
            [member for stage in group for member in stage.get_submodule("members").children()],
            [p for stage in group for p in stage.get_submodule("beside").parameters()],
        )
        for name, group in groups.items()
    }


def _stage(parts: list[nn.Module | nn.Parameter]) -> Stage:
    modules = [part for part in parts if isinstance(part, nn.Module)]
    return Stage(modules, [part for part in parts if isinstance(part, nn.Parameter)])


def _opened(path: Path, module: nn.Module | nn.Parameter) -> list[Piece]:
    """A module's own parameters and its children; a mere list of modules is opened at once, as it never runs itself."""
    assert isinstance(module, nn.Module)
    pieces: list[Piece] = [((*path, name), parameter) for name, parameter in module.named_parameters(recurse=False)]
    for name, child in module.named_children():
        listed = isinstance(child, nn.ModuleList | nn.ModuleDict)
        pieces += _opened((*path, name), child) if listed else [((*path, name), child)]
    return pieces


def _is_body(part: nn.Module | nn.Parameter) -> bool:
    """Whether it is a module with weights, such as a convolution's, and not scales and shifts alone."""
    return isinstance(part, nn.Module) and any(p.ndim > 1 for p in part.parameters())


def _branches(part: nn.Module | nn.Parameter) -> bool:
    """Whether it would come apart into several bodies."""
    assert isinstance(part, nn.Module)
    inside = [child for child in part.children() if _is_body(child)]
    return len(inside) > 1 or (len(inside) == 1 and _branches(inside[0]))


def _size(part: nn.Module | nn.Parameter) -> int:
    assert isinstance(part, nn.Module)
    return sum(p.numel() for p in part.parameters())


def _names(paths: list[Path]) -> list[str]:
    """A short name each: the last word of the path with the numbers behind it; in full where that is not unique."""
    short = [_short(path) for path in paths]
    return ["_".join(path) if short.count(name) > 1 else name for name, path in zip(short, paths, strict=True)]


def _short(path: Path) -> str:
    words = [number for number, word in enumerate(path) if not word.isdigit()]
    return "_".join(path[words[-1] :] if words else path)


def without_classifier(model: nn.Module, classes: int) -> str:
    """Replace the last layer that gives `classes` scores by the identity; returns its name.

    So is the dropout before it: a model has its own behind the embedding, where losses on distances do not see it.
    """
    name = [name for name, module in model.named_modules() if _scores(module) == classes][-1]
    model.set_submodule(name, nn.Identity())
    after = list[str]()
    for path, module in model.named_modules():
        if any(True for _ in module.parameters()):
            after.clear()
        elif isinstance(module, nn.Dropout):
            after.append(path)
    for path in after:
        model.set_submodule(path, nn.Identity())
    return name


def _scores(module: nn.Module) -> int | None:
    if isinstance(module, nn.Linear):
        return module.out_features
    return module.out_channels if isinstance(module, nn.Conv2d) else None
