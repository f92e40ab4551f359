"""Runs beside each other: the choice, what differs, which method is better over seeds."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app import data, forms, tables, words
from dtml import budget, catalogue
from dtml.comparison import Interval
from dtml.experiment import Embedding, Training
from dtml.figures import comparison as figures
from dtml.language import _
from dtml.runs.compare import Against, Group, Line, against, reference_hashes, standings
from dtml.runs.naming import task_title
from dtml.runs.records import Run

MOST = 40
"""Runs that are chosen without being asked for."""
PLAIN = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}

TELLING = 4
"""Differences that a group's title may name; with more of them the experiment's own title tells more."""


def choose(runs: Sequence[Run]) -> list[Run]:
    """The runs that the address names, else the newest adapted ones of one task; the choice goes into the address."""
    known = {run.id: run for run in runs}
    named = [identity for identity in st.query_params.get("runs", "").split(",") if identity]
    known |= {run.id: run for run in data.named(set(named) - set(known))}
    unknown = [identity for identity in named if identity not in known]
    if unknown:
        st.warning(
            _("There is no run {runs}; the address names what this store does not have.").format(
                runs=", ".join(f"“{identity}”" for identity in unknown)
            ),
            icon=":material/warning:",
        )
    chosen = [identity for identity in named if identity in known] or usual(runs)
    with st.expander(_("Runs compared: {count}").format(count=len(chosen)), icon=":material/checklist:"):
        key = "compare-runs"
        st.session_state[key] = chosen
        st.multiselect(
            _("Runs"),
            list(known),
            key=key,
            format_func=lambda identity: label(known[identity]),
            on_change=lambda: put(st.session_state[key]),
            placeholder=_("Choose runs"),
        )
        _by_task(runs)
    if not named:
        put(chosen)
    return [known[identity] for identity in chosen]


def _by_task(runs: Sequence[Run]) -> None:
    """A button a task: all its adapted runs."""
    tasks = list(dict.fromkeys(task_title(run.experiment) for run in runs if run.role == "adapted"))
    with st.container(horizontal=True):
        for task in tasks:
            told = _("All adapted runs: {task}").format(task=task)
            st.button(told, key=f"all-{task}", on_click=put, args=(usual(runs, task),))


def usual(runs: Sequence[Run], task: str = "") -> list[str]:
    """The newest finished adapted runs of a task, or of the task that was adapted last."""
    finished = [run for run in runs if run.role == "adapted" and run.state == "finished"]
    task = task or (task_title(finished[0].experiment) if finished else "")
    return [run.id for run in finished if task_title(run.experiment) == task][:MOST]


def put(identities: Sequence[str]) -> None:
    """Put a choice of runs into the address."""
    st.query_params["runs"] = ",".join(identities)


def label(run: Run) -> str:
    """A run in a list to choose from."""
    seed = _("seed {seed}").format(seed=run.experiment.seed)
    reached = words.percent(run.result.get("target_test_accuracy")) if run.ended else words.state(run.state)
    return f"{tables.heading(run)} · {seed} · {reached} · {run.id.rsplit('-', 1)[-1]}"


# -- names ------------------------------------------------------------------------------------------


def key_title(key: str) -> str:
    """What a person calls a key of an experiment."""
    first, *rest = key.split(".")
    if not rest:
        own = {"labels": _("Labelled target samples"), "seed": _("Seed"), "domains": _("Trained on")}
        return own.get(key) or words.kind(key)
    section: dict[str, type[Training] | type[Embedding]] = {"training": Training, "embedding": Embedding}
    if first in section:
        return _(section[first].model_fields[rest[0]].description or rest[0])
    entry = catalogue.entries()[first].get(rest[0], {})
    schema = entry.get("parameters", {}).get(rest[-1])
    return forms.label(rest[-1], schema) if schema else rest[-1]


def value_title(key: str, value: Any) -> Any:
    """A value as a person reads it; numbers stay numbers, so that a table sorts them."""
    if key in catalogue.KINDS:
        return tables.titles(key, str(value).split(" + ")) or "–"
    if key == "labels":
        return budget.told(value)
    domains = {"both": _("both domains"), "source": words.role("source_only"), "target": words.role("target_only")}
    return domains[value] if key == "domains" else value


def group_title(group: Group) -> str:
    """What tells a group from the others."""
    parts = [] if group.role == "adapted" else [words.role(group.role)]
    for key, value in group.values.items():
        told = value_title(key, value)
        if key in catalogue.KINDS:
            parts += [] if told == "–" else [str(told)]
        elif key == "labels":
            parts.append(_("labels: {budget}").format(budget=told))
        elif key != "domains":
            parts.append(f"{key.rsplit('.', 1)[-1]} {told}")
    experiment = next(iter(group.lines.values())).run.experiment
    if not parts or len(parts) > TELLING:
        return tables.described(experiment)
    return " · ".join(dict.fromkeys(parts))


def group_titles(groups: Sequence[Group]) -> dict[str, str]:
    """The titles by key; where two are the same their keys tell them apart."""
    found = {group.key: group_title(group) for group in groups}
    twice = {title for title in found.values() if list(found.values()).count(title) > 1}
    return {key: f"{title} · {key[:4]}" if title in twice else title for key, title in found.items()}


# -- tables -----------------------------------------------------------------------------------------


def runs_table(lines: Sequence[Line]) -> None:
    """Each run with only what differs, the best first; a click on a heading sorts."""
    rows = []
    for line in lines:
        own = {key_title(key): value_title(key, value) for key, value in line.values.items()}
        twin = line.reference("twin")
        result = line.run.result
        rows.append(
            {_("Run"): line.run.experiment.title or line.run.id}
            | own
            | {
                _("Target accuracy"): _hundred(line.target),
                _("Over the twin"): None if None in (twin, line.target) else 100 * (line.target - twin),
                _("Gap closed"): _hundred(line.closed),
                _("Source accuracy"): _hundred(result.get("source_test_accuracy")),
                _("Best snapshot (oracle)"): _hundred(result.get("oracle_target_accuracy")),
                _("Seconds"): result.get("seconds"),
                _("State"): words.state(line.run.state),
            }
        )
    table = pd.DataFrame(rows)
    if all(line.run.state == "finished" for line in lines):
        table = table.drop(columns=_("State"))
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        height=min(35 * (len(rows) + 1) + 3, 388),
        key="compare-table",
        column_config=_columns(),
        placeholder="–",
        alt=_("The compared runs, the best first."),
    )


def _hundred(share: float | None) -> float | None:
    """A share in percent, rounded as everywhere else."""
    return None if share is None else round(100 * share, 1)


def _columns() -> dict[str, Any]:
    number = st.column_config.NumberColumn
    oracle = _("The best snapshot on the probe, chosen with the target's labels; this is not a result.")
    return {
        _("Target accuracy"): number(format="%.1f %%", help=_("On the target's test split, last checkpoint.")),
        _("Over the twin"): number(format="%+.1f", help=_("Percentage points over the same run without alignment.")),
        _("Gap closed"): number(format="%.1f %%", help=_("Between source only and target only.")),
        _("Source accuracy"): number(format="%.1f %%"),
        _("Best snapshot (oracle)"): number(format="%.1f %%", help=oracle),
        _("Seconds"): number(format="%.1f", help=_("Of training alone.")),
    }


def tasks_differ(runs: Sequence[Run]) -> None:
    """Says so where runs of several tasks stand beside each other."""
    found = dict.fromkeys(task_title(run.experiment) for run in runs)
    if len(found) > 1:
        told = _("These runs belong to different tasks, so their accuracies do not compare: {tasks}.")
        st.warning(told.format(tasks=", ".join(found)), icon=":material/warning:")


def baseline(groups: Sequence[Group], titles: dict[str, str]) -> Group | None:
    """The group that the others are held against; None for each group's own twins. It goes into the address."""
    known = {group.key: group for group in groups}
    given = st.query_params.get("baseline", "")
    key = "compare-baseline"
    st.session_state[key] = given if given in known else ""
    chosen = st.selectbox(
        _("Baseline"),
        ["", *known],
        format_func=lambda each: titles[each] if each else _("its own twin (no alignment)"),
        key=key,
        on_change=lambda: _pin(st.session_state[key]),
        help=_("Each group is held against it, paired by seed."),
        width=420,
    )
    return known.get(chosen)


