"""Compare: several runs beside each other, over seeds, and sweeps that make them."""

from __future__ import annotations

import streamlit as st

from app import compare, data, frame, labels, overlay, sweep
from dtml.language import _
from dtml.runs.compare import groups, lines

st.title(_("Compare runs"))
runs = data.store().runs()
if not any(run.role == "adapted" for run in runs):
    frame.nothing_yet(
        _("No run yet. Launch one, or a whole sweep of methods and seeds: they will be compared here."),
        _("Launch a run"),
        "launch",
    )
with st.expander(
    _("Launch a sweep: methods × seeds"), icon=":material/grid_view:", key="sweep", on_change="rerun"
) as box:
    if box.open:
        sweep.form(runs)
if not runs:
    st.stop()

chosen = compare.choose(runs)
if not chosen:
    st.info(_("No finished adapted run is chosen; choose runs above."), icon=":material/info:")
    st.stop()
if any(not run.ended for run in chosen):
    frame.polling(compare.progress, 1.0)([run.id for run in chosen], sum(run.ended for run in chosen))

compare.tasks_differ(chosen)
found = lines(data.store(), chosen)
methods = groups(found)
titles = compare.group_titles(methods)
if methods:
    st.header(_("Methods over their seeds"))
    pinned = compare.baseline(methods, titles)
    compare.groups_table(methods, titles, pinned)
    st.caption(
        _(
            "Target test accuracy of the last checkpoint, the best first; intervals at 95 % over seeds. Differences "
            "are paired by seed, and one seed never shows an improvement."
        )
    )
    compare.accuracy_picture(methods, titles)
    labels.show(methods)

st.header(_("Runs, and only what differs"))
compare.runs_table(found)
st.caption(
    _(
        "A click on a heading sorts. The oracle is the best snapshot by the target's labels, on the probe samples "
        "instead of the test split: what could be found, not a result."
    )
)
if not methods and any(run.state == "finished" for run in chosen):
    st.info(_("The target has no labels, so the methods cannot be ranked by its accuracy."), icon=":material/info:")
if methods:
    st.header(_("Curves"))
    overlay.curves(methods, titles)
    st.header(_("Embeddings in one projection"))
    overlay.multiples(methods, titles)
