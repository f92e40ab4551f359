"""Parameters as plain data: JSON schema → pydantic model, and validation errors → one clear sentence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from dtml.errors import Problem, nearest
from dtml.language import mark

_TYPES = {"integer": int, "number": float, "boolean": bool, "string": str}
_BOUNDS = {"minimum": "ge", "maximum": "le", "exclusiveMinimum": "gt", "exclusiveMaximum": "lt"}


def model_of(kind: str, name: str, properties: dict[str, Any]) -> type[BaseModel]:
    """The pydantic model that a component's published parameters describe."""
    fields: dict[str, Any] = {key: _field(schema) for key, schema in properties.items()}
    return create_model(f"{kind}_{name}", __config__=ConfigDict(frozen=True, extra="forbid"), **fields)


def _field(schema: dict[str, Any]) -> tuple[Any, Any]:
    bounds = {python: schema[key] for key, python in _BOUNDS.items() if key in schema}
    return Annotated[_annotation(schema), Field(**bounds)], schema["default"]


def _annotation(schema: dict[str, Any]) -> Any:
    if "enum" in schema:
        return Literal[tuple(schema["enum"])]
    if "const" in schema:
        return Literal[schema["const"]]
    return _TYPES[schema["type"]]


def explained(error: ValidationError, where: str, known: Iterable[str] = ()) -> Problem:
    """The first validation error as a sentence: what was wrong, what was received, what to do."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    values = {"where": where, "key": key, "received": repr(first.get("input"))}
    match first["type"]:
        case "extra_forbidden":
            best = nearest(str(first["loc"][-1]), known)
            if best:
                return Problem(mark("{where} has no key '{key}'; did you mean '{nearest}'?"), nearest=best, **values)
            listed = ", ".join(known) or "–"
            return Problem(mark("{where} has no key '{key}'; it knows {known}."), known=listed, **values)
        case "missing":
            return Problem(mark("{where} needs the key '{key}'; add it."), **values)
        case _:
            wanted = first["msg"][0].lower() + first["msg"][1:]
            return Problem(
                mark("In {where}, '{key}' is {received}, but {wanted}; change it."), wanted=wanted, **values
            )
