"""What came out of a run, beside its references."""

from __future__ import annotations

import streamlit as st

from app import charts, data, words
from dtml.comparison import gap_closed
from dtml.experiment import Role
from dtml.language import _
from dtml.runs.folder import RunFolder, read_arrays
from dtml.runs.records import Run


def show(run: Run) -> None:
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
            words.reached(value),
            delta,
            border=True,
            help=words.role_help(role),
            delta_color="off",
            delta_arrow="off",
            height="stretch",
        )
    _gap(values)
    _sample_transfer(run)
    _pictures(run)
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


def _pictures(run: Run) -> None:
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
