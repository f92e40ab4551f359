"""A button that has the worker fetch data or weights, its progress, and what came of it."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from app import data, frame, words
from dtml import catalogue
from dtml.language import Text, _
from dtml.runs.fetching import Fetchable, ask_for_files, fetch_key, lacking
from dtml.runs.launcher import ensure_worker
from dtml.tasks import datasets


def show(kind: Fetchable, name: str, params: dict[str, Any]) -> None:
    """Whether the files of a task or backbone are here, and how they get here; nothing where it reads none."""
    entry = catalogue.entry(kind, name)
    wanted = lacking(kind, name, params)
    if not wanted:
        if entry.get("datasets"):
            st.caption(":material/check: " + _("Its data is on disk."))
        return
    if not all(file["urls"] for file in wanted):
        st.info(str(datasets.missing(entry, params)), icon=":material/folder_open:")
    files = [file for file in wanted if file["urls"]]
    if files:
        _offer(kind, name, params, files)


def _offer(kind: Fetchable, name: str, params: dict[str, Any], files: list[dict[str, Any]]) -> None:
    """The button with size and terms, or the progress of who pressed it."""
    job = data.store().find_job(fetch_key(kind, name, params))
    if job and job.state in ("queued", "running", "lost"):
        frame.polling(_wait, 1.0)(kind, name, params)
        return
    if job and job.error:
        st.error(str(job.error), icon=":material/error:")
    size = datasets.in_bytes(sum(file["size"] for file in files))
    label = _("Fetch the data ({size})") if kind == "task" else _("Fetch the learned weights ({size})")
    key = f"fetch-{fetch_key(kind, name, params)}"
    if st.button(label.format(size=size), icon=":material/download:", key=key):
        ask_for_files(data.store(), kind, name, params)
        ensure_worker()
        st.rerun()
    if kind == "task":
        absent = datasets.absent(catalogue.entry(kind, name), params)
        terms = {dataset["title"]: Text(*dataset["terms"]) for dataset, file in absent if file["urls"]}
        for title, told in terms.items():
            st.caption(f"{title}: {told}")


def _wait(kind: Fetchable, name: str, params: dict[str, Any]) -> None:
    job = data.store().find_job(fetch_key(kind, name, params))
    if job is None or job.state in ("finished", "failed"):
        st.rerun()
    ensure_worker()
    told = _(job.doing["what"]) if job.doing.get("what") else _("Waiting for the worker")
    st.progress(job.doing.get("share") or 0.0, f"{told} … {words.left(job.remaining(time.time()))}")
