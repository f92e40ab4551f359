"""Embeddings before | after: the choice of a run, the picture's computation, and the picture."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from app import data, frame, tables, words
from app.language import title as title_of
from dtml import catalogue
from dtml.figures.embeddings import Panel, embeddings
from dtml.language import _
from dtml.projection.layout import Layout
from dtml.runs.folder import RunFolder
from dtml.runs.launcher import ensure_worker
from dtml.runs.pictures import State, ask_for_picture, last_state, picture_key, read_picture
from dtml.runs.records import Run


def underway(chosen: str | None) -> Run | None:
    """The run that the address names where it is an adapted one that has not ended."""
    run = next((run for run in data.store().runs() if run.id == chosen), None)
    return run if run and run.role == "adapted" and not run.ended else None


def wait_for(identity: str) -> None:
    """How far a run is whose picture was asked for; the page follows by itself."""
    _progress_of(identity, _("“{run}” is {state}; its embeddings appear here once it has finished."))
    frame.link("runs", _("Watch it"), icon=":material/monitoring:", run=identity)


def _progress_of(identity: str, told: str) -> None:
    """A bar for a run, under a sentence with {run} and {state}; draws the page anew when the run has ended."""
    run = data.store().run(identity)
    if run.ended:
        st.rerun()
    data.keep_worker()
    sentence = told.format(run=tables.heading(run), state=words.state(run.state))
    st.progress(run.share, f"{sentence} {words.left(run.remaining(time.time()))}")


def choose(runs: list[Run], chosen: str | None, awaited: bool) -> Run:
    """A select box over finished adapted runs; the choice goes into the address, unless a run is `awaited` there."""
    known = {run.id: run for run in runs}
    current = chosen if chosen in known else _instead(chosen, known) or runs[0].id
    if chosen and chosen not in known and not awaited:
        st.info(
            _("`{run}` is no finished adapted run, so another one is shown.").format(run=chosen), icon=":material/info:"
        )
    key = "embeddings-run"
    st.session_state[key] = current
    st.selectbox(
        _("Run"),
        list(known),
        key=key,
        format_func=lambda identity: _label(known[identity]),
        on_change=lambda: frame.choose_run(st.session_state[key]),
    )
    if not awaited:
        frame.choose_run(current)
    return known[current]


def _instead(chosen: str | None, known: dict[str, Run]) -> str | None:
    """The finished adapted run that a twin or another reference belongs to."""
    run = next((run for run in data.store().runs() if run.id == chosen), None)
    adapted = data.adapted_of(run) if run else []
    return next((other.id for other in adapted if other.id in known), None)


def _label(run: Run) -> str:
    accuracy = words.percent(run.result.get("target_test_accuracy"))
    seed = _("seed {seed}").format(seed=run.experiment.seed)
    return f"{tables.heading(run)} · {seed} · {accuracy} · {words.moment(run.created)}"


def twin_of(run: Run) -> Run | None:
    """The finished twin of a run; where there is none yet, says what is missing and what to do."""
    twin = data.family(run).get("twin")
    if twin and twin.state == "finished":
        return twin
    if twin and not twin.ended:
        frame.polling(_wait_for_twin, 1.0)(twin.id)
        return None
    st.info(_("“Before” is the same run without alignment (its twin), and there is none yet."), icon=":material/info:")
    if st.button(_("Train the twin"), type="primary", key=f"twin-{run.id}"):
        data.store().submit(run.experiment.twin())
        with st.spinner(_("Starting the worker …"), show_time=True):
            ensure_worker()
        st.rerun()
    return None


def _wait_for_twin(identity: str) -> None:
    _progress_of(identity, _("“Before” is the twin of this run, which is {state}; the picture follows by itself."))


def controls() -> tuple[str, Layout, list[int], bool]:
    """What to draw: the projection, the layout, the domains, and whether the untrained start, too."""
    method_cell, layout_cell, domain_cell, start_cell = st.columns([4, 9, 6, 4], vertical_alignment="bottom")
    methods = sorted(catalogue.names("projection"), reverse=True)
    method = method_cell.segmented_control(
        _("Projection"),
        methods,
        default=methods[0],
        required=True,
        key="method",
        persist_state="session",
        format_func=lambda name: title_of(catalogue.entry("projection", name)),
    )
    layouts = {"aligned": _("each on its own neighbours, aligned"), "shared": _("one joint map (leaks)")}
    layout = layout_cell.segmented_control(
        _("Layout"),
        list(layouts),
        default="aligned",
        required=True,
        key="layout",
        persist_state="session",
        format_func=lambda name: layouts[name],
        help=_(
            "Aligned: every state is laid out by its own neighbours, started from the state before and turned onto it. "
            "Joint: all states in one fit, which draws “before” as if it were adapted already."
        ),
    )
    sides = {"both": _("both"), "source": _("● source"), "target": _("◇ target")}
    side = domain_cell.segmented_control(
        _("Domains"),
        list(sides),
        default="both",
        required=True,
        key="domains",
        persist_state="session",
        format_func=lambda name: sides[name],
    )
    untrained = start_cell.toggle(_("Untrained start"), key="untrained", persist_state="session")
    return method, layout, {"both": [0, 1], "source": [0], "target": [1]}[side], untrained


def after(run: Run) -> int:
    """The step whose snapshot is shown as “after”."""
    steps = RunFolder(run.id).steps()
    return int(
        st.select_slider(
            _("“After” at step"),
            steps,
            steps[-1],
            key=f"after-{run.id}",
            help=_("Snapshots of the adapted run; the last one is its result."),
        )
    )


def states(run: Run, twin: Run, step: int, untrained: bool) -> list[tuple[str, State]]:
    """The states to draw with their titles: start (on request), before, after at the chosen step."""
    first = [(_("Untrained start"), (twin.id, RunFolder(twin.id).steps()[0]))] if untrained else []
    before = last_state(twin.id)
    return [
        *first,
        (_("Before: without alignment, step {step}").format(step=before[1]), before),
        (
            _("After: {method}, step {step}").format(
                method=tables.titles("alignment", [c.name for c in run.experiment.alignment]), step=step
            ),
            (run.id, step),
        ),
    ]


def picture(spec: dict[str, Any], shown: list[tuple[str, State]], run: Run, domains: list[int]) -> None:
    """The picture, or the progress of its computation."""
    coordinates = read_picture(spec)
    if coordinates is None:
        job = ask_for_picture(data.store(), spec)
        if job.error and job.state == "failed":
            st.error(str(job.error), icon=":material/error:")
            return
        with st.spinner(_("Starting the worker …"), show_time=True):
            ensure_worker()
        frame.polling(_wait_for_picture, 0.7)(spec)
        return
    seen = data.probe(run.id)
    panels = [
        Panel(title, points, data.snapshot(*state)["probabilities"].argmax(1))
        for (title, state), points in zip(shown, coordinates, strict=True)
    ]
    st.plotly_chart(
        embeddings(panels, dict(seen), domains, st.context.theme.type == "dark"),
        width="stretch",
        key="embeddings",
        config={"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]},
        alt=_("Embeddings of source and target samples before and after adaptation, coloured by class."),
    )
    _numbers(shown, domains)


def _numbers(shown: list[tuple[str, State]], domains: list[int]) -> None:
    """Under each panel, how often its network is right on the samples drawn."""
    labels = (_("source accuracy (samples drawn)"), _("target accuracy (samples drawn)"))
    for cell, (_title, state) in zip(st.columns(len(shown)), shown, strict=True):
        accuracies = data.accuracies(*state)
        with cell.container(horizontal=True):
            for domain in domains:
                st.metric(labels[domain], words.percent(accuracies[domain]))


def _wait_for_picture(spec: dict[str, Any]) -> None:
    job = data.store().find_job(picture_key(spec))
    if job is None or job.state in ("finished", "failed") or read_picture(spec) is not None:
        st.rerun()
    ensure_worker()
    share = job.doing.get("share")
    told = (
        _(job.doing["what"]) if job.doing.get("what") else _("Waiting for the worker; the first picture takes longest")
    )
    st.progress(share or 0.0, f"{told} … {words.left(job.remaining(time.time()))}")
    st.skeleton(height=420)
