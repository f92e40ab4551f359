"""What is told of the public datasets of a task."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dtml.language import _
from dtml.tasks.datasets import stated


def datasets(entry: dict[str, Any]) -> None:
    """The datasets that a task reads, folded away: origin, terms, citation, size, layout, download."""
    for dataset in entry.get("datasets", []):
        with st.expander(_("Dataset: {title}").format(title=dataset["title"]), icon=":material/dataset:"):
            for what, told in stated(dataset):
                escaped = told.replace("<", "&lt;").replace("_", "\\_")
                st.markdown(f"**{what}**: {escaped}")
