"""Choose: which source, or backbone, suits a target, before anything is trained."""

from __future__ import annotations

import streamlit as st

from app import choose
from dtml.errors import Problem
from dtml.language import _

st.title(_("Choose a source"))
st.caption(
    _(
        "Several sources, or backbones, for one target: distances, transferability scores and plain k-NN accuracy "
        "before any training, and later how that agreed with what was reached."
    )
)
spec = None
with st.container(border=True):
    try:
        spec = choose.form()
    except Problem as problem:
        st.error(str(problem), icon=":material/error:")
    choose.button(spec)
found = choose.shown(spec)
if found:
    choose.show(found)
