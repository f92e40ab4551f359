"""Choosing a source, or a backbone: the candidates, what was measured of them, and how that agreed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app import data, fetching, forms, frame, takeaway, words
from app.language import title
from dtml import budget, catalogue, own
from dtml.budget import Budget
from dtml.errors import Problem
from dtml.experiment import Role
from dtml.figures import choosing as figures
from dtml.figures.stated import stated
from dtml.language import _
from dtml.runs import agreement, choosing
from dtml.runs.agreement import Agreement
from dtml.runs.candidates import Candidate, candidate, domains, learned, sources, with_domains
from dtml.runs.choosing import Ranking
from dtml.runs.fetching import lacking
from dtml.runs.launcher import ensure_worker

OWN = ""
"""What stands for a person's own tasks among the catalogue's."""
BUDGETS: tuple[Budget, ...] = ("all", 20, 5, 1, 0)
WAITING = ("queued", "running", "lost")


# -- the choice -------------------------------------------------------------------------------------


def form() -> dict[str, Any] | None:
    """The candidates and what is read of the target; None where there is nothing to measure yet."""
    mine = {name: each for name, each in own.tasks().items() if each.confirmed}
    known = [*([OWN] if mine else []), *sorted(with_domains(), key=lambda name: not _here(name))]
    left, right = st.columns(2, gap="large")
    with left:
        name = str(
            st.selectbox(
                words.kind("task"),
                known,
                format_func=lambda each: title(catalogue.entry("task", each)) if each else _("Your own tasks"),
                key="choose-task",
                persist_state="session",
            )
        )
        tasks = _sources(name) if name else _own(list(mine))
    if not tasks:
        return None
    with right:
        networks = _backbones(tasks)
        labels, seed = _settings()
    if not networks:
        return None
    return choosing.ranking_spec([candidate(task, each) for task in tasks for each in networks], labels, seed)


def _here(task: str) -> bool:
    """Whether there is a target with a source on disk, as far as the catalogue tells what a task reads."""
    published = bool(catalogue.entry("task", task)["datasets"])
    return published and any(_possible(task, target) for target in domains(task))


def _possible(task: str, target: str) -> list[str]:
    """The sources on disk for a target."""
    try:
        return [each["source"] for each in sources({"name": task}, target)]
    except Problem:
        return []


def _sources(task: str) -> list[dict[str, Any]]:
    """A target and its sources, all that are on disk unless the person chose; what is missing can be fetched."""
    known = domains(task)
    target = str(st.selectbox(_("Target"), known, key=f"choose-target-{task}", persist_state="session"))
    others = [name for name in known if name != target]
    chosen = st.multiselect(
        _("Sources"),
        others,
        _possible(task, target),
        key=f"choose-sources-{task}-{target}",
        placeholder=_("Choose the candidates"),
        persist_state="session",
    )
    for name in chosen or others[:1]:
        wanted = {"source": name, "target": target}
        if lacking("task", task, wanted):
            fetching.show("task", task, wanted)
    return sources({"name": task}, target, chosen) if chosen else []


def _own(names: list[str]) -> list[str]:
    """Own tasks; they should have one target."""
    chosen = st.multiselect(
        _("Tasks"), names, names, key="choose-own", placeholder=_("Choose the candidates"), persist_state="session"
    )
    st.caption(_("Choose tasks with the same target: it is the sources that are compared."))
    return list(chosen)


def _backbones(tasks: Sequence[Any]) -> list[dict[str, Any] | None]:
    """The backbones that all tasks can be seen by; None alone stands for the inputs as they are.

    These are measured where no backbone is chosen and the task itself recommends none with learned weights.
    """
    plain = [candidate(task) for task in tasks]
    able = [set(learned(catalogue.entry("task", each.task["name"])["inputs"])) for each in plain]
    names = sorted(set.intersection(*able))
    advised = [plain[0].backbone["name"]] if plain[0].learned and plain[0].backbone["name"] in names else []
    chosen = st.multiselect(
        _("Backbones, frozen"),
        names,
        advised,
        format_func=lambda name: title(catalogue.entry("backbone", name)),
        key=f"choose-backbones-{data.digest([names, advised])}",
        placeholder=_("Choose at least one") if advised else _("None: the inputs as they are"),
        help=_("With their learned weights; a network that starts at random has nothing to measure yet."),
        persist_state="session",
    )
    found: list[dict[str, Any] | None] = [each for name in chosen for each in _variants(name)]
    return found if chosen or advised else [None]


def _variants(name: str) -> list[dict[str, Any]]:
    """A backbone with its parameters; of one that stands for many networks, each that is chosen."""
    schemas = dict(catalogue.entry("backbone", name)["parameters"])
    models = schemas.pop("model", None)
    picked: list[Any] = [None]
    if models:
        picked = st.multiselect(
            forms.label("model", models),
            models.get("known", [models["default"]]),
            [models["default"]],
            accept_new_options=True,
            key=f"choose-models-{name}",
            persist_state="session",
        )
    with st.expander(title(catalogue.entry("backbone", name)), icon=":material/tune:"):
        values = forms.fields(schemas, {}, f"choose:{name}")
    found = [{"name": name, **values, **({"model": model} if model else {})} for model in picked]
    for each in found:
        fetching.show("backbone", name, {key: value for key, value in each.items() if key != "name"})
    return found


def _settings() -> tuple[Budget, int]:
    left, right = st.columns([3, 1])
    labels = left.selectbox(
        _("Labels of the target that may be read"),
        BUDGETS,
        format_func=budget.told,
        key="choose-labels",
        help=_("Of its training split; the test split is never looked at. Distances read none."),
        persist_state="session",
    )
    seed = right.number_input(_("Seed"), 0, 2**31 - 1, 0, step=1, key="choose-seed", persist_state="session")
    return labels, int(seed)


def button(spec: dict[str, Any] | None) -> None:
    """Has a worker measure what is chosen, and puts it into the address."""
    count = len(spec["candidates"]) if spec else 0
    label = _("Measure ({count})").format(count=count)
    if st.button(label, type="primary", icon=":material/straighten:", key="measure", disabled=not count) and spec:
        job = choosing.ask_for_ranking(data.store(), spec)
        ensure_worker()
        st.query_params["ranking"] = job.key
        st.rerun()


def shown(spec: dict[str, Any] | None) -> dict[str, Any] | None:
    """What is chosen, where it was measured; else what the address names, or None where that is nothing."""
    if spec and data.store().find_job(choosing.ranking_key(spec)):
        return spec
    job = data.store().find_job(st.query_params.get("ranking", ""))
    if job is None or job.kind != choosing.KIND:
        return None
    if spec:
        st.info(_("What is chosen above was not measured yet; below stands what was measured before."))
    return job.spec


# -- what was found ---------------------------------------------------------------------------------


def show(spec: dict[str, Any]) -> None:
    """Progress while a worker measures; then numbers, picture and what follows from them."""
    ranking = choosing.read_ranking(spec)
    if ranking is None:
        job = data.store().find_job(choosing.ranking_key(spec))
        if job and job.state in WAITING:
            frame.polling(_wait, 1.0)(job.key)
        elif job and job.error:
            st.error(str(job.error), icon=":material/error:")
        return
    st.header(_("Candidates for {target}").format(target=ranking.target))
    first, *others = choosing.conclusions(ranking)
    st.info(first, icon=":material/lightbulb:")
    for sentence in others:
        st.caption(sentence)
    _table(ranking)
    note = _("seed {seed}").format(seed=spec["seed"]) + " · " + _samples(ranking)
    st.plotly_chart(
        stated(figures.measures(ranking, st.context.theme.type == "dark"), note),
        width="stretch",
        key="choose-measures",
        config=takeaway.config(f"candidates-{ranking.target}"),
        alt=_("Each measure of each candidate, with intervals."),
    )
    st.caption(
        _(
            "▲: higher is better, ▼: lower; rings read no label of the target. Intervals at 95 % are over samples. "
            "Distances are along the first principal components, in units of the target’s spread."
        )
    )
    _agreement(ranking, spec["seed"])


def _wait(key: str) -> None:
    job = data.store().job(key)
    data.keep_worker()
    if job.state not in WAITING:
        st.rerun()
    told = _(job.doing["what"]) if job.doing.get("what") else _("Waiting for the worker")
    st.progress(float(job.doing.get("share") or 0.0), f"{told} … {words.left(job.remaining(time.time()))}")


def _samples(ranking: Ranking) -> str:
    target = max(row.target for row in ranking.rows)
    return _("{target} training samples of the target, {labels} of their labels").format(
        target=f"{target:,}", labels=f"{ranking.labels:,}"
    )


def _table(ranking: Ranking) -> None:
    """A row a candidate, the best first."""
    means = ranking.mean_ranks()
    rows = []
    for i in ranking.best_first():
        row = ranking.rows[i]
        cells = {_("Candidate"): row.title, _("Mean rank"): means[i], _("Source samples"): row.source or None}
        for name in ranking.measures:
            found, place = row.values.get(name), ranking.ranks(name)[i]
            value = choosing.with_interval(name, found) if found else "–"
            cells[choosing.measure_title(name)] = value if place is None else f"{value} · {place:g}"
        rows.append(cells)
    told = _("The mean place over the measures that tell the candidates apart; 1 is the best.")
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        width="stretch",
        key="choose-table",
        column_config={_("Mean rank"): st.column_config.NumberColumn(format="%.2f", help=told)},
        placeholder="–",
        alt=_("The candidates with every measure, the best first."),
    )
    st.caption(_("Value (95 % interval) · rank."))


# -- agreement --------------------------------------------------------------------------------------


def _agreement(ranking: Ranking, seed: int) -> None:
    st.header(_("How the ranking agreed"))
    found = agreement.agreements(data.store(), ranking)
    if not found:
        st.caption(_("No two candidates have finished runs of one recipe yet; launch them, and this fills."))
    for each in found:
        st.markdown(f"**{each.title}**")
        st.markdown(agreement.told(each))
        _reached(ranking, each)
    _launch([row.candidate for row in ranking.rows], seed)


def _reached(ranking: Ranking, each: Agreement) -> None:
    means = ranking.mean_ranks()
    rows = []
    for i in ranking.best_first():
        mean = each.accuracy(i)
        if mean:
            width = 100 * mean.half_width if mean.half_width < float("inf") else None
            rows.append(
                {
                    _("Candidate"): ranking.rows[i].title,
                    _("Mean rank"): means[i],
                    _("Target accuracy"): round(100 * mean.mean, 1),
                    _("± 95 %"): width,
                    _("Seeds"): len(each.reached[i]),
                }
            )
    number = st.column_config.NumberColumn
    columns = {
        _("Mean rank"): number(format="%.2f"),
        _("Target accuracy"): number(format="%.1f %%"),
        _("± 95 %"): number(format="%.1f"),
    }
    alt = _("What runs reached on the candidates.")
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=columns, placeholder="–", alt=alt)
    taus = {name: value for name, value in each.taus.items() if name != agreement.MEAN and value is not None}
    told = [f"{choosing.measure_title(name)} {value:+.2f}" for name, value in taus.items()]
    st.caption(_("Kendall’s τ by measure: {taus}.").format(taus=" · ".join(told) or "–"))


def _launch(candidates: Sequence[Candidate], seed: int) -> None:
    """Queues a run on every candidate, with the task's recommended recipe."""
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    alignment = left.selectbox(
        words.kind("alignment"),
        catalogue.names("alignment"),
        catalogue.names("alignment").index("dann"),
        format_func=lambda name: title(catalogue.entry("alignment", name)),
        key="choose-alignment",
        persist_state="session",
    )
    made, unfit = agreement.launchable(candidates, str(alignment), seed)
    waiting = [each for each in made if data.store().find(each.hash) is None]
    label = _("Queue a run on each ({count})").format(count=len(waiting))
    with right, st.container(horizontal=True, vertical_alignment="center"):
        if st.button(label, icon=":material/playlist_add:", key="choose-launch", disabled=not waiting):
            references: tuple[Role, ...] = ("twin", "source_only")
            runs = [data.launch(each, references) for each in waiting]
            frame.go("compare", runs=",".join(run.id for run in runs))
        frame.link("runs", _("All runs"), icon=":material/monitoring:")
    for problem in unfit:
        st.caption(str(problem))
