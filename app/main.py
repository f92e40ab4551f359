"""Launcher of the dashboard: `streamlit run app/main.py`, from any folder."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

app = st.App(Path(__file__).parent / "ui.py")
