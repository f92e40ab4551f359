"""The one selection of samples of each run, which the explorer and the list below it share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

KEY = "explorer-selection"
PUSHED = "explorer-pushed"
MISSING = "explorer-missing"


def rows(identity: str) -> list[int]:
    """The selected probe rows of a run."""
    return list(st.session_state.get(KEY, {}).get(identity, []))


def take(identity: str, chosen: Any, count: int) -> None:
    """What a person selected in the picture; whatever is no row of `count` samples is left out."""
    valid = {row for row in chosen or [] if isinstance(row, int) and 0 <= row < count}
    st.session_state[KEY] = {**st.session_state.get(KEY, {}), identity: sorted(valid)}


def push(identity: str, chosen: Sequence[int]) -> None:
    """What a person selected outside the picture; the picture follows."""
    own = sorted({int(row) for row in chosen})
    stamp = st.session_state.get(PUSHED, {}).get("stamp", 0) + 1
    st.session_state[KEY] = {**st.session_state.get(KEY, {}), identity: own}
    st.session_state[PUSHED] = {"run": identity, "stamp": stamp, "rows": own}


def pushed(identity: str) -> dict[str, Any] | None:
    """The last selection that the picture has to follow."""
    last = st.session_state.get(PUSHED)
    return last if last and last["run"] == identity else None


def without_webgl() -> bool:
    """Whether this visit's browser said that it has no WebGL."""
    return bool(st.session_state.get(MISSING))


def lacks_webgl() -> None:
    """Remember that this visit's browser has no WebGL."""
    st.session_state[MISSING] = True
