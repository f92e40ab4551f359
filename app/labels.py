"""Accuracy over the label budget, where the compared runs differ by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from app import compare
from dtml.figures.budget import accuracy_over_labels
from dtml.language import _
from dtml.runs.budgets import curve_key, curves
from dtml.runs.compare import Group


def show(groups: Sequence[Group]) -> None:
    """Accuracy over the label budget, where groups differ by it."""
    found = curves(groups)
    if not found:
        return
    first = {curve_key(next(iter(g.lines.values())).run.experiment): g for g in reversed(groups)}
    titles = [_without_budget(first[curve.key]) for curve in found]
    named = {
        title if titles.count(title) == 1 else f"{title} · {c.key[:4]}": c
        for title, c in zip(titles, found, strict=True)
    }
    st.header(_("Accuracy over the label budget"))
    st.plotly_chart(
        accuracy_over_labels(named),
        width="stretch",
        key="compare-labels",
        config=compare.PLAIN,
        alt=_("Target accuracy over the number of labelled target samples, with intervals over seeds."),
    )
    st.caption(
        _(
            "Intervals at 95 % over seeds. A larger budget of a seed contains the smaller one; the test samples, on "
            "which the accuracy is measured, are never learned from."
        )
    )


def _without_budget(group: Group) -> str:
    """What tells a group from those with another label budget alone."""
    return compare.group_title(replace(group, values={key: v for key, v in group.values.items() if key != "labels"}))