def _pin(key: str) -> None:
    if key:
        st.query_params["baseline"] = key
    else:
        st.query_params.pop("baseline", None)


def groups_table(groups: Sequence[Group], titles: dict[str, str], pinned: Group | None) -> None:
    """Each group over its seeds, against the baseline, the best first."""
    places = standings(groups)
    rows = []
    for group in groups:
        mean, held = group.accuracy, against(group, pinned)
        own = pinned is not None and group.key == pinned.key
        told = _("the baseline") if own else verdict(held) if pinned or group.role == "adapted" else None
        difference = None if own else held.difference
        closed = group.closed
        rows.append(
            {
                _("Method"): titles[group.key],
                _("Seeds"): len(group.accuracies),
                _("Target accuracy"): _hundred(mean.mean),
                _("± 95 %"): _width(mean),
                _("Difference"): None if difference is None else 100 * difference.mean,
                _("± 95 %") + " ": _width(difference),  # a table has no two columns of one name
                _("Against the baseline"): told,
                _("Gap closed"): _hundred(closed.mean) if closed else None,
                _("Among all"): standing(places[group.key]) if len(groups) > 1 else None,
                _("Seconds"): group.seconds,
            }
        )
    widths = {_("± 95 %"): _("Points; none with one seed."), _("± 95 %") + " ": _("Points, paired by seed.")}
    columns = _columns() | {
        name: st.column_config.NumberColumn(format="%.1f", help=told) for name, told in widths.items()
    }
    columns[_("Difference")] = st.column_config.NumberColumn(format="%+.1f", help=_("Points, paired by seed."))
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        width="stretch",
        height=min(35 * (len(rows) + 1) + 3, 388),
        key="compare-groups",
        column_config=columns,
        placeholder="–",
        alt=_("The compared methods over their seeds, the best first."),
    )


