"""Parameters as plain data: JSON schema → pydantic model, and validation errors → one clear sentence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from dtml.errors import Problem, nearest
from dtml.language import mark

_TYPES = {"integer": int, "number": float, "boolean": bool, "string": str}
_TEMPLATES = {
    "greater_than": mark("In {where}, '{key}' is {received}, but must be greater than {gt}; change it."),
    "greater_than_equal": mark("In {where}, '{key}' is {received}, but must be at least {ge}; change it."),
    "less_than": mark("In {where}, '{key}' is {received}, but must be less than {lt}; change it."),
    "less_than_equal": mark("In {where}, '{key}' is {received}, but must be at most {le}; change it."),
    "literal_error": mark("In {where}, '{key}' is {received}, but must be {expected}; change it."),
    "int_parsing": mark("In {where}, '{key}' is {received}, but must be a whole number; change it."),
    "int_type": mark("In {where}, '{key}' is {received}, but must be a whole number; change it."),
    "int_from_float": mark("In {where}, '{key}' is {received}, but must be a whole number; change it."),
    "float_parsing": mark("In {where}, '{key}' is {received}, but must be a number; change it."),
    "finite_number": mark("In {where}, '{key}' is {received}, but must be a finite number; change it."),
    "float_type": mark("In {where}, '{key}' is {received}, but must be a number; change it."),
    "model_type": mark("In {where}, '{key}' is {received}, but must be a table of keys and values; change it."),
    "dict_type": mark("In {where}, '{key}' is {received}, but must be a table of keys and values; change it."),
    "label_budget": mark(
        "In {where}, '{key}' is {received}, but must be 0, samples a class (5), a share of each class (0.2, between 0 "
        'and 1) or "all"; change it.'
    ),
    "string_type": mark("In {where}, '{key}' is {received}, but must be a text; change it."),
}
_BOUNDS = {"minimum": "ge", "maximum": "le", "exclusiveMinimum": "gt", "exclusiveMaximum": "lt"}


def model_of(kind: str, name: str, properties: dict[str, Any]) -> type[BaseModel]:
    """The pydantic model that a component's published parameters describe."""
    fields: dict[str, Any] = {key: _field(schema) for key, schema in properties.items()}
    return create_model(f"{kind}_{name}", __config__=ConfigDict(frozen=True, extra="forbid"), **fields)


def _field(schema: dict[str, Any]) -> tuple[Any, Any]:
    bounds: dict[str, Any] = {python: schema[key] for key, python in _BOUNDS.items() if key in schema}
    if schema.get("type") == "number":
        bounds["allow_inf_nan"] = False
    return Annotated[_annotation(schema), Field(**bounds)], schema["default"]


def _annotation(schema: dict[str, Any]) -> Any:
    if "enum" in schema:
        return Literal[tuple(schema["enum"])]
    if "const" in schema:
        return Literal[schema["const"]]
    return _TYPES[schema["type"]]


def explained(error: ValidationError, where: str, known: Iterable[str] = ()) -> Problem:
    """The first validation error as a sentence: what was wrong, what was received, what to do."""
    first = first_error(error)
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
            template = _TEMPLATES.get(first["type"], mark("In {where}, '{key}' is {received}: {reason}; change it."))
            context = {name: value for name, value in first.get("ctx", {}).items() if name != "error"}
            return Problem(template, reason=first["msg"], **context, **values)


def first_error(error: ValidationError) -> Any:
    """The error to tell: an unknown key before what is missing for want of it."""
    found = error.errors()
    return next((e for e in found if e["type"] == "extra_forbidden"), found[0])
