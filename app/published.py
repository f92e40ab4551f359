"""What is told of the public datasets of a task."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import fetching, frame, language
from dtml import catalogue
from dtml.language import _
from dtml.tasks.datasets import absent, stated


def tasks() -> None:
    """Every task on public data: whether that is here, how it gets here, and a way to a run."""
    for name, entry in catalogue.entries()["task"].items():
        if entry["datasets"]:
            with st.expander(language.title(entry), icon=_state(entry)):
                st.caption(language.summary(entry))
                chosen = _domains(entry, name)
                fetching.show("task", name, chosen)
                frame.button(_("Launch a run"), "launch", icon=":material/rocket_launch:", **{"from": name})
                _facts(entry)


def _state(entry: dict[str, Any]) -> str:
    """A tick where the data of some pair of domains is here, else how it gets here."""
    defaults = {key: schema["default"] for key, schema in entry["parameters"].items()}
    lacking = absent(entry, defaults)
    if not lacking:
        return ":material/check_circle:"
    return ":material/download:" if all(file["urls"] for _dataset, file in lacking) else ":material/folder_open:"


def _domains(entry: dict[str, Any], name: str) -> dict[str, Any]:
    """The task's parameters, with the domains that the person chooses where it has several."""
    params = {key: schema["default"] for key, schema in entry["parameters"].items()}
    named = {
        key: entry["parameters"][key] for key in ("source", "target") if "enum" in entry["parameters"].get(key, {})
    }
    for cell, (key, schema) in zip(st.columns(2), named.items(), strict=False):
        label = {"source": _("Source"), "target": _("Target")}[key]
        place = schema["enum"].index(schema["default"])
        params[key] = cell.selectbox(label, schema["enum"], place, key=f"public-{name}-{key}", persist_state="session")
    return params


def _facts(entry: dict[str, Any]) -> None:
    for dataset in entry["datasets"]:
        st.markdown(f"**{dataset['title']}**")
        for what, told in stated(dataset):
            st.caption(f"{what}: {_escaped(told)}")


def _escaped(told: str) -> str:
    return told.replace("<", "&lt;").replace("_", "\\_")


def datasets(entry: dict[str, Any]) -> None:
    """The datasets that a task reads, folded away: origin, terms, citation, size, layout, download."""
    for dataset in entry.get("datasets", []):
        with st.expander(_("Dataset: {title}").format(title=dataset["title"]), icon=":material/dataset:"):
            for what, told in stated(dataset):
                st.markdown(f"**{what}**: {_escaped(told)}")
