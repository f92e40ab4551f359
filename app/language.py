"""The language switch. The address keeps the choice; the visit carries it from page to page."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dtml.language import LANGUAGES, closest, language, set_language

_KEY = "language"


def restore() -> None:
    """Speak the visit's language from here on; every run of a script or fragment begins with it."""
    given = st.query_params.get("lang") or st.session_state.get(_KEY) or st.context.locale
    set_language(closest(given))
    st.session_state[_KEY] = language()


def params() -> dict[str, str]:
    """The language as a part of an address."""
    return {"lang": language()}


def switch() -> None:
    """The switch itself, at the right edge above every page."""
    if st.query_params.get("lang") != language():
        st.query_params["lang"] = language()
    widget = f"{_KEY}-switch"
    st.session_state[widget] = LANGUAGES[language()]
    with st.container(key="language-row", horizontal=True, horizontal_alignment="right"):
        st.segmented_control(
            "Language · 语言",
            list(LANGUAGES.values()),
            key=widget,
            required=True,
            on_change=_chosen,
            args=(widget,),
            label_visibility="collapsed",
        )


def _chosen(widget: str) -> None:
    label = st.session_state[widget]
    st.query_params["lang"] = next(key for key, value in LANGUAGES.items() if value == label)


def text(pair: Any) -> str:
    """The half of an (English, 中文) pair that the reader wants."""
    return str(pair[1] if language() == "zh_CN" else pair[0])


def title(entry: dict[str, Any]) -> str:
    """What a person calls a component."""
    return text(entry["title"])


def summary(entry: dict[str, Any]) -> str:
    """A component in one sentence."""
    return text(entry["summary"])
