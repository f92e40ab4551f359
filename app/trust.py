"""Beside every projection: a picture at once, the progress of the true one, and how far it can be trusted."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import data, frame, words
from dtml.language import _
from dtml.projection.trust import Quality, judge
from dtml.runs.launcher import ensure_worker
from dtml.runs.pictures import (
    ask_for_picture,
    ask_for_quality,
    picture_key,
    quality_key,
    read_picture,
    read_quality,
)
from dtml.runs.records import Job

SIDE_BY_SIDE = 4
"""States from which on only the first and the last have figures of their own."""
COLOURS = {"good": "green", "fair": "orange", "poor": "red"}


def picture_or_stand_in(spec: dict[str, Any]) -> tuple[list[NDArray[np.float32]], bool]:
    """The coordinates (n, 2) of each state, and whether they are principal components that stand in for them."""
    drawn = read_picture(spec)
    return (data.principal_components(spec), True) if drawn is None else (drawn, False)


def progress(spec: dict[str, Any]) -> None:
    """How far the true picture is while its stand-in is shown; the page follows by itself. A failed one can be tried
    again."""
    job = data.store().find_job(picture_key(spec))
    if job and job.state == "failed":
        _failed(job, lambda: ask_for_picture(data.store(), spec))
        return
    ask_for_picture(data.store(), spec)
    with st.spinner(_("Starting the worker …"), show_time=True):
        ensure_worker()
    frame.polling(_wait_for_picture, 0.7)(spec)


def _wait_for_picture(spec: dict[str, Any]) -> None:
    job = data.store().find_job(picture_key(spec))
    if job is None or job.state in ("finished", "failed") or read_picture(spec) is not None:
        st.rerun()
    _bar(job, _("Waiting for the worker; the first picture takes longest"))
    st.caption(_("Until it is there you see principal components."))


def _bar(job: Job, waiting: str) -> None:
    ensure_worker()
    told = _(job.doing["what"]) if job.doing.get("what") else waiting
    st.progress(job.doing.get("share") or 0.0, f"{told} … {words.left(job.remaining(time.time()))}")


def _failed(job: Job, again: Any) -> None:
    st.error(str(job.error), icon=":material/error:")
    if st.button(_("Try again"), key=f"again-{job.key}", icon=":material/refresh:"):
        again()
        st.rerun()


def show(spec: dict[str, Any], titles: Sequence[str]) -> None:
    """“Trust this picture?”: the figures of each state under its title, and where picture and numbers disagree."""
    with st.container(border=True, key="trust"):
        st.markdown("#### " + _("Trust this picture?"), help=_help("picture"))
        found = read_quality(spec)
        if found is None:
            _await(spec)
            return
        ends = range(len(found)) if len(found) < SIDE_BY_SIDE else (0, len(found) - 1)
        _grid([(titles[i], found[i]) for i in ends])
        _disagreements([(titles[i], found[i]) for i in range(len(found))])
        _sampling(found[0])


def _await(spec: dict[str, Any]) -> None:
    if read_picture(spec) is None:
        st.caption(_("The figures follow the picture."))
        return
    job = data.store().find_job(quality_key(spec))
    if job and job.state == "failed":
        _failed(job, lambda: ask_for_quality(data.store(), spec))
        return
    ask_for_quality(data.store(), spec)
    frame.polling(_wait_for_quality, 1.0)(spec)


def _wait_for_quality(spec: dict[str, Any]) -> None:
    job = data.store().find_job(quality_key(spec))
    if job is None or job.state in ("finished", "failed") or read_quality(spec) is not None:
        st.rerun()
    _bar(job, _("Waiting for the worker"))


def _grid(panels: list[tuple[str, Quality]]) -> None:
    """A row a figure, a column a state."""
    widths = [3, *[3] * len(panels)]
    head = st.columns(widths, vertical_alignment="bottom")
    for cell, (title, _quality) in zip(head[1:], panels, strict=True):
        cell.markdown(f"**{_plain(title)}**")
    for name, label in _labels().items():
        cells = st.columns(widths, vertical_alignment="center")
        cells[0].markdown(label, help=_help(name))
        for cell, (_title, quality) in zip(cells[1:], panels, strict=True):
            cell.markdown(_told(name, quality))


def _labels() -> dict[str, str]:
    return {
        "trustworthiness": _("Trustworthiness"),
        "continuity": _("Continuity"),
        "recall": _("Neighbours found"),
        "stability": _("Stability over seeds"),
        "apart": _("Domains told apart"),
    }


def _told(name: str, quality: Quality) -> str:
    """A figure of one state with its judgement."""
    if name == "apart":
        if quality.apart is None or quality.apart_drawn is None:
            return "–"
        told = _("{truth} in the embeddings, {drawn} in the picture")
        return told.format(truth=_whole(quality.apart), drawn=_whole(quality.apart_drawn))
    value = getattr(quality, name)
    if value is None:
        return "–"
    judgement = judge(name, value)
    word = {"good": _("good"), "fair": _("fair"), "poor": _("poor")}[judgement]
    return f"{value:.2f} :{COLOURS[judgement]}-badge[{word}]"


def _disagreements(panels: list[tuple[str, Quality]]) -> None:
    told = {
        "looks_mixed": _(
            "“{title}” looks more mixed than it is: a classifier tells the domains apart in {truth} of the samples, in "
            "the picture in {drawn}. Believe the numbers."
        ),
        "looks_apart": _(
            "“{title}” looks more separated than it is: in the picture the domains are told apart in {drawn} of the "
            "samples, by a classifier of the embeddings in {truth}. Believe the numbers."
        ),
    }
    for title, quality in panels:
        if quality.disagreement and quality.apart is not None and quality.apart_drawn is not None:
            numbers = {"truth": _whole(quality.apart), "drawn": _whole(quality.apart_drawn)}
            sentence = told[quality.disagreement].format(title=_plain(title), **numbers)
            st.warning(sentence, icon=":material/warning:")


def _sampling(quality: Quality) -> None:
    if quality.looked_at < quality.samples:
        told = _("Measured on {looked_at} of {samples} samples, chosen by domain and class.")
        st.caption(told.format(looked_at=f"{quality.looked_at:,}", samples=f"{quality.samples:,}"))


def _help(name: str) -> str:
    return {
        "picture": _(
            "No picture in two dimensions keeps all distances. These figures say how much of the neighbourhoods this "
            "one keeps, with the 15 nearest of each sample. Good, fair and poor are rules of thumb."
        ),
        "trustworthiness": _(
            "Are neighbours in the picture neighbours in truth? 1: all of them. Low: samples that are drawn close "
            "together may have nothing in common."
        ),
        "continuity": _(
            "Are neighbours in truth drawn as neighbours? 1: all of them. Low: groups that belong together are torn."
        ),
        "recall": _("The share of each sample's 15 nearest that are among its 15 nearest in the picture."),
        "stability": _(
            "How alike the pictures of other seeds are, turned onto each other (Procrustes correlation). 1: the same. "
            "Low: places and distances of groups are chance."
        ),
        "apart": _(
            "How often the domain of a sample is told rightly, both domains weighing the same. 50 %: the domains are "
            "mixed; 100 %: they are separated. In the embeddings by the better of a linear classifier and the nearest "
            "neighbours, in the picture by the nearest neighbours."
        ),
    }[name]


def _whole(value: float) -> str:
    return f"{100 * value:.0f} %"


def _plain(text: str) -> str:
    """A title without Markdown of its own."""
    return "".join("\\" + letter if letter in "\\`*_[]$:<>#" else letter for letter in text)
