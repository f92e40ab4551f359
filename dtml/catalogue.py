"""Everything a person can choose, found by walking the packages.

A choosable thing is a subclass of `Component` in a file of its own below the package of its kind, or in
a module that another distribution names in its entry-point group `dtml.components`. Adding the file is
enough: the forms, the command line, the methods page and the tests all read this catalogue.

The catalogue exists twice: as classes (`component`, `create`), which import torch, and as plain data
(`entries`), which the dashboard and the validation of experiments read without torch.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import pkgutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any, ClassVar

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dtml import paths, vocabulary
from dtml.errors import Problem, nearest
from dtml.language import Text, mark

KINDS = {
    "task": "dtml.tasks",
    "backbone": "dtml.backbones",
    "strategy": "dtml.strategies",
    "alignment": "dtml.alignment",
    "metric": "dtml.metric",
    "measure": "dtml.measures",
    "projection": "dtml.projection",
}


MANY = 100
"""Names that one sentence tells at most."""
SHIPPED = Path(__file__).parent / "catalogue.json"
"""The catalogue as plain data, kept beside the sources by `python -m dtml.catalogue --ship`."""


class Params(BaseModel):
    """The hyper-parameters of a component: one declaration for form, check and documentation."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def param(default: Any, en: str, zh: str, *, unit: str = "", slider: bool = False, **bounds: Any) -> Any:
    """A hyper-parameter: its default, a one-line help in two languages, unit and bounds; maybe drawn as a slider."""
    drawn = {"slider": True} if slider else {}
    return Field(default, description=en, json_schema_extra={"zh": zh, "unit": unit, **drawn}, **bounds)


@dataclass(frozen=True)
class Paper:
    """Where a formula comes from."""

    authors: str
    year: int
    title: str
    link: str
    equation: str = ""


class Component:
    """One choosable thing. `name` is permanent; the rest describes it to people."""

    kind: ClassVar[str]
    name: ClassVar[str]
    title: ClassVar[Text]
    summary: ClassVar[Text]
    formula: ClassVar[str] = ""
    paper: ClassVar[Paper | None] = None
    claims: ClassVar[frozenset[str]] = frozenset()

    class Params(Params):
        """No hyper-parameters."""

    def __init__(self, **params: Any) -> None:
        super().__init__()
        self.params: Any = self.Params(**_checked(self.entry(), params))

    @classmethod
    def facts(cls) -> dict[str, Any]:
        """What else the form and the validation need to know; kinds add their own."""
        return {}

    @classmethod
    def entry(cls) -> dict[str, Any]:
        """This component as plain data."""
        schema = cls.Params.model_json_schema()
        return {
            "kind": cls.kind,
            "name": cls.name,
            "title": list(cls.title),
            "summary": list(cls.summary),
            "formula": cls.formula,
            "paper": asdict(cls.paper) if cls.paper else None,
            "claims": sorted(cls.claims),
            "parameters": schema.get("properties", {}),
            "module": cls.__module__,
            **cls.facts(),
        }


# -- as classes -------------------------------------------------------------------------------------


def create(kind: str, name: str, **params: Any) -> Any:
    """The component `name` of `kind` with its hyper-parameters.

    Raises:
        Problem: (a ValueError) for an unknown kind, name or parameter, naming the nearest one.
    """
    return component(kind, name)(**params)


def component(kind: str, name: str) -> type[Component]:
    """The class of the component `name` of `kind`."""
    return _lookup(kind, name, components(kind))


def components(kind: str) -> dict[str, type[Component]]:
    """All classes of `kind` by name; imports their modules."""
    if kind not in KINDS:
        raise unknown("kind", kind, KINDS)
    for module in _modules(kind):
        importlib.import_module(module)
    return _register(kind, _subclasses(Component))


def _subclasses(cls: type) -> list[Any]:
    children: list[Any] = cls.__subclasses__()
    return [c for child in children for c in (child, *_subclasses(child))]


def _register(kind: str, classes: list[Any]) -> dict[str, type[Component]]:
    """Classes of `kind` by name; a name used twice raises."""
    found: dict[str, type[Component]] = {}
    for cls in classes:
        if getattr(cls, "kind", None) != kind or "name" not in vars(cls):
            continue
        if cls.name in found:
            raise ValueError(
                f"{kind} '{cls.name}' is defined in both {found[cls.name].__module__} and {cls.__module__}"
            )
        found[cls.name] = cls
    return dict(sorted(found.items()))


def _modules(kind: str) -> list[str]:
    package = importlib.import_module(KINDS[kind])
    own = [f"{KINDS[kind]}.{info.name}" for info in pkgutil.iter_modules(package.__path__)]
    return own + [point.value for point in entry_points(group="dtml.components")]


# -- as plain data ----------------------------------------------------------------------------------


def names(kind: str) -> list[str]:
    """The names of all components of `kind`."""
    return list(_lookup("kind", kind, entries()))


def entry(kind: str, name: str) -> dict[str, Any]:
    """The component `name` of `kind` as plain data."""
    return _lookup(kind, name, _lookup("kind", kind, entries()))


