"""The embeddings of a run that still trains: the newest snapshot, by principal components, at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import streamlit as st
from numpy.typing import NDArray

from app import data, words
from app.charts import Chart
from dtml.experiment import Role
from dtml.figures.palette import colour
from dtml.language import _, language
from dtml.projection.layout import rigid_fit
from dtml.projection.pca import PCA
from dtml.runs.folder import RunFolder, read_arrays
from dtml.runs.records import Run

SHOWN = 600
"""Samples drawn while the run goes on; the Embeddings page draws all of them."""


def show(family: dict[Role, Run]) -> None:
    """The newest snapshots of a run and of its twin side by side; nothing before there is one."""
    runs = {role: run for role, run in family.items() if role in ("twin", "adapted") or len(family) == 1}
    newest = {role: (run, RunFolder(run.id).steps()) for role, run in runs.items()}
    drawn = [(role, run, steps[-1]) for role, (run, steps) in newest.items() if steps and steps[-1] > 0]
    if not drawn:
        return
    st.markdown("**" + _("Embeddings of the newest snapshot (PCA; ● source, ◇ target)") + "**")
    for cell, (role, run, step) in zip(st.columns(2), sorted(drawn, reverse=True), strict=False):
        told = _("{role}, step {step}").format(role=words.role(role), step=step)
        cell.caption(told)
        cell.vega_lite_chart(
            *_chart(str(RunFolder(run.id).path), step, language()), key=f"cloud-{role}", width="stretch", alt=told
        )


@st.cache_resource(max_entries=64, show_spinner=False)
def _chart(folder: str, step: int, language: str) -> Chart:
    """The picture of a snapshot, drawn once for all visits of a language."""
    points, rows = _points(folder, step)
    seen = data.probe(Path(folder).name)
    labels, classes = seen["labels"][rows], seen["classes"]
    names = [str(classes[label]) if label >= 0 else _("unknown") for label in labels]
    sides = (_("source"), _("target"))
    table = pa.table(
        {
            "x": points[:, 0],
            "y": points[:, 1],
            "class": names,
            "domain": [sides[domain] for domain in seen["domains"][rows]],
        }
    )
    present = sorted({int(label) for label in labels})
    shown = [str(classes[label]) if label >= 0 else _("unknown") for label in present]
    plain = {"title": None, "axis": None, "scale": {"zero": False, "nice": False}}
    return table, {
        "height": 300,
        "mark": {"type": "point", "size": 34, "strokeWidth": 1.2, "opacity": 0.85},
        "encoding": {
            "x": {"field": "x", "type": "quantitative", **plain},
            "y": {"field": "y", "type": "quantitative", **plain},
            "color": {
                "field": "class",
                "type": "nominal",
                "legend": {"orient": "bottom", "title": None, "columns": 10},
                "scale": {"domain": shown, "range": [colour(label) for label in present]},
            },
            "shape": {
                "field": "domain",
                "type": "nominal",
                "legend": None,
                "scale": {"domain": list(sides), "range": ["circle", "diamond"]},
            },
            "fillOpacity": {"condition": {"test": {"field": "domain", "equal": sides[0]}, "value": 0.8}, "value": 0},
            "fill": {
                "field": "class",
                "type": "nominal",
                "legend": None,
                "scale": {"domain": shown, "range": [colour(label) for label in present]},
            },
            "tooltip": [{"field": "class", "title": _("Class")}, {"field": "domain", "title": _("Domain")}],
        },
    }


@st.cache_data(max_entries=64, show_spinner=False)
def _points(folder: str, step: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Coordinates (n, 2) of the samples drawn, and their rows; turned onto the snapshot before."""
    run = RunFolder(Path(folder).name)
    embeddings = read_arrays(run.snapshot(step))["embeddings"]
    rows = _sampled(len(embeddings))
    points = PCA().fit(embeddings[rows], seed=0)
    earlier = [other for other in run.steps() if 0 < other < step]
    if earlier:
        points = rigid_fit(points, onto=_points(folder, earlier[-1])[0])
    return points, rows


def _sampled(count: int) -> NDArray[np.int64]:
    """Rows at even distances, the same at every snapshot; source and target as often as they are there."""
    return np.unique(np.linspace(0, count - 1, min(count, SHOWN)).round().astype(np.int64))
