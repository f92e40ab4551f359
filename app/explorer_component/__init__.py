"""The explorer in the browser: a component of the project's own, drawn by WebGL.

Its scripts are plain modules; Streamlit takes one, so they are joined here in the order of their imports.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

HERE = Path(__file__).parent
MODULES = (
    "payload", "grid", "colours", "elements", "shaders", "renderer", "panels", "hover", "legend", "toolbar",
    "pointer", "explorer", "index",
)  # fmt: skip


def script() -> str:
    """All modules as one; only the last one's default export is left."""
    parts = [(HERE / f"{name}.js").read_text("utf-8") for name in MODULES]
    joined = re.sub(r"^import [^;]*;\n", "", "\n".join(parts), flags=re.MULTILINE)
    return re.sub(r"^export (?!default)", "", joined, flags=re.MULTILINE)


_mount = st.components.v2.component("dtml.explorer", css=(HERE / "style.css").read_text("utf-8"), js=script())


def mount(payload: bytes, key: str, changed: Callable[[], None], missing: Callable[[], None]) -> Any:
    """The explorer on the page.

    Args:
        payload: what `app.payload` packs.
        changed: called when a person selects other samples; their rows are in the component's state as `selected`.
        missing: called where the browser has no WebGL.
    """
    return _mount(data=payload, key=key, on_selected_change=changed, on_missing_change=missing)