@cache
def entries() -> dict[str, dict[str, dict[str, Any]]]:
    """The whole catalogue as plain data, by kind and name.

    Read from a cache keyed by version and file times, else from the copy that is shipped, where that was made from
    the very same sources. Where neither is there it is made by a process of its own, so that this one stays free
    of torch.
    """
    path = paths.cache() / f"catalogue-{stamp()}.json"
    if not path.exists():
        shipped = _shipped()
        if shipped is not None:
            return shipped
        if "torch" in sys.modules:
            publish()
        else:
            subprocess.run([sys.executable, "-m", "dtml.catalogue"], check=True, stdin=subprocess.DEVNULL)
    return json.loads(path.read_text("utf-8"))


def publish() -> Path:
    """Write the catalogue as plain data where `entries` looks for it; of several processes only the first does."""
    path = paths.cache() / f"catalogue-{stamp()}.json"
    with FileLock(paths.cache() / "catalogue.lock"):
        if not path.exists():
            with paths.replacing(path) as temporary:
                temporary.write_text(json.dumps(_made(), ensure_ascii=False), "utf-8")
    return path


def ship() -> None:
    """Write the copy that is shipped: a first start need not wait for torch to be imported."""
    content = {"made_from": _sources_hash(), "entries": _made()}
    SHIPPED.write_text(json.dumps(content, ensure_ascii=False, indent=0) + "\n", "utf-8")


def _made() -> dict[str, dict[str, dict[str, Any]]]:
    return {kind: {name: c.entry() for name, c in components(kind).items()} for kind in KINDS}


def _shipped() -> dict[str, dict[str, dict[str, Any]]] | None:
    """The shipped copy; None where it was not made from these sources, or other packages add components."""
    if _foreign() or not SHIPPED.exists():
        return None
    content = json.loads(SHIPPED.read_text("utf-8"))
    return content["entries"] if content["made_from"] == _sources_hash() else None


def _sources_hash() -> str:
    """A hash of the text of every source file that has a part in the catalogue."""
    texts = [(name, path.read_text("utf-8")) for name, path in _sources()]
    return hashlib.sha256(repr(texts).encode()).hexdigest()[:16]


@cache
def stamp() -> str:
    """Changes when dtml, one of its component files, or the list of foreign components changes."""
    facts = [(name, path.stat().st_mtime_ns) for name, path in _sources()]
    return hashlib.sha256(repr((version("dtml"), facts, _foreign())).encode()).hexdigest()[:16]


def _sources() -> list[tuple[str, Path]]:
    """The files that have a part in the catalogue, with their names below the package."""
    root = Path(__file__).parent
    files = sorted(p for package in KINDS.values() for p in (root / package.split(".")[1]).rglob("*.py"))
    return [(p.relative_to(root).as_posix(), p) for p in [Path(__file__), *files]]


def _foreign() -> list[tuple[str, str, str]]:
    """What other packages add, with their versions."""
    return sorted((p.name, p.value, p.dist.version if p.dist else "") for p in entry_points(group="dtml.components"))


def checked(kind: str, name: str, params: dict[str, Any]) -> dict[str, Any]:
    """`params` of the component `name` validated and completed with its defaults, from plain data."""
    return _checked(entry(kind, name), params)


def _checked(entry: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    from dtml.schema import explained, model_of

    try:
        return model_of(entry["kind"], entry["name"], entry["parameters"])(**params).model_dump()
    except ValidationError as error:
        where = f"{vocabulary.kind(entry['kind']).lower()} '{entry['name']}'"
        raise explained(error, where, entry["parameters"]) from None


def allowed(schema: dict[str, Any]) -> str:
    """The values that a published parameter may take, in short."""
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if "known" in schema:
        return f"{schema['known'][0]} … {schema['known'][-1]} ({len(schema['known'])})"
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    left = f"≥ {low}" if low is not None else f"> {above}" if above is not None else ""
    right = f"≤ {high}" if high is not None else f"< {below}" if below is not None else ""
    return ", ".join(part for part in (left, right) if part) or str(schema.get("type", ""))


def _lookup(what: str, name: str, known: dict[str, Any]) -> Any:
    if name not in known:
        raise unknown(what, name, known)
    return known[name]


def unknown(what: str, name: str, known: Iterable[str]) -> Problem:
    """The sentence for a name that there is not, with the nearest one."""
    what = vocabulary.kind(what).lower()
    listed = sorted(known)
    best = nearest(str(name), listed)
    if best:
        return Problem(
            mark("There is no {what} named '{name}'; did you mean '{nearest}'?"), what=what, name=name, nearest=best
        )
    return Problem(
        mark("There is no {what} named '{name}'; choose one of {known}."),
        what=what,
        name=name,
        known=", ".join(listed[:MANY]) + " …" * (len(listed) > MANY),
    )


if __name__ == "__main__":
    # Run as a script this file is a second module; the one that components subclass must publish.
    itself = importlib.import_module("dtml.catalogue")
    itself.ship() if "--ship" in sys.argv else itself.publish()
