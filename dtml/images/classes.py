"""Which image belongs to which class: folders name classes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from dtml.errors import Problem
from dtml.images.pixels import SUFFIXES
from dtml.language import mark


@dataclass(frozen=True, order=True)
class Member:
    """One image: its class ("" where unknown), "class/file" with the folders between, and its name in the files."""

    label: str
    identity: str
    name: str


def by_class(path: Path, names: list[str]) -> tuple[list[Member], int]:
    """Every image with its class, and how many lie in no class folder; a folder around all of these is looked through.

    Raises:
        Problem: where there are no images, no class folders, or class folders without images.
    """
    around, split = _unwrapped(path, names)
    members = [Member(parts[0], "/".join(parts), name) for parts, name in split if len(parts) > 1]
    if not members:
        raise Problem(
            mark("'{path}' has {count} images but no class folders; sort them into one folder for each class."),
            path=path,
            count=len(split),
        )
    empty = _folders(names, around) - {member.label for member in members}
    if empty:
        raise Problem(
            mark("The class folder '{name}' in '{path}' holds no images ({suffixes}); add some, or remove it."),
            name=min(empty),
            path=path,
            suffixes=", ".join(SUFFIXES),
        )
    return sorted(members), len(split) - len(members)


def by_known_class(path: Path, names: list[str], known: tuple[str, ...]) -> tuple[list[Member], int]:
    """Every image of a target whose labels are optional: those in no class folder have none.

    A single folder of an unknown name is no class; several are, which only this domain has.

    Raises:
        Problem: where there are no images, or class folders without images.
    """
    around, split = _unwrapped(path, names)
    folders = {parts[0] for parts, _name in split if len(parts) > 1} | _folders(names, around)
    loose = any(len(parts) == 1 for parts, _name in split)
    labelled = bool(folders & set(known)) or (len(folders) > 1 and not loose)
    if labelled and not loose:
        return by_class(path, names)
    found = [Member(parts[0] if labelled and len(parts) > 1 else "", "/".join(parts), name) for parts, name in split]
    return sorted(found), 0


def _unwrapped(path: Path, names: list[str]) -> tuple[tuple[str, ...], list[tuple[tuple[str, ...], str]]]:
    """The folders around all class folders, and every image's parts below them with its name."""
    split = [(PurePosixPath(name).parts, name) for name in names if name.lower().endswith(SUFFIXES)]
    if not split:
        raise Problem(
            mark("'{path}' holds no images; give a folder that has one folder of images for each class."), path=path
        )
    around: tuple[str, ...] = ()
    while len({parts[0] for parts, _name in split}) == 1 and all(len(parts) > 2 for parts, _name in split):
        around += split[0][0][:1]
        split = [(parts[1:], name) for parts, name in split]
    return around, split


def _folders(names: list[str], around: tuple[str, ...]) -> set[str]:
    """The folders directly below `around`."""
    depth = len(around)
    below = [(PurePosixPath(name).parts, name) for name in names if PurePosixPath(name).parts[:depth] == around]
    return {parts[depth] for parts, name in below if len(parts) > depth + (not name.endswith("/"))}
