"""A sweep: what to combine, what it costs, and its launch."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app import compare, data, tables, words
from app.language import title
from dtml import catalogue
from dtml.budget import Budget, parse_list, told
from dtml.errors import Problem
from dtml.experiment import Experiment, Role
from dtml.language import _
from dtml.runs.budgets import STANDARD
from dtml.runs.records import Run
from dtml.runs.sweep import Plan, cost, plan, queue

FEW = 5
"""Seeds, where nobody says how many."""


def form(runs: Sequence[Run]) -> None:
    """The choice, the number of runs with their estimated time, and the button that queues them."""
    base = _base(runs)
    if base is None:
        return
    alignments, metrics, strategies = (_methods(kind, base) for kind in ("alignment", "metric", "strategy"))
    left, middle, right = st.columns([1, 1, 2], vertical_alignment="bottom")
    seeds = left.number_input(
        _("Seeds"), 1, 50, FEW, help=_("The base's seed and the next ones."), key="sweep-seeds", persist_state="session"
    )
    with middle:
        budgets = _budgets(base)
    with right:
        references = _references()
    if budgets is None:
        return
    if not (alignments and metrics and strategies):
        st.info(_("Choose at least one method of each kind."), icon=":material/info:")
        return
    numbers = range(base.seed, base.seed + int(seeds))
    made = plan(data.store(), base, alignments, metrics, strategies, numbers, references, budgets)
    _told(made)
    st.button(
        _("Queue {count} runs").format(count=len(made.waiting)),
        type="primary",
        icon=":material/playlist_add:",
        key="sweep-launch",
        disabled=not made.experiments,
        on_click=_launch,
        args=(made,),
    )
    _curve(base, numbers, references)


def _budgets(base: Experiment) -> list[Budget] | None:
    """The label budgets to combine with the methods, as a person types them; None where they cannot be read."""
    typed = st.text_input(
        _("Label budgets"),
        _written(base.labels),
        key=f"sweep-budgets-{base.hash}",
        help=_("Labelled target samples: 0, samples a class (5), shares of each class (0.2) or all; with commas."),
        persist_state="session",
    )
    try:
        return parse_list(typed)
    except Problem as problem:
        st.error(str(problem), icon=":material/error:")
        return None


def _written(budget: Budget) -> str:
    """A budget as `parse_list` reads it."""
    return f"{budget:g}" if isinstance(budget, float) else str(budget)


def _curve(base: Experiment, seeds: Sequence[int], references: Sequence[Role]) -> None:
    """The base over the usual label budgets: its cost, and the button that queues it."""
    alignment, metric, strategy = ([_own(base, kind)] for kind in ("alignment", "metric", "strategy"))
    made = plan(data.store(), base, alignment, metric, strategy, seeds, references, STANDARD)
    st.divider()
    st.markdown(
        _("**A curve over label budgets**: the base with {budgets} of the target's labels.").format(
            budgets=", ".join(told(budget) for budget in STANDARD)
        )
    )
    _told(made)
    st.button(
        _("Queue the curve: {count} runs").format(count=len(made.waiting)),
        icon=":material/show_chart:",
        key="sweep-curve",
        disabled=not made.experiments,
        on_click=_launch,
        args=(made,),
    )


def _own(base: Experiment, kind: str) -> str:
    """The base's own methods of a kind."""
    choice = getattr(base, kind)
    return " + ".join(term.name for term in choice) if isinstance(choice, tuple) else str(choice.name)


def _launch(made: Plan) -> None:
    """Queue a plan, put its runs into the address, and fold the form away."""
    compare.put(queue(data.store(), made))
    st.session_state["sweep"] = False


def _base(runs: Sequence[Run]) -> Experiment | None:
    """What all runs of the sweep have in common: a ready-made experiment, or that of a finished adapted run."""
    ready = {f"ready:{name}": name for name in data.examples()}
    done = {run.id: run for run in runs if run.state == "finished" and run.role == "adapted"}
    newest = {run.hash: run.id for run in reversed(done.values())}.values()
    options = [*reversed(list(newest)), *ready]

    def told(key: str) -> str:
        if key in done:
            return compare.label(done[key])
        return _("Ready-made: {name}").format(name=ready[key])

    chosen = st.selectbox(
        _("Base: all that is not varied"), options, format_func=told, key="sweep-base", persist_state="session"
    )
    try:
        return done[chosen].experiment if chosen in done else data.example(ready[chosen])
    except Problem as problem:
        st.error(str(problem), icon=":material/error:")
        return None


def _methods(kind: str, base: Experiment) -> list[str]:
    """The methods of a kind to combine; the base's own stays as it is, with its parameters."""
    own = _own(base, kind)
    names = list(dict.fromkeys([own, *catalogue.names(kind)]))
    inputs = catalogue.entry("task", base.task.name)["inputs"]
    if kind == "strategy":
        names = [name for name in names if inputs in catalogue.entry(kind, name)["accepts"]]
    return list(
        st.multiselect(
            words.kind(kind),
            names,
            [own],
            format_func=lambda name: _name(kind, name),
            key=f"sweep-{kind}-{base.hash}",
            persist_state="session",
        )
    )


def _name(kind: str, name: str) -> str:
    if name == "none":
        return title(catalogue.entry(kind, name))
    return tables.titles(kind, name.split(" + "))


def _references() -> list[Role]:
    """What runs beside the adapted runs; the twins always do."""
    chosen: list[Role] = st.pills(
        _("Beside the twins"),
        ["source_only", "target_only"],
        selection_mode="multi",
        default=["source_only", "target_only"],
        format_func=words.role,
        key="sweep-references",
        persist_state="session",
        help=_("Without both, the share of the gap that was closed cannot be told."),
    )
    return ["twin", *chosen]


def _told(made: Plan) -> None:
    """How many runs, which need no training, how long, and what does not fit."""
    total = len(made.experiments) + len(made.references)
    st.markdown(
        _("**{total} runs**: {own} of the methods, {references} references. {known} are there already.").format(
            total=total, own=len(made.experiments), references=len(made.references), known=made.known
        )
    )
    guess = cost(data.store().runs(limit=1000, states=["finished"]), made.waiting)
    if guess.unknown:
        st.markdown(
            ":material/timer: "
            + _("Time unknown: no run of this task has finished yet. Launch one first, or start and see.")
        )
    elif made.waiting:
        st.markdown(
            ":material/timer: "
            + _("About **{time}**, one run after the other, judged by finished runs of this task.").format(
                time=words.duration(guess.seconds)
            )
        )
    if made.unfit:
        with st.expander(_("Combinations that do not fit: {count}").format(count=len(made.unfit))):
            for name, problem in made.unfit.items():
                st.caption(f"`{name}`: {problem}")
