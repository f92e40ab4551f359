"""Methods: everything that can be chosen, from the catalogue."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import forms, published, words
from app.language import summary, title
from dtml import catalogue
from dtml.language import _

st.title(_("Methods"))
st.caption(_("Everything that can be chosen. This page is made from the files of the methods themselves."))
kinds = [kind for kind, entries in catalogue.entries().items() if entries]
start = st.query_params.get("kind", "alignment")
kind = st.segmented_control(
    _("Kind"),
    kinds,
    default=start if start in kinds else kinds[0],
    format_func=words.kind,
    required=True,
    key="kind",
    label_visibility="collapsed",
    persist_state="session",
)
st.query_params["kind"] = kind

for name, entry in catalogue.entries()[kind].items():
    with st.container(border=True):
        st.markdown(f"### {title(entry)} :small[`{name}`]")
        st.markdown(summary(entry))
        if entry["formula"]:
            st.latex(entry["formula"])
        if entry["claims"]:
            with st.container(horizontal=True, gap="small"):
                for claim in entry["claims"]:
                    st.badge(words.claim(claim), color="gray", icon=":material/check:")
        if entry["parameters"]:
            st.dataframe(
                pd.DataFrame(
                    [
                        {
                            _("Parameter"): key,
                            _("Meaning"): forms.label(key, {**schema, "unit": ""}),
                            _("Default"): str(schema["default"]) if schema["default"] != "" else "–",
                            _("Allowed"): catalogue.allowed(schema),
                            _("Unit"): schema.get("unit") or "–",
                        }
                        for key, schema in entry["parameters"].items()
                    ]
                ),
                hide_index=True,
                width="stretch",
                key=f"parameters-{kind}-{name}",
                alt=_("The parameters of {name}.").format(name=title(entry)),
            )
        published.datasets(entry)
        paper = entry["paper"]
        if paper:
            where = f", {paper['equation']}" if paper["equation"] else ""
            st.caption(f"{paper['authors']} ({paper['year']}): [{paper['title']}]({paper['link']}){where}")
