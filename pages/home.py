"""Home: what this is, the first run at one click, and what came out last."""

from __future__ import annotations

import streamlit as st

from app import data, frame, tables
from app.frame import ROOT
from dtml.errors import Problem
from dtml.language import _

runs = data.store().runs(limit=40)

text, picture = st.columns([5, 4], gap="large", vertical_alignment="center")
with text:
    st.title(_("Deep transfer metric learning that can be looked at"))
    st.markdown(
        _(
            "Train a network on labelled **source** data, adapt it to **target** data without labels, and see how the "
            "embeddings of both domains move together."
        )
    )
    if st.button(_("Launch the default run"), type="primary", icon=":material/play_arrow:", key="launch-default"):
        with st.spinner(_("Starting the worker …"), show_time=True):
            launched = data.launch(data.example(data.DEFAULT_EXAMPLE), data.REFERENCES)
        frame.go("runs", run=launched.id)
    st.caption(_("Handwritten digits → digits on photographs with DANN; nothing is downloaded, about a minute."))
with picture:
    st.image(
        str(ROOT / "assets" / "before-after.svg"),
        width="stretch",
        alt=_("Two clouds of points before and after adaptation."),
    )
    st.caption(_("A sketch: before | after. Colour is the class, the symbol is the domain (● source, ◇ target)."))

steps = [
    (
        _("1 · Choose"),
        ":material/tune:",
        _("A task, a network, how it is trained, and what draws the domains together."),
    ),
    (
        _("2 · Train"),
        ":material/monitoring:",
        _("Watch accuracy and losses live; the run without alignment is trained beside it."),
    ),
    (
        _("3 · Look"),
        ":material/scatter_plot:",
        _("Compare the embeddings before and after, and read the honest numbers."),
    ),
]
for cell, (title, icon, told) in zip(st.columns(3), steps, strict=True):
    with cell.container(border=True, height="stretch"):
        st.markdown(f"#### {icon} {title}")
        st.markdown(told)

st.subheader(_("Last runs"))
if runs:
    tables.results(runs)
else:
    st.info(
        _("No run yet. The first one takes about a minute; its accuracy with and without alignment will stand here."),
        icon=":material/hourglass_empty:",
    )

st.subheader(_("Ready-made experiments"))
examples = list(data.examples().items())
for first in range(0, len(examples), 3):
    for cell, (name, raw) in zip(st.columns(3), examples[first : first + 3], strict=False):
        with cell.container(border=True, height="stretch"):
            try:
                tables.example_card(name, raw)
            except Problem as problem:
                st.caption(str(problem))