def _width(value: Interval | None) -> float | None:
    return 100 * value.half_width if value and math.isfinite(value.half_width) else None


def verdict(held: Against) -> str:
    """What a comparison says; one seed says nothing."""
    return {
        "better": _("better"),
        "worse": _("worse"),
        "open": _("no clear difference"),
        "one_seed": _("one seed: cannot be said"),
        "no_pairs": _("no seed in common"),
    }[held.verdict]


def standing(name: str) -> str:
    """How a group stands to the one with the highest mean."""
    return {
        "best": _("best"),
        "highest": _("highest mean"),
        "close": _("not told apart from it"),
        "behind": _("behind it"),
        "open": _("cannot be said"),
    }[name]


def accuracy_picture(groups: Sequence[Group], titles: dict[str, str]) -> None:
    """Mean, interval and each seed."""
    rows = [(titles[group.key], group.accuracy, group.accuracies) for group in groups]
    st.plotly_chart(
        figures.accuracies(rows, st.context.theme.type == "dark"),
        width="stretch",
        key="compare-accuracies",
        config=PLAIN,
        alt=_("Target accuracy of the methods with intervals over seeds."),
    )


# -- progress ---------------------------------------------------------------------------------------


def concerned(runs: Sequence[Run]) -> list[Run]:
    """The chosen runs, and those of their references that are on their way."""
    wanted = {hash_ for run in runs for hash_ in reference_hashes(run).values()}
    open_ = data.store().runs(states=["queued", "running", "lost"])
    chosen = {run.id for run in runs}
    return [*runs, *(run for run in open_ if run.hash in wanted and run.id not in chosen)]


def progress(identities: list[str], ended: int) -> None:
    """How far the chosen runs and their references are; the page is drawn anew when one of them has ended."""
    runs = concerned(data.named(set(identities)))
    now_ended = sum(run.ended for run in runs if run.id in identities)
    waiting = [run for run in runs if not run.ended]
    if now_ended != ended or not waiting:
        st.rerun()
    data.keep_worker()
    done = sum(run.share for run in runs) / len(runs)
    running = next((run for run in waiting if run.state == "running"), None)
    told = _("{done} of {count} runs have ended").format(done=len(runs) - len(waiting), count=len(runs))
    if running:
        told += " · " + _("now {run}").format(run=running.id) + " " + words.left(running.remaining(time.time()))
    st.progress(done, told)
