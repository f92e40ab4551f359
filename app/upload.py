"""The form that takes a person's own data: uploads or paths, and a name."""

from __future__ import annotations

from typing import Any, BinaryIO

import streamlit as st

from app import data, forms
from app.language import summary
from dtml import catalogue, own, vocabulary
from dtml.errors import Problem
from dtml.images.files import folders_in
from dtml.language import _
from dtml.runs.looking import ask_to_look

ASKED_ELSEWHERE = ("source", "target", "title", "leave_out")
Given = tuple[dict[str, str], dict[str, BinaryIO]]
"""What stands for source and target, and the files that were uploaded."""


def form() -> None:
    """Everything that makes a task; at the click it is stored, and a worker looks at it."""
    kinds = {entry["inputs_title"]: name for name, entry in _families().items()}
    kind = st.segmented_control(
        _("What is it?"),
        list(kinds),
        default=next(iter(kinds)),
        required=True,
        key="upload-kind",
        persist_state="session",
    )
    family = kinds.get(str(kind), next(iter(kinds.values())))
    entry = catalogue.entry("task", family)
    st.caption(summary(entry))
    ways = {
        "two": _("Two files") if family != "folders" else _("Two archives"),
        "one": _("One archive with two folders"),
        "paths": _("Paths on the server"),
    }
    if family != "folders":
        ways.pop("one")
    way = st.segmented_control(
        _("Where is it?"), list(ways), default="two", format_func=ways.__getitem__, required=True, key=f"way-{family}"
    )
    given = {"two": _two, "one": _one, "paths": _paths}[str(way or "two")](family)
    name = st.text_input(_("A name for the task"), key="upload-name", max_chars=own.LONGEST_NAME)
    schemas = {key: schema for key, schema in entry["parameters"].items() if key not in ASKED_ELSEWHERE}
    with st.expander(_("Parameters"), icon=":material/tune:", expanded=family != "folders"):
        params = forms.fields(schemas, {}, f"upload:{family}")
    ready = given is not None and bool(name.strip())
    if st.button(_("Look at the data"), type="primary", icon=":material/search:", disabled=not ready) and given:
        _add(name.strip(), family, params, given)


def _families() -> dict[str, dict[str, Any]]:
    """The catalogue's tasks on own data, with the word for what they read."""
    listed = {name: entry for name, entry in catalogue.entries()["task"].items() if entry["own"]}
    order = sorted(listed, key=lambda name: ("folders", "tables", "texts").index(name))
    return {name: {**listed[name], "inputs_title": vocabulary.own_data(name)} for name in order}


def _two(family: str) -> Given | None:
    """A file a side."""
    types = ["zip"] if family == "folders" else ["csv", "tsv", "parquet"]
    files: dict[str, Any] = {}
    for cell, (side, label) in zip(st.columns(2), _sides().items(), strict=True):
        files[side] = cell.file_uploader(label, types, key=f"upload-{family}-{side}")
    if not all(files.values()):
        return None
    names = {side: file.name for side, file in files.items()}
    if names["source"] == names["target"]:
        names = {side: f"{side}-{name}" for side, name in names.items()}
    return names, {names[side]: file for side, file in files.items()}


def _one(_family: str) -> Given | None:
    """An archive, and which of its folders is the source and which the target."""
    file = st.file_uploader(_("Archive"), ["zip"], key="upload-one")
    if not file:
        return None
    folders = folders_in(file, file.name)
    file.seek(0)
    if len(folders) < 2:
        st.warning(_("This archive has no two folders side by side; pack source and target as a folder each."))
        return None
    chosen = {}
    for number, (cell, (side, label)) in enumerate(zip(st.columns(2), _sides().items(), strict=True)):
        chosen[side] = f"both.zip/{cell.selectbox(label, folders, min(number, 1), key=f'upload-folder-{side}')}"
    return chosen, {"both.zip": file}


def _paths(family: str) -> Given | None:
    """Paths of folders or files that the server can read."""
    told = _("Below DTML_DATA, or a full path.")
    chosen = {
        side: cell.text_input(label, key=f"path-{family}-{side}", help=told).strip()
        for cell, (side, label) in zip(st.columns(2), _sides().items(), strict=True)
    }
    return (chosen, {}) if all(chosen.values()) else None


def _sides() -> dict[str, str]:
    return {"source": _("Source (labelled)"), "target": _("Target (labels are optional)")}


def _add(name: str, family: str, params: dict[str, Any], given: Given) -> None:
    places, files = given
    try:
        with st.spinner(_("Storing the data …")):
            mine = own.add(name, family, {**params, **places}, files)
    except Problem as problem:
        st.error(f"{problem} " + _("Nothing was kept."), icon=":material/error:")
        return
    ask_to_look(data.store(), mine)
    data.keep_worker()
    st.query_params["task"] = mine.name
    st.rerun()
