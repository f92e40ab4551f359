"""One run as it goes: progress, its phases, its references, curves, and the embeddings of its newest snapshot."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

import streamlit as st

from app import charts, cloud, data, frame, timeline, words
from dtml import paths
from dtml.errors import Problem
from dtml.experiment import Role
from dtml.language import _, language
from dtml.runs.records import Run

OFTEN, SELDOM = 1.0, (3.0, 4.0)
"""Seconds between two looks at the progress, and at curves and embeddings: each visit has a pace of its own, or a
class that opened the page together would ask for its curves together."""


def show(run: Run, drawn: object) -> None:
    """The live view of a run; it repeats itself until the run and its references have ended.

    `drawn` is the signature of the moment that the page was drawn at.
    """
    moving = any(not each.ended for each in data.moment(run.id).family.values())
    frame.polling(_progress_view, OFTEN if moving else None)(run.id, drawn)
    frame.polling(_curves_view, _seldom() if moving else None)(run.id)


def _progress_view(identity: str, drawn: object) -> None:
    now = data.moment(identity)
    if now.signature != drawn:
        st.rerun()
    run, family = now.run, now.family
    data.keep_worker()
    _progress(run)
    timeline.show(run)
    if any(each.state != "finished" for each in family.values()) and len(family) > 1:
        _references(family)


def _curves_view(identity: str) -> None:
    family = data.moment(identity).family
    metrics = {role: data.metrics(run) for role, run in family.items()}
    own = metrics[next(iter(family))]
    moving = any(not each.ended for each in family.values())
    if not any(values for _step, values in own):
        if moving:
            st.caption(_("The curves appear with the first snapshot."))
        return
    told = tuple((role, run.id, len(metrics[role])) for role, run in family.items())
    drawn = _drawn(str(paths.home()), told, language(), metrics)
    _curves(drawn)
    if moving:
        cloud.show(family)
    _watched(drawn)


def _seldom() -> float:
    pace: float = st.session_state.setdefault("pace", random.uniform(*SELDOM))
    return pace


def cancel(identity: str) -> None:
    """Ask for a run to stop."""
    data.store().cancel(identity)
    st.toast(_("The run stops at its next report."))


def go_on(identity: str) -> None:
    """Queue a cancelled run again."""
    data.store().go_on(identity)
    data.keep_worker()


def keep_training(run: Run) -> None:
    """A popover that queues the run anew with further steps; it takes over what was trained."""
    training = run.experiment.training
    with st.popover(_("Keep training"), icon=":material/add_circle:"):
        st.caption(
            _(
                "The run goes on from its last state, with the learning rate and λ that its schedules ended on. It "
                "becomes a run of its own; its references follow."
            )
        )
        more = st.number_input(
            _("Further steps"), 1, None, max(1, training.steps // 2), step=max(1, training.steps // 10), key="more"
        )
        try:
            longer = run.experiment.longer(int(more))
        except Problem as problem:
            st.info(str(problem), icon=":material/info:")
            return
        if st.button(_("Go on"), type="primary", key=f"more-{run.id}"):
            references = tuple(role for role in data.family(run) if role != "adapted")
            frame.go("runs", run=data.launch(longer, references).id)


def _progress(run: Run) -> None:
    if run.error:
        st.error(str(run.error), icon=":material/error:")
    if run.state in ("queued", "lost"):
        st.progress(0.0, _waiting(run))
    elif run.state == "running":
        st.progress(*_now(run))
    elif run.state == "cancelled":
        st.warning(
            _("This run was cancelled at step {step} of {steps}; what it had recorded is kept.").format(
                step=run.step, steps=run.experiment.training.total
            )
        )


def _waiting(run: Run) -> str:
    others = data.store().runs(states=["queued", "running", "lost"])
    ahead = [other for other in others if other.created < run.created]
    if not ahead:
        return _("Waiting for the worker, which needs a few seconds to start")
    running = next((other for other in ahead if other.state == "running"), ahead[-1])
    return _("Queued; {count} ahead, first {run}").format(count=len(ahead), run=running.id)


def _now(run: Run) -> tuple[float, str]:
    """How far a running run is, and the words for it."""
    steps = run.experiment.training.total
    left = words.left(run.remaining(time.time()))
    if run.prepared is not None:
        return run.prepared, f"{words.doing(run)} … {left}"
    told = _("{doing} · {percent} · step {step} of {steps}").format(
        doing=words.doing(run), percent=f"{100 * run.share:.0f} %", step=run.step, steps=steps
    )
    return min(1.0, run.share), f"{told} {left}"


def _references(family: dict[Role, Run]) -> None:
    """What the run is held against, and how far that is."""
    cells = st.columns(len(family))
    for cell, (role, run) in zip(cells, family.items(), strict=True):
        with cell.container(border=True):
            st.markdown(f"**{words.role(role)}**", help=words.role_help(role))
            told = words.state(run.state)
            if run.state == "running":
                left = run.remaining(time.time())
                told += f" {100 * run.share:.0f} %" + (f" · {words.duration(left)}" if left is not None else "")
            st.badge(told, icon=words.STATE_ICONS[run.state], color=words.STATE_COLOURS[run.state])


@dataclass(frozen=True)
class _Curves:
    """The charts of a run's metrics; `watched` by name."""

    accuracy: charts.Chart | None
    losses: charts.Chart | None
    watched: dict[str, charts.Chart]


@st.cache_resource(max_entries=32, show_spinner=False)
def _drawn(
    home: str, told: tuple[tuple[Role, str, int], ...], language: str, _metrics: dict[Role, charts.Metrics]
) -> _Curves:
    """The charts, drawn once for all visits of a language until there are more metrics: (role, run, how many)."""
    own = _metrics[told[0][0]]
    shown = {role: values for role, values in _metrics.items() if role in ("adapted", "twin") or len(told) == 1}
    return _Curves(charts.accuracy_curves(dict(shown)), charts.loss_curves(own), charts.watched_curves(own))


def _curves(drawn: _Curves) -> None:
    left, right = st.columns(2)
    if drawn.accuracy:
        left.markdown("**" + _("Accuracy on the probe samples (target solid, source dashed)") + "**")
        left.vega_lite_chart(
            *drawn.accuracy,
            key="accuracy",
            width="stretch",
            alt=_("Accuracy of source and target over the steps of training."),
        )
    if drawn.losses:
        right.markdown("**" + _("Loss terms, weighted") + "**")
        right.vega_lite_chart(
            *drawn.losses, key="losses", width="stretch", alt=_("The loss terms over the steps of training.")
        )


def _watched(drawn: _Curves) -> None:
    watched = list(drawn.watched.items())
    for first in range(0, len(watched), 4):
        for cell, (name, chart) in zip(st.columns(4), watched[first : first + 4], strict=False):
            cell.markdown(f"**{words.watched(name)}**")
            cell.vega_lite_chart(*chart, key=f"watched-{name}", width="stretch", alt=words.watched(name))
