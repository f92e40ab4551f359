"""The address of a view: what a person chose stands in it, so that a link opens the same view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import streamlit as st


def hold(key: str, name: str, options: Sequence[Any], default: Any) -> None:
    """Begin the widget `key` with what the address says of `name`; from then on the address says what it holds.

    Called before the widget, which takes no default of its own. The default is not written into the address.
    """
    say(name, begin(key, name, options, default), default)


def begin(key: str, name: str, options: Sequence[Any], default: Any) -> Any:
    """What a widget begins with: what the address said at the first look, else the default.

    For widgets that the browser mounts late, such as a slider in a closed popover: it takes the value that the
    widget was described with, so that must stay the same.
    """
    if st.session_state.get(key) not in options:
        given = st.query_params.get(name)
        st.session_state[key] = next((option for option in options if str(option) == given), default)
    return st.session_state[key]


def say(name: str, value: Any, default: Any = None) -> None:
    """Write a value into the address, or take it out where it is the default."""
    told = None if value == default else str(value)
    if told is None:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != told:
        st.query_params[name] = told


def link() -> str:
    """The whole address of this view."""
    page = str(st.context.url or "").partition("?")[0]
    return f"{page}?{urlencode(st.query_params.to_dict())}"
