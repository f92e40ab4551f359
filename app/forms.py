"""A form for any component, generated from the JSON schema that its parameters publish."""

from __future__ import annotations

import math
from typing import Any

import streamlit as st

from app.language import summary, title
from dtml import catalogue
from dtml.language import _, language


def label(key: str, schema: dict[str, Any]) -> str:
    """What a person reads beside a parameter: its one-line help, with its unit."""
    own = schema.get("zh") if language() == "zh_CN" else None
    told = own or _(schema.get("description") or key)
    return f"{told} ({schema['unit']})" if schema.get("unit") else told


def component(kind: str, chosen: str, entries: dict[str, dict[str, Any]], base: str) -> str:
    """A select box for a component with its summary and formula beneath; returns the name."""
    from app.words import kind as kind_title

    key, names = f"{base}:{kind}", list(entries)
    held = st.session_state.get(key, chosen)
    st.session_state[key] = held if held in names else names[0]  # set anew, it is shown in the current language
    name = st.selectbox(
        kind_title(kind), names, format_func=lambda n: title(entries[n]), key=key, persist_state="session"
    )
    st.caption(summary(entries[name]))
    if entries[name]["formula"]:
        st.latex(entries[name]["formula"])
    return str(name)


def parameters(kind: str, name: str, given: dict[str, Any], base: str, named: bool = False) -> dict[str, Any]:
    """Inputs for the hyper-parameters of a component, in an expander that may bear its name; returns their values."""
    entry = catalogue.entry(kind, name)
    schemas = entry["parameters"]
    if not schemas:
        return {}
    with st.expander(
        title(entry) if named else _("Parameters"), icon=":material/tune:", expanded=bool(entry.get("needs"))
    ):
        return fields(schemas, given, f"{base}:{kind}:{name}")


def fields(schemas: dict[str, dict[str, Any]], given: dict[str, Any], prefix: str) -> dict[str, Any]:
    """One input a parameter, two in a row; returns the values by key."""
    values: dict[str, Any] = {}
    columns = st.columns(2)
    for number, (key, schema) in enumerate(schemas.items()):
        with columns[number % 2]:
            values[key] = field(key, schema, given.get(key, schema["default"]), f"{prefix}:{key}")
    return values


def field(key: str, schema: dict[str, Any], value: Any, widget: str) -> Any:
    """The input that suits a parameter's type."""
    told = {"label": label(key, schema), "key": widget, "help": _help(key, schema), "persist_state": "session"}
    if "enum" in schema:
        return st.selectbox(options=schema["enum"], index=schema["enum"].index(value), **told)
    if "known" in schema:
        names = schema["known"] if value in schema["known"] else [value, *schema["known"]]
        return st.selectbox(options=names, index=names.index(value), accept_new_options=True, **told)
    match schema.get("type"):
        case "boolean":
            return st.checkbox(value=bool(value), **told)
        case "integer":
            low, high = (None if bound is None else int(bound) for bound in _bounds(schema))
            return int(st.number_input(value=int(value), min_value=low, max_value=high, step=1, **told))
        case "number":
            low, high = (None if bound is None else float(bound) for bound in _bounds(schema))
            if schema.get("slider"):
                return float(st.slider(min_value=low, max_value=high, value=float(value), step=0.05, **told))
            step = _step(float(schema["default"]))
            return float(
                st.number_input(value=float(value), min_value=low, max_value=high, step=step, format="%g", **told)
            )
        case _:
            return st.text_input(value=str(value), **told)


def _bounds(schema: dict[str, Any]) -> tuple[float | None, float | None]:
    """The bounds of an input; an excluded one is refused, in a sentence, when the experiment is made."""
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    return low, schema.get("maximum", schema.get("exclusiveMaximum"))


def _step(default: float) -> float:
    """One unit of the default's first digit."""
    return 10.0 ** math.floor(math.log10(abs(default))) if default else 0.1


def _help(key: str, schema: dict[str, Any]) -> str:
    bounds = catalogue.allowed(schema)
    return _("Key `{key}`; allowed: {allowed}; default: {default}.").format(
        key=key, allowed=bounds, default=schema["default"] if schema["default"] != "" else "–"
    )
