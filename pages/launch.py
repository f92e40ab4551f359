"""Launch: put an experiment together and start it."""

from __future__ import annotations

import streamlit as st

from app import builder, data, frame
from dtml.errors import Problem
from dtml.experiment import Experiment
from dtml.language import _

st.title(_("Launch a run"))
origin = st.query_params.get("from") or st.session_state.get("from", "")
st.session_state["from"] = origin
try:
    start = builder.start(origin)
except Problem as problem:
    st.warning(str(problem))
    start, origin = None, ""
if start:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            _("Prefilled with “{title}”; change what you like.").format(title=start.title or origin), width="content"
        )
        st.button(_("Start afresh"), type="tertiary", icon=":material/restart_alt:", on_click=builder.forget)

with st.container(key="form"):
    raw = builder.form(start, origin)
st.divider()
references = builder.references(raw["task"])

experiment: Experiment | None = None
wrong = ""
try:
    experiment = Experiment(**raw)
except Problem as problem:
    wrong = str(problem)

if st.button(_("Launch"), type="primary", icon=":material/rocket_launch:", key="launch") and experiment:
    with st.spinner(_("Starting the worker …"), show_time=True):
        run = data.launch(experiment, references)
    frame.go("runs", run=run.id)
if experiment:
    with st.expander(_("The experiment as a file"), icon=":material/description:"):
        st.caption(_("`dtml train FILE.toml` repeats it from the command line."))
        st.code(experiment.to_toml(), language="toml")
        st.download_button(
            _("Download"),
            experiment.to_toml,  # made at the click: a file made at every change is gone while the browser asks for it
            f"{experiment.task.name}.toml",
            "application/toml",
            icon=":material/download:",
            on_click="ignore",
        )
else:
    st.error(wrong, icon=":material/error:")
