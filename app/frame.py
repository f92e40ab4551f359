"""The pages by name, ways between them, and fragments that keep language and manners."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import streamlit as st

from app import language
from dtml.errors import Problem
from dtml.language import _

ROOT = Path(__file__).resolve().parent.parent


def pages() -> dict[str, st.Page]:
    """All pages in the order of the navigation, titled in the current language."""
    listed = [
        ("home", _("Home"), ":material/home:"),
        ("tasks", _("Data"), ":material/database:"),
        ("choose", _("Choose a source"), ":material/rule:"),
        ("launch", _("Launch"), ":material/rocket_launch:"),
        ("runs", _("Runs"), ":material/monitoring:"),
        ("embeddings", _("Embeddings"), ":material/scatter_plot:"),
        ("compare", _("Compare"), ":material/compare_arrows:"),
        ("methods", _("Methods"), ":material/menu_book:"),
    ]
    return {
        name: st.Page(ROOT / "pages" / f"{name}.py", title=title, icon=icon, url_path=name, default=name == "home")
        for name, title, icon in listed
    }


def go(page: str, **params: str) -> NoReturn:
    """Leave for another page; the language goes along."""
    st.switch_page(pages()[page], query_params={**params, **language.params()})


def link(page: str, label: str, *, icon: str | None = None, **params: str) -> None:
    """A link to another page; the language goes along."""
    st.page_link(pages()[page], label=label, icon=icon, query_params={**params, **language.params()})


def button(label: str, page: str, *, primary: bool = False, icon: str | None = None, **params: str) -> None:
    """A button that leads to another page."""
    key = "-".join(["to", page, *params.values()])
    if st.button(label, type="primary" if primary else "secondary", icon=icon, key=key):
        go(page, **params)


def nothing_yet(sentence: str, label: str, page: str) -> None:
    """An empty page: what will be here, and the next step."""
    with st.container(border=True, horizontal_alignment="center"):
        st.image(str(ROOT / "assets" / "before-after.svg"), width=420)
        st.markdown(sentence, width="content")
        button(label, page, primary=True, icon=":material/arrow_forward:")


def polling(view: Callable[..., None], every: float | None) -> Callable[..., None]:
    """`view` as a fragment that repeats itself; it knows the language and shows problems as sentences."""

    def shown(*arguments: object) -> None:
        language.restore()
        try:
            view(*arguments)
        except Problem as problem:
            st.error(str(problem), icon=":material/error:")

    return st.fragment(shown, run_every=every, key=f"{view.__module__}.{view.__qualname__}")


def chosen_run() -> str | None:
    """The run that the address names, else the one that this visit looked at last."""
    identity = st.query_params.get("run") or st.session_state.get("run")
    if identity:
        choose_run(identity)
    return identity


def choose_run(identity: str) -> None:
    """Put a run into the address, so that a reload and a link find it again."""
    st.session_state["run"] = identity
    if st.query_params.get("run") != identity:
        st.query_params["run"] = identity
        st.query_params.pop("after", None)  # a step of the run before
