"""Tables and cards of runs and experiments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app import data, frame, words
from app.language import summary
from dtml import catalogue
from dtml.experiment import Experiment
from dtml.language import _
from dtml.runs.naming import described, heading, task_title, titles
from dtml.runs.records import Run

__all__ = ["described", "example_card", "heading", "results", "runs_table", "titles"]


def results(runs: Sequence[Run], limit: int = 4) -> None:
    """The newest adapted runs, each with its twin and a way to its picture."""
    shown = [run for run in runs if run.role == "adapted"][:limit] or list(runs[:limit])
    for run in shown:
        with st.container(border=True):
            name, state, own, twin, links = st.columns([4, 2, 2, 2, 3], vertical_alignment="center")
            seed = _("seed {seed}").format(seed=run.experiment.seed)
            name.markdown(f"**{heading(run)}**  \n:small[{words.moment(run.created)} · {seed}]")
            state.badge(words.state(run.state), icon=words.STATE_ICONS[run.state], color=words.STATE_COLOURS[run.state])
            reference = data.family(run).get("twin")
            for cell, each in ((own, run), (twin, reference if run.role == "adapted" else None)):
                if each:
                    accuracy = words.percent(each.result.get("target_test_accuracy"))
                    cell.markdown(f"**{accuracy}**  \n:small[{words.role(each.role)}]")
            with links:
                frame.link("runs", _("Details"), icon=":material/monitoring:", run=run.id)
                if run.role == "adapted" and run.state == "finished":
                    frame.link("embeddings", _("Embeddings"), icon=":material/scatter_plot:", run=run.id)


def example_card(name: str, raw: dict[str, Any]) -> None:
    """A bundled experiment: what it is, and a way to the form."""
    experiment = Experiment(**raw)
    entry = catalogue.entry("task", experiment.task.name)
    st.markdown(f"**{described(experiment)}**")
    st.caption(summary(entry))
    if entry["downloads"]:
        st.badge(_("data is fetched on request"), icon=":material/download:", color="gray")
    frame.button(_("Use this"), "launch", icon=":material/edit:", **{"from": name})


def runs_table(runs: Sequence[Run], chosen: str | None) -> None:
    """All runs; selecting a row puts the run into the address."""
    import pandas as pd  # the first page has no table, and need not wait for it

    rows = [
        {
            _("Run"): run.experiment.title or run.id,
            _("State"): words.state(run.state),
            _("Role"): words.role(run.role),
            _("Task"): task_title(run.experiment),
            _("Alignment"): titles("alignment", [each.name for each in run.experiment.alignment]) or "–",
            _("Metric"): titles("metric", [each.name for each in run.experiment.metric]) or "–",
            _("Seed"): run.experiment.seed,
            _("Target accuracy"): words.percent(run.result.get("target_test_accuracy")),
            _("Duration"): words.duration(words.spent(run)) if run.ended else "–",
            _("Created"): words.moment(run.created),
        }
        for run in runs
    ]
    identities = [run.id for run in runs]
    key = f"runs-{data.digest(identities)}"
    selected = {"selection": {"rows": [identities.index(chosen)]}} if chosen in identities else None
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        width="stretch",
        height=min(35 * (len(rows) + 1) + 3, 318),
        key=key,
        selection_mode="single-row-required",
        on_select=lambda: _select(key, identities),
        selection_default=selected,
        alt=_("All runs, newest first."),
    )


def _select(key: str, identities: list[str]) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    if rows:
        frame.choose_run(identities[rows[0]])
