"""Tasks: a person's own data, and the public datasets that are known."""

from __future__ import annotations

import streamlit as st

from app import preview, published, upload
from dtml import own, vocabulary
from dtml.errors import Problem
from dtml.language import _

st.title(_("Data"))
chosen = st.query_params.get("task", "")
try:
    mine = own.task(chosen) if chosen else None
except Problem as problem:
    st.warning(str(problem))
    mine = None
if mine:
    st.button(_("All tasks"), type="tertiary", icon=":material/arrow_back:", on_click=preview.leave)
    preview.show(mine)
    st.stop()

st.caption(
    _(
        "Your own two domains become a transfer task: a labelled source, and a target whose labels are optional. They "
        "are looked at first; nothing is trained on until you confirm."
    )
)
if refused := st.session_state.pop("refused", ""):
    st.error(f"{refused} " + _("Nothing was kept."), icon=":material/error:")
tasks = own.tasks()
if tasks:
    st.subheader(_("Your tasks"))
    for task in tasks.values():
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{task.name}** · {vocabulary.own_data(task.choice['name'])}")
            if task.confirmed:
                st.badge(_("confirmed"), icon=":material/check:", color="green")
            else:
                st.badge(_("to be looked at"), icon=":material/search:", color="orange")
            if st.button(_("Open"), key=f"open-{task.name}", icon=":material/arrow_forward:"):
                st.query_params["task"] = task.name
                st.rerun()
st.subheader(_("Add your own"))
with st.container(border=True):
    upload.form()
st.subheader(_("Public tasks"))
st.caption(
    _("What lies below DTML_DATA is used as it is; the rest is fetched on request, or its entry tells how to get it.")
)
published.tasks()
