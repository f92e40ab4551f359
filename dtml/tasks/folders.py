"""Any two folders of class folders of images."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtml import paths
from dtml.catalogue import Params as BaseParams
from dtml.catalogue import param
from dtml.errors import Problem
from dtml.images import Decoded, decode
from dtml.inspection import Inspection
from dtml.language import Text, mark
from dtml.tasks import Domain, Progress, Split, Task, Transfer, stratified

Listed = Mapping[Split, frozenset[str]]
"""Official splits: the images of each by "class/file"."""
SHARES: dict[Split, float] = {"train": 0.6, "validation": 0.1, "test": 0.3}
RECOMMENDED = {
    "backbone": "squeezenet1_1",
    "strategy": "feature_extraction",
    "embedding": {"dim": 64, "activation": "tanh"},
    "training": {"steps": 500, "batch_size": 32, "optimiser": "adam", "learning_rate": 0.001},
}


class Folders(Task):
    """A source and a target folder (or zip archive, or folder in one), each with one folder of images for each class.

    Classes that only one side has are left out. The target's labels are optional: without class folders it is
    unlabelled. Images that are the same pixel by pixel are always in the same split.
    """

    name = "folders"
    title = Text("Two folders of images", "两个图像文件夹")
    summary = Text(
        "Your own images: a source and a target folder, or zip archives, with one folder for each class. The target's "
        "may be unsorted.",
        "您自己的图像：源与目标两个文件夹（或 zip 压缩包），每个类别一个子文件夹。目标域的图像可以不分类。",
    )
    needs = ("source", "target")
    own = True
    recommended = RECOMMENDED

    class Params(BaseParams):
        """Where the images are and how large they are made."""

        source: str = param("", "Source folder or zip archive", "源域文件夹或 zip 压缩包")
        target: str = param("", "Target folder or zip archive", "目标域文件夹或 zip 压缩包")
        size: int = param(256, "Side of the images", "图像边长", unit="px", ge=16, le=512)
        colour: bool = param(True, "Colour images", "彩色图像")
        title: str = param("", "What the task is called", "任务名称")
        leave_out: bool = param(False, "Leave out what cannot be read", "忽略无法读取的文件")

    def load(self, seed: int, progress: Progress | None = None) -> Transfer:
        return load_folders(
            *self._places(), self.params.size, self.params.colour, seed, progress, self.params.leave_out
        )

    def inspect(self, progress: Progress | None = None) -> Inspection:
        from dtml.tasks._folders_look import inspected

        return inspected(*self._places(), self.params.size, self.params.colour, progress)

    def _places(self) -> tuple[Path, Path]:
        return _located("source", self.params.source), _located("target", self.params.target)


def _located(side: str, given: str) -> Path:
    if not given:
        raise Problem(
            mark("The task 'folders' needs the path '{side}'; give a folder of class folders of images."), side=side
        )
    path = Path(given).expanduser()
    return paths.find_data(str(path)) or path


def load_folders(
    source: Path,
    target: Path,
    side: int,
    colour: bool,
    seed: int,
    progress: Progress | None,
    skip: bool = False,
    listed: tuple[Listed, Listed] | None = None,
) -> Transfer:
    """Two folders or archives as a transfer over the classes that both have, or the source's where the target has none.

    Args:
        listed: the official training and test images of both, where there are any; a tenth of the first validates.

    Raises:
        Problem: for what `decode` refuses, a domain against itself, fewer than two common classes, and too few
            images to split.
    """
    refuse_itself(source, target)
    a = decode(source, side, colour, progress, skip=skip)
    b = decode(target, side, colour, progress, known=a.classes, skip=skip)
    common = common_classes(source, target, a, b)
    left_out = sorted((set(a.classes) | set(b.classes)) - set(common))
    lists = listed or (None, None)
    first, second = (
        _domain(path, decoded, common, seed, official)
        for path, decoded, official in zip((source, target), (a, b), lists, strict=True)
    )
    remarks = [*outside(a, source), *_unread(a, b), *_left_out(left_out)]
    remarks += _duplicates(a, b, [first, second], listed is not None)
    return Transfer(first, second, remarks + [each for d in (first, second) if listed for each in _unlisted(d)])


def refuse_itself(source: Path, target: Path) -> None:
    """Refuse a domain against itself."""
    if source.resolve() == target.resolve():
        if source.is_file():
            told = mark("Source and target are both '{path}'; name a folder in it for each, such as '{path}/source'.")
            raise Problem(told, path=source)
        raise Problem(mark("Source and target are both '{domain}'; choose two different domains."), domain=source.stem)


def common_classes(source: Path, target: Path, a: Decoded, b: Decoded) -> tuple[str, ...]:
    """The classes that are learned: those that both have; the source's where the target is unlabelled.

    Raises:
        Problem: where there are fewer than two.
    """
    common = tuple(sorted(set(a.classes) & set(b.classes))) if b.classes else a.classes
    if not common:
        raise Problem(
            mark("'{source}' ({a} …) and '{target}' ({b} …) have no class in common; name their folders alike."),
            source=source,
            target=target,
            a=", ".join(a.classes[:4]),
            b=", ".join(b.classes[:4]),
        )
    if len(common) < 2 and b.classes:
        raise Problem(
            mark("'{source}' and '{target}' have only the class '{name}' in common; give at least two."),
            source=source,
            target=target,
            name=common[0],
        )
    if len(common) < 2:
        raise Problem(mark("'{path}' has only the class '{name}'; give at least two."), path=source, name=common[0])
    return common


def _domain(path: Path, decoded: Decoded, classes: tuple[str, ...], seed: int, listed: Listed | None) -> Domain:
    """The images of these classes and those without a label.

    Others, what cannot be read, and what is in no official list, are in no split.
    """
    new = {decoded.classes.index(name): number for number, name in enumerate(classes) if name in decoded.classes}
    labels = np.array([new.get(int(label), -1) for label in decoded.labels], dtype=np.int64)
    used = np.flatnonzero(decoded.readable & ((labels >= 0) | (decoded.labels < 0)))
    if listed is None:
        parts = split_alike(labels[used], decoded.digests[used], seed)
    else:
        parts = split_listed(labels[used], decoded.names[used], listed, seed)
    if not all(len(part) for part in parts.values()):
        told = mark("'{path}' has too few images ({count}) to train, validate and test; give at least three a class.")
        raise Problem(told, path=path, count=len(used))
    return Domain(
        name=path.stem,
        inputs=decoded.images,
        labels=labels,
        classes=classes,
        splits={name: used[part] for name, part in parts.items()},
        ids=decoded.names,
    )


def split_alike(labels: NDArray[np.int64], digests: NDArray[Any], seed: int) -> dict[Split, NDArray[np.int64]]:
    """Stratified splits in which equal digests are never apart; one at least validates where two could train."""
    _digests, first, group = np.unique(digests, return_index=True, return_inverse=True)
    parts = stratified(labels[first], SHARES, seed)
    if len(parts["train"]) > 1 and not len(parts["validation"]):
        moved = np.random.default_rng(seed).integers(len(parts["train"]))
        parts["validation"] = parts["train"][[moved]]
        parts["train"] = np.delete(parts["train"], moved)
    return {name: np.flatnonzero(np.isin(group, members)) for name, members in parts.items()}


def split_listed(
    labels: NDArray[np.int64], names: NDArray[np.str_], listed: Listed, seed: int
) -> dict[Split, NDArray[np.int64]]:
    """The official splits, a tenth of the training images held back to validate, stratified and by seed."""
    members = {split: np.flatnonzero([name in named for name in names]) for split, named in listed.items()}
    shares: dict[Split, float] = {"train": 0.9, "validation": 0.1}
    parts = stratified(labels[members["train"]], shares, seed)
    return {split: members["train"][part] for split, part in parts.items()} | {"test": members["test"]}


def _unlisted(domain: Domain) -> list[Problem]:
    """A remark where images of a domain are in none of its official lists."""
    count = int((domain.labels >= 0).sum()) - sum(len(part) for part in domain.splits.values())
    told = mark("{count} images of {domain} are in none of its official lists, so they are left out.")
    return [Problem(told, count=count, domain=domain.name)] if count else []


def outside(source: Decoded, path: Path) -> list[Problem]:
    """What lies beside the class folders."""
    if not source.outside:
        return []
    told = mark("{count} images in '{path}' lie in no class folder, so they are left out.")
    return [Problem(told, count=source.outside, path=path.name)]


def _unread(a: Decoded, b: Decoded) -> list[Problem]:
    names = [*a.problems, *b.problems]
    if not names:
        return []
    told = mark("{count} files cannot be read, so they are left out: {names}.")
    return [Problem(told, count=len(names), names=", ".join(names[:5]) + (" …" if len(names) > 5 else ""))]


def _left_out(classes: list[str]) -> list[Problem]:
    if not classes:
        return []
    told = mark("Only one of the two domains has these classes, so they are left out: {classes}.")
    return [Problem(told, classes=", ".join(classes))]


def _duplicates(a: Decoded, b: Decoded, domains: list[Domain], official: bool) -> list[Problem]:
    """What is there twice: within a domain (kept in one split, unless that is `official`), or across to the target's
    test images."""
    found = []
    for domain, decoded in zip(domains, (a, b), strict=True):
        used = decoded.digests[np.concatenate(list(domain.splits.values()))]
        twice = len(used) - len(np.unique(used))
        if twice:
            told = mark("{domain} has {count} images twice; both are always in the same split.")
            if official:
                told = mark("{domain} has {count} images twice; its official splits are kept as they are.")
            found.append(Problem(told, domain=domain.name, count=twice))
    trained = a.digests[domains[0].splits["train"]]
    leaked = int(np.isin(b.digests[domains[1].splits["test"]], trained).sum())
    if leaked:
        told = mark("{count} test images of the target are also training images of the source: a leak.")
        found.append(Problem(told, count=leaked))
    return found
