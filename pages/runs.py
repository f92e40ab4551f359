"""Runs: all of them, and one as it goes."""

from __future__ import annotations

import streamlit as st

from app import data, frame, live, result, tables, takeaway, words
from dtml.errors import Problem
from dtml.language import _

st.title(_("Runs"))
runs = data.store().runs()
if not runs:
    frame.nothing_yet(
        _("No run yet. Launch one: its progress, curves and result will be shown here."), _("Launch a run"), "launch"
    )
    st.stop()

if data.worker_missing():
    with st.spinner(_("Runs are waiting and no worker is alive; starting one …"), show_time=True):
        data.keep_worker()

chosen = frame.chosen_run() or data.foremost(runs).id
try:
    run = data.store().run(chosen)
except Problem as problem:
    st.error(str(problem), icon=":material/error:")
    run = data.foremost(runs)
drawn = data.moment(run.id).signature
runs, run = data.store().runs(), data.store().run(run.id)
tables.runs_table(runs, run.id)

st.header(tables.heading(run))
with st.container(horizontal=True, vertical_alignment="center"):
    st.badge(words.state(run.state), icon=words.STATE_ICONS[run.state], color=words.STATE_COLOURS[run.state])
    st.badge(words.role(run.role), color="gray", help=words.role_help(run.role))
    st.caption(f"`{run.id}`", width="content")
with st.container(horizontal=True):
    if not run.ended:
        st.button(
            _("Cancel this run"), icon=":material/cancel:", key=f"cancel-{run.id}", on_click=live.cancel, args=(run.id,)
        )
    if run.state == "cancelled":
        st.button(_("Go on"), icon=":material/play_arrow:", key=f"go-on-{run.id}", on_click=live.go_on, args=(run.id,))
    if run.role == "adapted" and run.state == "finished":
        frame.button(
            _("Look at the embeddings"), "embeddings", primary=True, icon=":material/scatter_plot:", run=run.id
        )
    if run.state == "finished":
        live.keep_training(run)
    frame.button(_("Launch a variant"), "launch", icon=":material/edit:", **{"from": run.id})
    takeaway.show(run)
    for adapted in data.adapted_of(run)[:2] if run.role != "adapted" else []:
        frame.button(_("Go to {run}").format(run=tables.heading(adapted)), "runs", run=adapted.id)

result.show(run)
live.show(run, drawn)

for remark in run.info.get("remarks", []):
    st.info(str(Problem.from_json(remark)), icon=":material/info:")
with st.expander(_("The experiment as a file"), icon=":material/description:"):
    if run.info.get("device"):
        st.caption(
            _("Device {device}, {precision}, {parameters} parameters.").format(
                device=run.info["device"], precision=run.info["precision"], parameters=f"{run.info['parameters']:,}"
            )
        )
    st.code(run.experiment.to_toml(), language="toml")
