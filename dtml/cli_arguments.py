"""What several commands take, and how their texts are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dtml import catalogue
from dtml.errors import Problem
from dtml.experiment import Role
from dtml.language import _, mark

File = Annotated[
    Path, typer.Argument(metavar="FILE.toml", help=_("An experiment, such as assets/experiments/digits-dann.toml."))
]
AsJson = Annotated[bool, typer.Option("--json", help=_("Print one JSON object as the last line."))]
References = Annotated[
    str,
    typer.Option(help=_("What an adapted run is held against: twin, source_only, target_only (comma), all or none.")),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help=_("A parameter, such as model=vgg16; may be repeated.")),
]
Seeds = Annotated[str, typer.Option(help=_("Seeds: a range such as 0-4, or a list such as 1,5,9."))]


def parameters(settings: Sequence[str]) -> dict[str, str]:
    """The parameters that texts such as "model=vgg16" set."""
    found = dict[str, str]()
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not key or not equals:
            told = mark("'{setting}' sets no parameter; write key=value, such as model=vgg16.")
            raise Problem(told, setting=setting)
        found[key.strip()] = value.strip()
    return found


def choice(text: str) -> dict[str, str]:
    """A component as a text such as "torchvision:model=vgg16,weights=default" names it."""
    name, _colon, settings = text.partition(":")
    return {"name": name.strip(), **parameters([part for part in settings.split(",") if part.strip()])}


def roles(text: str) -> list[Role]:
    """The references that a person asked for."""
    known: list[Role] = ["twin", "source_only", "target_only"]
    if text in ("all", "none"):
        return known if text == "all" else []
    wanted = [part.strip() for part in text.split(",")]
    for name in wanted:
        if name not in known:
            raise catalogue.unknown("reference", name, known)
    return [role for role in known if role in wanted]


def numbers(text: str) -> list[int]:
    """The seeds that a text such as "0-4" or "1,5,9" names."""
    try:
        first, dash, last = text.partition("-")
        named = list(range(int(first), int(last) + 1)) if dash else [int(part) for part in text.split(",")]
    except ValueError:
        named = []
    if not named:
        raise Problem(mark("'{text}' names no seeds; write a range such as 0-4, or a list such as 1,5,9."), text=text)
    return named
