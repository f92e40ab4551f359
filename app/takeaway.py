"""Take away: a finished run as a report, its data, its model, its experiment, each made at the click."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import streamlit as st

from app import address, data, frame, words
from dtml.export import jobs
from dtml.export.files import Wanted, content, file_name
from dtml.figures.stated import FORMATS, Format, figure_config, stated
from dtml.language import _, language, set_language
from dtml.runs.launcher import ensure_worker
from dtml.runs.provenance import provenance
from dtml.runs.records import Run
from dtml.runs.store import Store

_FORMAT = "takeaway-format"
TYPES = {
    "html": "text/html",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "safetensors": "application/octet-stream",
    "toml": "application/toml",
    "script": "text/x-python",
}


def show(run: Run, spec: Mapping[str, Any] | None = None) -> None:
    """The button that opens it all; nothing for a run that is not finished.

    Args:
        spec: the picture on the page, which the report and the coordinates then show.
    """
    if run.state != "finished":
        return
    with st.popover(_("Take away"), icon=":material/download:", key=f"takeaway-{run.id}"):
        with _row(_("Report")):
            _button(_("HTML file"), run, Wanted("html"), spec, _("Interactive figures; opens without a network."))
        for part, title in (("samples", _("Samples")), ("curves", _("Curves"))):
            with _row(title):
                for format_, label in (("csv", "CSV"), ("parquet", "Parquet")):
                    _button(label, run, Wanted(format_, part), spec)
        with _row(_("Model")):
            _button("safetensors", run, Wanted("safetensors"), spec, _("The weights, with experiment and classes."))
            _onnx(run)
        with _row(_("Repeat it")):
            _button("TOML", run, Wanted("toml"), spec, _("`dtml train FILE.toml` repeats it from the command line."))
            _button(_("Python script"), run, Wanted("script"), spec)
        with _row(_("Link")):
            st.code(address.link(), language=None, wrap_lines=True)
        with _row(_("Pictures")):
            st.segmented_control(
                _("A picture’s camera saves"),
                FORMATS,
                default=FORMATS[0],
                required=True,
                key=_FORMAT,
                persist_state="session",
                format_func=str.upper,
            )


@contextmanager
def _row(title: str) -> Iterator[None]:
    """What is offered, beside its name."""
    name, offered = st.columns([1, 3], vertical_alignment="center")
    name.markdown(f"**{title}**")
    with offered, st.container(horizontal=True, vertical_alignment="center"):
        yield


def chart(figure: Any, run: Run, name: str, alt: str) -> None:
    """A Plotly figure of a run that states where it comes from, and whose camera saves the format that was chosen."""
    st.plotly_chart(
        stated(figure, provenance(run)), width="stretch", key=name, config=config(f"{run.id}-{name}"), alt=alt
    )


def config(name: str) -> dict[str, Any]:
    """What the buttons above the Plotly figure `name` do; the camera saves the format that was chosen."""
    return figure_config(name, picture_format())


def picture_format() -> Format:
    """PNG or SVG, as was chosen in this visit."""
    chosen = st.session_state.get(_FORMAT)
    return chosen if chosen in FORMATS else FORMATS[0]


def maker(store: Store, run: Run, wanted: Wanted, spec: Mapping[str, Any] | None) -> Callable[[], bytes]:
    """What makes a file at the click, in a thread of its own: it speaks the language of the page."""
    spoken = language()

    def make() -> bytes:
        set_language(spoken)
        return content(store, [run], wanted, spec=spec, compute=False)

    return make


def _button(label: str, run: Run, wanted: Wanted, spec: Mapping[str, Any] | None, told: str | None = None) -> None:
    st.download_button(
        label,
        maker(data.store(), run, wanted, spec),
        file_name([run], wanted),
        TYPES[wanted.format],
        on_click="ignore",
        key=f"takeaway-{wanted.format}-{wanted.part}-{run.id}",
        help=told,
    )


def _onnx(run: Run) -> None:
    """The ONNX file, which the worker makes: a button that asks for it, its progress, or the file."""
    told = jobs.checked(run.id)
    if told:
        path = jobs.onnx_file(run.id)
        st.download_button(
            "ONNX",
            path.read_bytes,
            file_name([run], Wanted("onnx")),
            "application/octet-stream",
            on_click="ignore",
            key=f"takeaway-onnx-{run.id}",
            help=told,
        )
        return
    job = data.store().find_job(jobs.onnx_key(run.id))
    if job and job.state != "failed":
        frame.polling(_wait_for_onnx, 1.0)(run.id)
        return
    if job and job.error:
        st.error(str(job.error), icon=":material/error:")
    if st.button(
        _("Make ONNX"),
        key=f"takeaway-make-onnx-{run.id}",
        help=_("The worker writes the file and checks it against the trained model; the first time takes longest."),
    ):
        jobs.ask_for_onnx(data.store(), run)
        ensure_worker()
        st.rerun()


def _wait_for_onnx(identity: str) -> None:
    job = data.store().find_job(jobs.onnx_key(identity))
    if job is None or job.state in ("finished", "failed"):
        st.rerun()
    ensure_worker()
    told = _(job.doing["what"]) if job.doing.get("what") else _("Waiting for the worker")
    st.progress(job.doing.get("share") or 0.0, f"{told} … {words.left(job.remaining(time.time()))}")
