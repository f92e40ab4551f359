"""What every page stands in: title bar, language, navigation."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from app import frame, language  # noqa: E402
from dtml import catalogue  # noqa: E402
from dtml.errors import Problem  # noqa: E402
from dtml.language import _  # noqa: E402

st.set_page_config(page_title="dtml", page_icon=str(ROOT / "assets" / "icon.png"), layout="wide")
language.restore()
st.html(ROOT / "app" / "style.css")
st.logo(str(ROOT / "assets" / "logo.png"), size="large")
page = st.navigation(list(frame.pages().values()), position="top")
language.switch()

try:
    with st.spinner(_("Reading the catalogue of methods (the first time takes some seconds) …"), show_time=True):
        catalogue.entries()
    page.run()
except Problem as problem:
    st.error(str(problem), icon=":material/error:")
except subprocess.CalledProcessError:
    st.error(_("The catalogue of methods could not be read; `dtml doctor` tells what is wrong."))
