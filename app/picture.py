"""The picture of the embeddings: the explorer, or the simple figure, or the progress of its computation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import data, explorer_component, frame, payload, samples, selection, tables, takeaway, thumbnails, trust, words
from app.explorer import Controls, Titled
from dtml.figures.embeddings import Panel, embeddings
from dtml.figures.palette import GREY, PALETTE
from dtml.figures.stated import stated
from dtml.language import _
from dtml.runs.pictures import State, last_state, read_quality
from dtml.runs.provenance import provenance
from dtml.runs.records import Run

KEY = "explorer"
HEIGHT = 400
DOMAIN_COLOURS = (PALETTE[0], PALETTE[5])
Extras = Mapping[str, NDArray[np.floating[Any]]]


def show(run: Run, twin: Run, shown: Titled, chosen: Controls, spec: dict[str, Any]) -> None:
    """The picture of the states `shown` and the selected samples under it, as one part that redraws itself."""
    coordinates, stand_in = trust.picture_or_stand_in(spec)
    if stand_in:
        trust.progress(spec)
    compared = last_state(twin.id), (run.id, chosen.step)
    frame.polling(_shown, None)(run, shown, chosen, spec, coordinates, compared, "pca" if stand_in else chosen.method)
    trust.show(spec, [title for title, _state in shown])


def _shown(
    run: Run,
    shown: Titled,
    chosen: Controls,
    spec: dict[str, Any],
    coordinates: list[NDArray[np.float32]],
    compared: tuple[State, State],
    drawn: str,
) -> None:
    if selection.without_webgl() and not chosen.simple:
        st.rerun()
    if selection.without_webgl() or not chosen.simple:
        _explorer(run, shown, chosen, spec, coordinates)
    if chosen.simple:
        _simple(run, shown, chosen, coordinates, tables.titles("projection", [drawn]))
    samples.show(run, *compared)


# -- the explorer -------------------------------------------------------------------------------------


def _explorer(
    run: Run, shown: Titled, chosen: Controls, spec: dict[str, Any], coordinates: list[NDArray[np.float32]]
) -> None:
    seen = data.probe(run.id)
    frames = [
        payload.Frame(title, "", points, data.snapshot(*state)["probabilities"])
        for (title, state), points in zip(shown, coordinates, strict=True)
    ]
    drawn = np.flatnonzero(np.isin(seen["domains"], chosen.domains))
    rows = drawn[payload.sample(seen["domains"][drawn], seen["labels"][drawn], payload.LIMIT)]
    rows = payload.order(seen["domains"], rows)
    extras = quality_arrays(spec)
    places = payload.digest(rows, *coordinates)
    known = payload.digest(*[extras[name] for name in sorted(extras)])
    packed, tile = _body(places + known, run.id, shown, frames, dict(seen), rows, extras)
    header = {**_header(run, shown, chosen, frames, seen, rows, extras), "places": places}
    explorer_component.mount(
        payload.pack({**header, "sheet": tile, "pushed": selection.pushed(run.id)}, packed),
        KEY,
        changed=lambda: selection.take(run.id, st.session_state[KEY].get("selected"), len(seen["labels"])),
        missing=selection.lacks_webgl,
    )
    if len(rows) < len(drawn):
        st.caption(
            _("Drawn are {shown} of {all} samples: the same share of every domain and class, by seed 0.").format(
                shown=f"{len(rows):,}", all=f"{len(drawn):,}"
            )
        )


def quality_arrays(spec: dict[str, Any]) -> Extras:
    """What is known of each sample beside its place, in [0, 1], (states, n), to colour by; NaN where it is not known.

    Neighbours kept belong to a step from one state to the next; the first state shows those that it will keep.
    """
    found = read_quality(spec) or []
    if not found:
        return {}
    kept = np.stack([each.kept for each in found])
    kept[0] = kept[min(1, len(kept) - 1)]
    named = {
        "domain_probability": np.stack([each.domain_probability for each in found]),
        "kept": kept,
        "distrust": np.stack([each.distrust for each in found]),
    }
    return {name: values for name, values in named.items() if not np.isnan(values).all()}


@st.cache_resource(max_entries=8, show_spinner=False)
def _body(
    places: str,
    identity: str,
    shown: Titled,
    _frames: list[payload.Frame],
    _seen: dict[str, NDArray[Any]],
    _rows: NDArray[np.int64],
    _extras: Extras,
) -> tuple[payload.Body, dict[str, int] | None]:
    """The packed samples and the measures of the sheet of thumbnails; kept by the digest of their places."""
    inputs = thumbnails.inputs(identity)
    images = thumbnails.are_images(inputs)
    sheet, tile = thumbnails.sheet(inputs[_rows]) if images else (None, None)
    values = None if images else thumbnails.values(inputs)
    told = payload.Samples(_seen["labels"], _seen["domains"], _seen["ids"], values, _extras)
    return payload.body(_frames, told, _rows, sheet), tile


def _header(
    run: Run,
    shown: Titled,
    chosen: Controls,
    frames: list[payload.Frame],
    seen: Mapping[str, NDArray[Any]],
    rows: NDArray[np.int64],
    extras: Extras,
) -> dict[str, Any]:
    """What the browser is told beside the numbers: titles, colours, words."""
    last = len(shown) - 1
    return {
        "samples": run.id,
        "view": chosen.view,
        "height": HEIGHT if len(shown) < 3 or chosen.view != "side" else HEIGHT - 40,
        "start": 0 if chosen.view == "training" else max(0, last - 1),
        "trails": [0 if chosen.view == "training" else max(0, last - 1), last],
        "states": [
            {"title": each.title, "note": _note(each.probabilities[rows].argmax(1), seen, rows, chosen)}
            for each in frames
        ],
        "classes": [str(name) for name in seen["classes"]],
        "palette": list(PALETTE),
        "grey": GREY,
        "domainColours": list(DOMAIN_COLOURS),
        "colours": _colourings(extras, bool((seen["labels"] >= 0).any())),
        "words": _words(),
        "alt": _alternative(shown, seen, rows),
        "dark": st.context.theme.type == "dark",
    }


def _note(
    predicted: NDArray[np.int64], seen: Mapping[str, NDArray[Any]], rows: NDArray[np.int64], chosen: Controls
) -> str:
    """How often the network of a state is right on the samples drawn, by domain."""
    labels, domains = seen["labels"][rows], seen["domains"][rows]
    parts = []
    for domain in chosen.domains:
        mine = (domains == domain) & (labels >= 0)
        share = float(np.mean(predicted[mine] == labels[mine])) if mine.any() else None
        side = (_("source"), _("target"))[domain]
        parts.append(f"{side} {words.percent(share)}")
    return _("Accuracy on the samples drawn: {parts}").format(parts=" · ".join(parts))


def _colourings(extras: Extras, labelled: bool) -> list[dict[str, Any]]:
    """The choices of what colours mean; those that cannot be offered have a reason."""
    missing = _("not computed")
    found: list[dict[str, Any]] = [
        {"name": "class", "title": _("class")},
        {"name": "domain", "title": _("domain")},
        {"name": "correctness", "title": _("correctness"), "reason": None if labelled else _("no labels")},
        {"name": "confidence", "title": _("confidence"), "low": _("unsure"), "high": _("sure"), "turned": True},
        {
            "name": "domain_probability",
            "title": _("domain classifier"),
            "low": _("source"),
            "high": _("target"),
        },
        {"name": "kept", "title": _("neighbours kept"), "low": _("none"), "high": _("all"), "turned": True},
        {"name": "distrust", "title": _("distrust"), "low": _("well placed"), "high": _("misplaced")},
    ]
    for colouring in found[4:]:
        colouring["reason"] = None if colouring["name"] in extras else missing
    return found


def _words() -> dict[str, Any]:
    return {
        "controls": _("Controls of the picture"),
        "colour": _("Colour"),
        "class": _("Class"),
        "domain": _("Domain"),
        "domains": [_("source"), _("target")],
        "unknown": _("unknown"),
        "right": _("right"),
        "wrong": _("wrong"),
        "search": _("Find a class or a name"),
        "found": _("{n} found"),
        "choose": _("Select them"),
        "lasso": _("Lasso: draw around samples (or hold Shift)"),
        "home": _("Show everything"),
        "play": _("Play"),
        "pause": _("Pause"),
        "scrubber": _("Place in the motion"),
        "trails": _("Trails"),
        "selected": _("{n} selected"),
        "clear": _("Clear the selection"),
        "switch": _("Click to hide, double-click to see it alone"),
        "ramp": _("Colours go from {low} to {high}"),
        "isClass": _("class {name}"),
        "predicted": _("predicted {name}, {share} % sure"),
        "noWebGL": _("This browser offers no WebGL, which the explorer needs; the simple figure is shown instead."),
    }


def _alternative(shown: Titled, seen: Mapping[str, NDArray[Any]], rows: NDArray[np.int64]) -> str:
    domains = seen["domains"][rows]
    return _(
        "Embeddings of {source} source and {target} target samples of {classes} classes: {states}. Arrow keys move the "
        "picture, plus and minus zoom, space plays, Escape clears the selection."
    ).format(
        source=int((domains == 0).sum()),
        target=int((domains == 1).sum()),
        classes=len(seen["classes"]),
        states=", ".join([shown[0][0], shown[-1][0]] if len(shown) > 3 else [title for title, _state in shown]),
    )


# -- the simple figure --------------------------------------------------------------------------------


def _simple(run: Run, shown: Titled, chosen: Controls, coordinates: list[NDArray[np.float32]], drawn: str) -> None:
    """The figure as a plain chart; `drawn` names the projection that it shows."""
    panels = [
        Panel(title, points, data.snapshot(*state)["probabilities"].argmax(1))
        for (title, state), points in zip(shown, coordinates, strict=True)
    ]
    figure = embeddings(panels, dict(data.probe(run.id)), chosen.domains, st.context.theme.type == "dark")
    st.plotly_chart(
        stated(figure, f"{drawn} · {provenance(run)}"),
        width="stretch",
        key="embeddings",
        config=takeaway.config(f"{run.id}-embeddings"),
        alt=_("Embeddings of source and target samples before and after adaptation, coloured by class."),
    )
    labels = (_("source accuracy (samples drawn)"), _("target accuracy (samples drawn)"))
    for cell, (_title, state) in zip(st.columns(len(shown)), shown, strict=True):
        accuracies = data.accuracies(*state)
        with cell.container(horizontal=True):
            for domain in chosen.domains:
                st.metric(labels[domain], words.percent(accuracies[domain]))
