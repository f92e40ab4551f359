"""Embeddings: both domains before | after adaptation."""

from __future__ import annotations

import streamlit as st

from app import changes, data, explorer, frame, picture, takeaway
from app.language import summary
from dtml import catalogue
from dtml.language import _

heading, corner = st.columns([6, 1], vertical_alignment="center")
heading.title(_("Embeddings before and after adaptation"))
chosen = frame.chosen_run()
finished = [run for run in data.store().runs(states=["finished"]) if run.role == "adapted"]
underway = explorer.underway(chosen)
if underway:
    frame.polling(explorer.wait_for, 1.0)(underway.id)
if not finished:
    if underway:
        st.stop()
    frame.nothing_yet(
        _("No adapted run has finished yet. Launch one: its embeddings before and after will be shown here."),
        _("Launch a run"),
        "launch",
    )
    st.stop()
first, *cells = explorer.row()
with first:
    run = explorer.choose(finished, chosen, awaited=underway is not None)
twin = explorer.twin_of(run)
if twin is None:
    st.stop()

controls = explorer.controls(cells, run)
shown = explorer.states(run, twin, controls)
if controls.layout == "shared":
    st.warning(
        _(
            "A joint map leaks: samples of “before” are pulled towards their positions “after”. Use it only to "
            "follow single samples."
        ),
        icon=":material/warning:",
    )
spec = explorer.spec(shown, controls)
with corner, st.container(horizontal=True, horizontal_alignment="right"):
    takeaway.show(run, spec)
picture.show(run, twin, shown, controls, spec)
st.caption(
    summary(catalogue.entry("projection", controls.method))
    + " "
    + _(
        "All panels have the same scale. Click a class in the legend to hide it, double-click to see it alone; the "
        "class's name stands in the middle of its source samples. One picture is not enough: compare with the other "
        "projection."
    )
)
changes.show(run, twin, controls.step)
