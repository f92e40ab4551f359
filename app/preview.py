"""A person's own data, looked at before anything is trained on it: what both domains hold, and the confirmation."""

from __future__ import annotations

import html
import time
from typing import Any

import pandas as pd
import pyarrow as pa
import streamlit as st

from app import data, frame, words
from dtml import own, vocabulary
from dtml.inspection import Example, Inspection, Side
from dtml.language import _
from dtml.runs.looking import ask_to_look, look_key

SHOWN = 12
"""Classes whose examples are drawn at once."""
WAITING = ("queued", "running", "lost")


def show(mine: own.OwnTask) -> None:
    """Progress while a worker looks, then what it found and what the person can do with it."""
    job = data.store().find_job(look_key(mine))
    if job and job.state in WAITING:
        frame.polling(_progress, 1.0)(job.key)
        return
    if job and job.error and not mine.confirmed:
        own.remove(mine.name)
        st.session_state["refused"] = str(job.error)
        leave()
        st.rerun()
    seen = mine.inspection()
    st.subheader(mine.name)
    if job and job.error:
        st.error(str(job.error), icon=":material/error:")
    if seen is None:
        st.button(_("Look at the data"), on_click=_look, args=(mine,), icon=":material/search:")
        return
    _told(seen)
    _confirmation(mine, seen)
    _facts(seen)
    _counts(seen)
    _examples(seen)


def leave() -> None:
    """Back to the list."""
    st.query_params.pop("task", None)


def _progress(key: str) -> None:
    job = data.store().job(key)
    data.keep_worker()
    if job.state not in WAITING:
        st.rerun()
    told = _("Looking at the data") if job.state == "running" else _("Waiting for the worker")
    st.progress(float(job.doing.get("share", 0.0)), f"{told} … {words.left(job.remaining(time.time()))}")


def _look(mine: own.OwnTask) -> None:
    ask_to_look(data.store(), mine)
    data.keep_worker()


# -- what was found


def _told(seen: Inspection) -> None:
    closed = seen.setting == "closed"
    if not seen.obstacles:
        (st.success if closed else st.info)(
            vocabulary.setting(seen.setting), icon=":material/check_circle:" if closed else ":material/info:"
        )
    for label, classes in (
        (_("Only in the source"), seen.only_source),
        (_("Only in the target"), seen.only_target),
    ):
        if classes:
            st.markdown(f"**{label}:** {', '.join(classes)}")
    for problem in seen.obstacles:
        st.error(str(problem), icon=":material/block:")
    for problem in seen.remarks:
        st.warning(str(problem), icon=":material/warning:")
    if seen.unreadable:
        with st.expander(
            _("Files that cannot be read: {count}").format(count=len(seen.unreadable)), icon=":material/broken_image:"
        ):
            rows = [{_("File"): name, _("Why"): why} for name, why in seen.unreadable]
            st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")


def _confirmation(mine: own.OwnTask, seen: Inspection) -> None:
    """What can be done with the task now."""
    skip = (
        bool(seen.unreadable)
        and not mine.confirmed
        and st.checkbox(_("Leave them out ({count})").format(count=len(seen.unreadable)), key="skip")
    )
    with st.container(horizontal=True):
        if mine.confirmed:
            frame.button(
                _("Launch a run"), "launch", primary=True, icon=":material/rocket_launch:", **{"from": mine.name}
            )
        else:
            st.button(
                _("Use this task"),
                type="primary",
                icon=":material/check:",
                disabled=bool(seen.obstacles or (seen.unreadable and not skip)),
                on_click=own.confirm,
                args=(mine.name, skip),
            )
        st.button(_("Look again"), icon=":material/refresh:", on_click=_look, args=(mine,))
        with st.popover(_("Remove"), icon=":material/delete:"):
            st.caption(_("What was uploaded for it is deleted; finished runs stay."))
            st.button(_("Remove this task"), on_click=_remove, args=(mine.name,))


def _remove(name: str) -> None:
    own.remove(name)
    leave()


def _facts(seen: Inspection) -> None:
    sides = {_("Source"): seen.source, _("Target"): seen.target}
    facts = {title: {_(what): value for what, value in side.facts} for title, side in sides.items()}
    rows = [
        {"": what, **{title: facts[title].get(what, "–") for title in sides}}
        for what in dict.fromkeys(what for each in facts.values() for what in each)
    ]
    unlabelled = {title: str(side.unlabelled) for title, side in sides.items()}
    st.dataframe(
        pd.DataFrame([*rows, {"": _("Without a label"), **unlabelled}]),
        hide_index=True,
        width="stretch",
        alt=_("What both domains hold."),
    )


def _counts(seen: Inspection) -> None:
    sides = {_("Source"): seen.source, _("Target"): seen.target}
    rows = [
        {"class": name, "domain": title, "count": side.counts.get(name, 0)}
        for name in sorted({*seen.source.counts, *seen.target.counts})
        for title, side in sides.items()
    ]
    if not rows:
        return
    st.markdown("**" + _("Samples a class") + "**")
    domains = {"domain": list(sides), "range": ["#1f6feb", "#e8590c"]}
    spec: dict[str, Any] = {
        "height": 260,
        "mark": {"type": "bar"},
        "encoding": {
            "x": {"field": "class", "type": "nominal", "title": None, "axis": {"labelAngle": -30}},
            "xOffset": {"field": "domain", "sort": list(sides)},
            "y": {"field": "count", "type": "quantitative", "title": None},
            "color": {
                "field": "domain", "type": "nominal", "title": None, "legend": {"orient": "top"}, "scale": domains,
            },
            "tooltip": [{"field": "class"}, {"field": "domain"}, {"field": "count"}],
        },
    }  # fmt: skip
    st.vega_lite_chart(
        pa.Table.from_pylist(rows), spec, width="stretch", alt=_("Samples of each class in both domains.")
    )


def _examples(seen: Inspection) -> None:
    """Samples of each class, both domains side by side."""
    names = list(dict.fromkeys([*seen.common, *seen.source.examples, *seen.target.examples]))
    if not names:
        return
    st.markdown("**" + _("Samples") + "**")
    source, target, nothing = _("Source"), _("Target"), _("without a label")
    lines = [f"<b></b><b>{source}</b><b>{target}</b>"]
    for name in names[:SHOWN]:
        label = html.escape(name) if name else f"<i>{html.escape(nothing)}</i>"
        cells = "".join(f"<div>{_cards(side, name)}</div>" for side in (seen.source, seen.target))
        lines.append(f"<span>{label}</span>{cells}")
    st.html(f'<div class="dtml-examples">{"".join(lines)}</div>')
    if len(names) > SHOWN:
        st.caption(_("The first {count} of {all} classes.").format(count=SHOWN, all=len(names)))


def _cards(side: Side, name: str) -> str:
    return "".join(map(_card, side.examples.get(name, [])))


def _card(example: Example) -> str:
    told = html.escape(example.name, quote=True)
    if example.image:
        return f'<img src="{html.escape(example.image, quote=True)}" alt="{told}" title="{told}">'
    return f'<p title="{told}">{html.escape(example.text)}</p>'
