"""Embeddings before | after: the choice of a run, its twin, and what of them to draw how."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

from app import address, data, frame, selection, tables, words
from app.language import title as title_of
from dtml import catalogue
from dtml.language import _
from dtml.projection.layout import Layout
from dtml.runs.folder import RunFolder
from dtml.runs.launcher import ensure_worker
from dtml.runs.pictures import State, last_state, picture_spec
from dtml.runs.records import Run

View = Literal["side", "moving", "training"]
Titled = list[tuple[str, State]]


@dataclass(frozen=True)
class Controls:
    """What to draw, and how.

    Attributes:
        domains: which domains, 0 source and 1 target.
        untrained: whether the untrained start, too.
        step: the snapshot that is "after".
        simple: the simple figure in place of the explorer.
    """

    method: str
    layout: Layout
    domains: list[int]
    untrained: bool
    view: View
    step: int
    simple: bool


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
        st.session_state["instead"] = (chosen, current)
    asked, given = st.session_state.get("instead", ("", ""))
    if given == current:  # also when the page is drawn anew and the address has been mended
        st.info(
            _("`{run}` is no finished adapted run, so another one is shown.").format(run=asked), icon=":material/info:"
        )
    key = "embeddings-run"
    st.session_state[key] = current
    st.selectbox(
        _("Run"),
        list(known),
        key=key,
        label_visibility="collapsed",
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
    return f"{accuracy} · {seed} · {tables.heading(run)} · {words.moment(run.created)}"


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


def row() -> list[Any]:
    """The cells of the one row of controls: run, view, projection, everything else."""
    return list(st.columns([10, 9, 4, 3], vertical_alignment="center"))


def controls(cells: list[Any], run: Run) -> Controls:
    """What a person chose in the cells for view, projection and everything else."""
    view_cell, method_cell, more_cell = cells
    with more_cell.popover(_("More"), icon=":material/tune:", width="stretch"):
        layout, domains, untrained, step, simple = _more(run)
    simple = simple or selection.without_webgl()
    views = {"side": _("Side by side"), "moving": _("Moving"), "training": _("Through training")}
    address.hold("view", "view", list(views), "side")
    view = view_cell.segmented_control(
        _("View"),
        list(views),
        required=True,
        label_visibility="collapsed",
        key="view",
        persist_state="session",
        format_func=lambda name: views[name],
        disabled=simple,
    )
    methods = sorted(catalogue.names("projection"), reverse=True)
    address.hold("method", "projection", methods, methods[0])
    method = method_cell.segmented_control(
        _("Projection"),
        methods,
        required=True,
        label_visibility="collapsed",
        key="method",
        persist_state="session",
        format_func=lambda name: title_of(catalogue.entry("projection", name)),
    )
    return Controls(method, layout, domains, untrained, "side" if simple else view, step, simple)


def _more(run: Run) -> tuple[Layout, list[int], bool, int, bool]:
    """Layout, domains, untrained start, the step that is "after", simple figure."""
    layouts = {"aligned": _("each on its own neighbours, aligned"), "shared": _("one joint map (leaks)")}
    address.hold("layout", "layout", list(layouts), "aligned")
    layout = st.segmented_control(
        _("Layout"),
        list(layouts),
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
    address.hold("domains", "domains", list(sides), "both")
    side = st.segmented_control(
        _("Domains"),
        list(sides),
        required=True,
        key="domains",
        persist_state="session",
        format_func=lambda name: sides[name],
    )
    steps = RunFolder(run.id).steps()
    step = st.select_slider(
        _("“After” at step"),
        steps,
        address.begin(f"after-{run.id}-begin", "after", steps, steps[-1]),
        key=f"after-{run.id}",
        help=_("Snapshots of the adapted run; the last one is its result."),
    )
    address.say("after", step, steps[-1])
    address.hold("untrained", "untrained", [False, True], False)
    untrained = st.toggle(_("Untrained start"), key="untrained", persist_state="session")
    address.hold("simple", "simple", [False, True], False)
    simple = st.toggle(
        _("Simple figure"),
        key="simple",
        persist_state="session",
        help=_("A plain chart, for browsers that cannot show the explorer, and to save the picture."),
    )
    return layout, {"both": [0, 1], "source": [0], "target": [1]}[str(side)], untrained, int(step), simple


def states(run: Run, twin: Run, chosen: Controls) -> Titled:
    """The states to draw with their titles.

    Side by side: start (on request), before, after. Moving: all three. Through training: every snapshot of the run.
    """
    if chosen.view == "training":
        return [(_("Step {step}").format(step=step), (run.id, step)) for step in RunFolder(run.id).steps()]
    first = (_("Untrained start"), (twin.id, RunFolder(twin.id).steps()[0]))
    before = last_state(twin.id)
    method = tables.titles("alignment", [choice.name for choice in run.experiment.alignment])
    return [
        *([first] if chosen.untrained or chosen.view == "moving" else []),
        (_("Before: without alignment, step {step}").format(step=before[1]), before),
        (_("After: {method}, step {step}").format(method=method, step=chosen.step), (run.id, chosen.step)),
    ]


def spec(shown: Titled, chosen: Controls) -> dict[str, Any]:
    """The description of the picture of these states."""
    return picture_spec([state for _title, state in shown], chosen.method, chosen.layout)
