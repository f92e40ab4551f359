"""One run as it goes: progress, its references, curves; and its result once it is there."""

from __future__ import annotations

import time

import streamlit as st

from app import charts, data, frame, words
from dtml.comparison import gap_closed
from dtml.experiment import Role
from dtml.language import _
from dtml.runs.folder import RunFolder, read_arrays
from dtml.runs.records import Run

Signature = tuple[tuple[str, str], ...]


def show(run: Run, drawn: Signature) -> None:
    """The live view of a run; it repeats itself each second until the run and its references have ended.

    `drawn` is the signature taken before the page was drawn.
    """
    moving = any(not each.ended for each in data.family(run).values())
    frame.polling(_view, 1.0 if moving else None)(run.id, drawn)


def signature(run: Run) -> Signature:
    """The states of all that the page shows; when it changes the whole page is drawn anew."""
    shown = [*data.family(run).values(), *data.store().runs(limit=30)]
    return tuple((each.id, each.state) for each in shown)


def _view(identity: str, drawn: Signature) -> None:
    run = data.store().run(identity)
    if signature(run) != drawn:
        st.rerun()
    data.keep_worker()
    _progress(run)
    family = data.family(run)
    if any(each.state != "finished" for each in family.values()) and len(family) > 1:
        _references(family)
    _curves(family)


def cancel(identity: str) -> None:
    """Ask for a run to stop."""
    data.store().cancel(identity)
    st.toast(_("The run stops at its next report."))


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
                step=run.step, steps=run.experiment.training.steps
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
    steps = run.experiment.training.steps
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


def _curves(family: dict[Role, Run]) -> None:
    metrics = {role: data.metrics(run) for role, run in family.items()}
    own = metrics[next(iter(family))]
    shown = {role: values for role, values in metrics.items() if role in ("adapted", "twin") or len(metrics) == 1}
    accuracy, losses = charts.accuracy_curves(dict(shown)), charts.loss_curves(own)
    if accuracy is None and losses is None:
        if not next(iter(family.values())).ended:
            st.caption(_("The curves appear with the first snapshot."))
        return
    left, right = st.columns(2)
    if accuracy:
        left.markdown("**" + _("Accuracy on the probe samples (target solid, source dashed)") + "**")
        left.vega_lite_chart(
            *accuracy,
            key="accuracy",
            width="stretch",
            alt=_("Accuracy of source and target over the steps of training."),
        )
    if losses:
        right.markdown("**" + _("Loss terms, weighted") + "**")
        right.vega_lite_chart(
            *losses, key="losses", width="stretch", alt=_("The loss terms over the steps of training.")
        )
    watched = charts.watched_curves(own)
    if watched:
        for cell, (name, chart) in zip(st.columns(max(2, len(watched))), watched.items(), strict=False):
            cell.markdown(f"**{words.watched(name)}**")
            cell.vega_lite_chart(*chart, key=f"watched-{name}", width="stretch", alt=words.watched(name))


def result(run: Run) -> None:
    """What came out: the last checkpoint's accuracy on the target's test split, beside its references."""
    if not run.result:
        return
    family = {role: each for role, each in data.family(run).items() if each.result}
    values = {role: each.result.get("target_test_accuracy") for role, each in family.items()}
    own = values.get(run.role)
    st.subheader(_("Target test accuracy, last checkpoint"))
    for cell, (role, value) in zip(st.columns(4), values.items(), strict=False):
        difference = None if role == run.role or None in (own, value) else own - value
        delta = None if difference is None else _("adapted {points}").format(points=words.points(difference))
        cell.metric(
            words.role(role),
            words.percent(value),
            delta,
            border=True,
            help=words.role_help(role),
            delta_color="off",
            delta_arrow="off",
            height="stretch",
        )
    _gap(values)
    _sample_transfer(run)
    pictures(run)
    if run.role == "adapted":
        st.caption(_("One seed does not prove an improvement; repeat the pair with several seeds before saying so."))
    oracle = run.result.get("oracle_target_accuracy")
    if oracle is not None:
        st.caption(
            ":orange-badge[:material/visibility: "
            + _("oracle")
            + "] "
            + _(
                "The best snapshot, chosen with the target's labels, reached {value} on the probe; "
                "this is not a result."
            ).format(value=words.percent(oracle))
        )


def _sample_transfer(run: Run) -> None:
    """What the distances alone are worth: target samples classified by labelled source samples."""
    neighbours, prototypes = (run.result.get(f"target_{name}_accuracy") for name in ("knn", "prototype"))
    if neighbours is not None:
        st.caption(
            _(
                "Without the classifier: {neighbours} by the nearest source embeddings, {prototypes} by the nearest "
                "class mean of the source."
            ).format(neighbours=words.percent(neighbours), prototypes=words.percent(prototypes))
        )
    if run.result.get("checkpoint", "last") != "last":
        told = _("Checkpoint: step {step}, chosen by {validator} without target labels; the last one reached {last}.")
        step, last = (run.result.get(key) for key in ("checkpoint_step", "last_target_test_accuracy"))
        st.caption(told.format(step=step, validator=run.result["checkpoint"], last=words.percent(last)))


def pictures(run: Run) -> None:
    """Images that the run made, row by row beside real ones."""
    folder = RunFolder(run.id)
    if not folder.pictures.exists():
        return
    st.subheader(_("Redrawn images"))
    titles = {"source": _("Source"), "translated": _("Redrawn"), "target": _("Real target")}
    rows = read_arrays(folder.pictures)
    for name in titles:
        st.markdown(f"**{titles[name]}**")
        st.image(charts.strip(rows[name][:20]), width="stretch")


def _gap(values: dict[Role, float | None]) -> None:
    adapted, below, above = (values.get(role) for role in ("adapted", "source_only", "target_only"))
    if adapted is None or below is None or above is None:
        return
    share = gap_closed(adapted, below, above)
    if share is not None:
        st.markdown(
            _("The adaptation closed **{share}** of the gap between source only and target only.").format(
                share=f"{100 * share:.0f} %"
            )
        )
