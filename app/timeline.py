"""The phases of a run as one bar: what is done, what runs now, what comes."""

from __future__ import annotations

import html
from typing import Any

import streamlit as st

from app import language
from dtml.language import _
from dtml.runs.records import Run


def show(run: Run) -> None:
    """The bar, where a run has more than one phase or further steps."""
    parts = _parts(run)
    if len(parts) < 2:
        return
    told = "; ".join(f"{title}, {span}" for title, span, _share in parts)
    segments = "".join(
        f'<div role="listitem" class="dtml-phase" style="flex-grow:{steps}">'
        f'<i style="width:{100 * share:.1f}%"></i><b>{html.escape(title)}</b><small>{span}</small></div>'
        for (title, span, share), steps in zip(parts, _lengths(run), strict=True)
    )
    label = html.escape(_("Phases of the training: {phases}").format(phases=told), quote=True)
    st.html(f'<div class="dtml-phases" role="list" aria-label="{label}">{segments}</div>')


def _parts(run: Run) -> list[tuple[str, str, float]]:
    """Title, span of steps and share done of each phase."""
    step = run.experiment.training.total if run.state == "finished" else run.step
    return [
        (
            language.text(phase["title"]),
            _("steps {first}–{last}").format(first=phase["step"], last=phase["step"] + phase["steps"]),
            min(1.0, max(0.0, (step - phase["step"]) / max(1, phase["steps"]))),
        )
        for phase in _phases(run)
    ]


def _lengths(run: Run) -> list[int]:
    return [max(1, phase["steps"]) for phase in _phases(run)]


def _phases(run: Run) -> list[dict[str, Any]]:
    """The phases, the further steps apart."""
    phases = list(run.info.get("phases", []))
    more = run.experiment.training.more
    if not phases or not more:
        return phases
    last = {**phases[-1], "steps": phases[-1]["steps"] - more}
    further = {"title": [_("Further steps")] * 2, "step": run.experiment.training.steps, "steps": more}
    return [*phases[:-1], last, further]
