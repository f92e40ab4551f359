"""The selected samples: images, labels, predictions and neighbours, before and after."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import data, selection, thumbnails, words
from app.neighbours import embeddings, nearest
from dtml.figures.palette import colour
from dtml.language import _
from dtml.runs.pictures import State
from dtml.runs.records import Run

A_PAGE = 6
NEIGHBOURS = 6


@dataclass(frozen=True)
class _Seen:
    """What the cards look up: the run's samples, and before and after their embeddings and probabilities."""

    inputs: NDArray[Any]
    labels: NDArray[np.int64]
    domains: NDArray[np.int8]
    ids: NDArray[np.str_]
    classes: NDArray[np.str_]
    points: tuple[NDArray[np.float32], ...]
    probabilities: tuple[NDArray[np.float32], ...]


def show(run: Run, before: State, after: State) -> None:
    """The selected samples of a run, some a page; before any is selected, how to select."""
    rows = selection.rows(run.id)
    if not rows:
        st.caption(
            _(
                "Click a sample, or draw around several with the lasso (or with Shift held): their images, predictions "
                "and nearest neighbours are listed here."
            )
        )
        return
    states = (before, after)
    seen = _Seen(
        thumbnails.inputs(run.id),
        **data.probe(run.id),
        points=tuple(embeddings(state) for state in states),
        probabilities=tuple(data.snapshot(*state)["probabilities"] for state in states),
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(summary(rows, seen.labels, seen.domains, seen.probabilities), width="stretch")
        pages = -(-len(rows) // A_PAGE)
        page = st.pagination(pages, key=f"samples-page-{data.digest(rows)}") if pages > 1 else 1
        st.button(_("Clear"), icon=":material/close:", on_click=selection.push, args=(run.id, []), key="samples-clear")
    listed = rows[(page - 1) * A_PAGE : page * A_PAGE]
    near = [nearest(points, listed, NEIGHBOURS) for points in seen.points]
    for i, row in enumerate(listed):
        _card(run, seen, row, [found[i] for found in near])


def summary(
    rows: list[int],
    labels: NDArray[np.int64],
    domains: NDArray[np.int8],
    probabilities: tuple[NDArray[np.float32], ...],
) -> str:
    """How many samples of which domain are selected, and how often each state is right about them."""
    chosen = np.array(rows)
    told = _("**{n} selected**: {source} source, {target} target").format(
        n=len(rows), source=int((domains[chosen] == 0).sum()), target=int((domains[chosen] == 1).sum())
    )
    known = chosen[labels[chosen] >= 0]
    if not len(known):
        return told
    before, after = (float(np.mean(each[known].argmax(1) == labels[known])) for each in probabilities)
    right = _("right before {before}, after {after}").format(before=words.percent(before), after=words.percent(after))
    return f"{told} · {right}"


def _card(run: Run, seen: _Seen, row: int, near: list[NDArray[np.int64]]) -> None:
    with st.container(border=True, key=f"sample-{row}"):
        told, buttons = st.columns([7, 1.2], vertical_alignment="center")
        told.html(_told(seen, row, near))
        with buttons.container(gap="xxsmall"):
            _selecting(run, _("Alone"), ":material/center_focus_strong:", [row], f"alone-{row}")
            both = [row, *np.concatenate(near).tolist()]
            _selecting(run, _("With neighbours"), ":material/hub:", both, f"near-{row}")


def _selecting(run: Run, label: str, icon: str, rows: list[int], key: str) -> None:
    """A button that selects these rows, in the picture, too."""
    st.button(label, icon=icon, type="tertiary", on_click=selection.push, args=(run.id, rows), key=key)


def _told(seen: _Seen, row: int, near: list[NDArray[np.int64]]) -> str:
    name = html.escape(str(seen.ids[row]))
    moments = (_("before"), _("after"))
    predictions = "".join(
        f"<div>{moment}: {_prediction(seen, row, each)}</div>"
        for moment, each in zip(moments, seen.probabilities, strict=True)
    )
    titles = (_("Nearest before, in the embedding"), _("Nearest after, in the embedding"))
    neighbours = "".join(
        f'<div class="near"><div class="title">{title}</div><div class="strip">'
        + "".join(_neighbour(seen, int(other)) for other in found)
        + "</div></div>"
        for title, found in zip(titles, near, strict=True)
    )
    own = thumbnails.picture(seen.inputs[row], str(seen.ids[row]), 72)
    kind = "dtml-sample texts" if thumbnails.are_texts(seen.inputs) else "dtml-sample"
    true = _("true class")
    return (
        f'<div class="{kind}" data-row="{row}"><div class="own">{own}</div>'
        f'<div class="told"><b>{name}</b><div>{_side(seen, row)} · {true} {_class(seen, seen.labels[row])}'
        f"</div>{predictions}</div>{neighbours}</div>"
    )


def _prediction(seen: _Seen, row: int, probabilities: NDArray[np.float32]) -> str:
    predicted = int(probabilities[row].argmax())
    share = words.percent(probabilities[row, predicted])
    wrong = seen.labels[row] >= 0 and predicted != seen.labels[row]
    verdict = ' <span class="wrong">' + _("wrong") + "</span>" if wrong else ""
    return f"{_class(seen, predicted)} {share}{verdict}"


def _neighbour(seen: _Seen, row: int) -> str:
    name = html.escape(str(seen.ids[row]))
    return (
        f'<figure data-row="{row}">{thumbnails.picture(seen.inputs[row], str(seen.ids[row]), 40)}'
        f'<figcaption title="{name}">{_class(seen, seen.labels[row], "●◇"[seen.domains[row]])}</figcaption></figure>'
    )


def _class(seen: _Seen, label: int, mark: str = "●") -> str:
    name = html.escape(str(seen.classes[label])) if label >= 0 else _("unknown")
    return f'<span style="color: {colour(int(label))}">{mark}</span> {name}'


def _side(seen: _Seen, row: int) -> str:
    return (_("● source"), _("◇ target"))[seen.domains[row]]
