"""Compared runs drawn over and beside each other: curves, and embeddings in one joint projection."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import streamlit as st

from app import data, frame, words
from app.language import title as title_of
from dtml import catalogue
from dtml.figures import comparison as figures
from dtml.figures.embeddings import Panel
from dtml.language import _
from dtml.projection.layout import Layout
from dtml.runs.compare import Group, Line
from dtml.runs.launcher import ensure_worker
from dtml.runs.pictures import State, ask_for_picture, last_state, picture_key, picture_spec, read_picture

PLAIN = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}
PANELS = 9
"""Panels that are drawn at most."""


def curves(groups: Sequence[Group], titles: dict[str, str]) -> None:
    """Target accuracy on the probe over the steps of all runs."""
    series = {}
    for group in groups:
        runs = []
        for line in group.lines.values():
            points = [
                (step, values["target_accuracy"])
                for step, values in data.metrics(line.run)
                if "target_accuracy" in values
            ]
            if points:
                runs.append((line.run.id, points))
        if runs:
            series[titles[group.key]] = runs
    if not series:
        st.caption(_("The target has no labels, so there are no curves of its accuracy."))
        return
    st.plotly_chart(
        figures.curves(series),
        width="stretch",
        key="compare-curves",
        config=PLAIN,
        alt=_("Target accuracy on the probe over the steps, a colour a method."),
    )


def multiples(groups: Sequence[Group], titles: dict[str, str]) -> None:
    """The embeddings of one run a group in one projection, where they look at the same samples."""
    found = _same_samples(groups)
    if not found:
        return
    seed_cell, method_cell, layout_cell = st.columns([3, 3, 8], vertical_alignment="bottom")
    keys = list(found)
    key = seed_cell.selectbox(
        _("Samples of"), keys, format_func=lambda each: _seed(found[each]), key="multiples-of", persist_state="session"
    )
    methods = sorted(catalogue.names("projection"), reverse=True)
    method = method_cell.segmented_control(
        _("Projection"),
        methods,
        default=methods[0],
        required=True,
        key="multiples-method",
        persist_state="session",
        format_func=lambda name: title_of(catalogue.entry("projection", name)),
    )
    layouts: dict[Layout, str] = {
        "aligned": _("each on its own neighbours, aligned"),
        "shared": _("one joint map (leaks)"),
    }
    layout = layout_cell.segmented_control(
        _("Layout"),
        list(layouts),
        default="aligned",
        required=True,
        key="multiples-layout",
        persist_state="session",
        format_func=lambda name: layouts[name],
    )
    shown = _states(found[key], titles)
    if len(shown) > PANELS:
        st.caption(_("The first {shown} of {count} are drawn.").format(shown=PANELS, count=len(shown)))
    _picture(shown[:PANELS], method, layout)


def _seed(members: Sequence[tuple[Group, Line]]) -> str:
    seed = _("seed {seed}").format(seed=members[0][1].run.experiment.seed)
    return f"{seed} ({len(members)})"


def _same_samples(groups: Sequence[Group]) -> dict[str, list[tuple[Group, Line]]]:
    """Runs that look at the same probe samples, by task, seed and probe; the most first."""
    found: dict[str, list[tuple[Group, Line]]] = {}
    for group in groups:
        for line in group.lines.values():
            experiment = line.run.experiment
            key = json.dumps([experiment.task.model_dump(), experiment.seed, experiment.training.probe])
            found.setdefault(key, []).append((group, line))
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def _states(members: Sequence[tuple[Group, Line]], titles: dict[str, str]) -> list[tuple[str, State]]:
    """The states with their titles: the first run's twin, where there is one, then each run's last snapshot."""
    members = sorted(members, key=lambda member: member[0].role == "adapted")
    twin = next((line.references["twin"] for _group, line in members if "twin" in line.references), None)
    shown = []
    if twin and twin.id not in [line.run.id for _group, line in members]:
        reached = words.percent(twin.result.get("target_test_accuracy"))
        shown.append((f"{words.role('twin')} · {reached}", last_state(twin.id)))
    for group, line in members:
        shown.append((f"{titles[group.key]} · {words.percent(line.target)}", last_state(line.run.id)))
    return shown


def _picture(shown: list[tuple[str, State]], method: str, layout: Layout) -> None:
    spec = picture_spec([state for _title, state in shown], method, layout)
    coordinates = read_picture(spec)
    if coordinates is None:
        job = ask_for_picture(data.store(), spec)
        if job.error and job.state == "failed":
            st.error(str(job.error), icon=":material/error:")
            return
        with st.spinner(_("Starting the worker …"), show_time=True):
            ensure_worker()
        frame.polling(_wait, 0.7)(spec)
        return
    panels = [
        Panel(title, points, data.snapshot(*state)["probabilities"].argmax(1))
        for (title, state), points in zip(shown, coordinates, strict=True)
    ]
    seen = data.probe(shown[-1][1][0])
    st.plotly_chart(
        figures.multiples(panels, seen, st.context.theme.type == "dark"),
        width="stretch",
        key="multiples",
        config=PLAIN,
        alt=_("Embeddings of the compared runs in one projection, coloured by class."),
    )
    told = _("All panels have the same scale; colour is the class, the symbol is the domain (● source, ◇ target).")
    leaks = _("A joint map leaks: it draws the states closer to each other than they are.")
    st.caption(f"{told} {leaks}" if layout == "shared" else told)


def _wait(spec: dict[str, Any]) -> None:
    job = data.store().find_job(picture_key(spec))
    if job is None or job.state in ("finished", "failed") or read_picture(spec) is not None:
        st.rerun()
    ensure_worker()
    told = (
        _(job.doing["what"]) if job.doing.get("what") else _("Waiting for the worker; the first picture takes longest")
    )
    st.progress(job.doing.get("share") or 0.0, f"{told} … {words.left(job.remaining(time.time()))}")
