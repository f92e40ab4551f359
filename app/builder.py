"""The form that puts an experiment together, from the catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from app import data, fetching, forms, frame, language, words
from dtml import catalogue, own
from dtml.budget import Budget
from dtml.experiment import FEW, Embedding, Experiment, Role, Training, with_batch_norm
from dtml.fitness import checkpoints
from dtml.language import _


def start(origin: str) -> Experiment | None:
    """What the form begins with: a bundled experiment by its file's name, a task by its name, or a run by its id.

    Raises:
        Problem: where there is neither.
    """
    if not origin:
        return None
    if origin in data.examples():
        return data.example(origin)
    if origin in own.tasks() or origin in catalogue.names("task"):
        return Experiment(task=origin, alignment="dann")
    return data.store().run(origin).experiment


def forget() -> None:
    """Begin with the defaults again."""
    st.session_state.pop("from", None)
    st.query_params.pop("from", None)


def form(start: Experiment | None, base: str) -> dict[str, Any]:
    """All choices and their parameters; returns what `Experiment` takes.

    Widget keys begin with `base`, so that another start begins with its own values, and hold the names of
    the components, so that another component begins with its own defaults.
    """
    given = start.model_dump() if start else {}
    left, right = st.columns(2, gap="large")
    with left:
        task = _task(given.get("task"), base)
        facts = catalogue.entry("task", task["name"])
        fetching.show("task", task["name"], {key: value for key, value in task.items() if key != "name"})
        if _called(given.get("task") or {}) != _called(task):
            given = {key: given[key] for key in ("alignment", "metric", "seed") if key in given}
        base = f"{base}:{_called(task)}"
        advised = {**facts["recommended"], **given}
        above = st.container()
        strategy = _one("strategy", advised.get("strategy", "scratch"), fitting("strategy", facts["inputs"]), base)
        with above:
            backbone = _backbone(advised.get("backbone"), facts["inputs"], strategy["name"], base)
            if catalogue.entry("strategy", strategy["name"])["pretrained"] and strategy.get("start") != "random":
                fetching.show("backbone", backbone["name"], {k: v for k, v in backbone.items() if k != "name"})
    with right:
        aligns = catalogue.entry("strategy", strategy["name"])["aligns"]
        alignment = _terms("alignment", advised.get("alignment", "dann") if aligns else "none", f"{base}:{aligns}")
        metric = _terms("metric", advised.get("metric", "none"), base)
        embedding = _section(_("Embedding"), Embedding, advised.get("embedding", {}), f"{base}:embedding")
        training = _section(_("Training"), Training, advised.get("training", {}), f"{base}:training")
    name, few, seed = st.columns([3, 2, 1])
    title = name.text_input(_("Title (optional)"), given.get("title", ""), key=f"{base}:title", persist_state="session")
    needed = needed_labels(strategy, alignment)
    with few:
        labels = 0 if own.unlabelled(task) else _labels(given.get("labels", needed), f"{base}:labels:{needed}")
    number = seed.number_input(
        _("Seed"),
        0,
        2**31 - 1,
        given.get("seed", 0),
        step=1,
        key=f"{base}:seed",
        help=_("The same seed on the same machine gives the same numbers."),
        persist_state="session",
    )
    return {
        "task": task,
        "backbone": backbone,
        "strategy": strategy,
        "alignment": alignment,
        "metric": metric,
        "embedding": embedding,
        "training": training,
        "labels": labels,
        "seed": int(number),
        "title": title,
    }


def fitting(kind: str, inputs: str) -> list[str]:
    """The backbones, or the strategies, that take a task's inputs."""
    return [name for name, entry in catalogue.entries()[kind].items() if inputs in entry["accepts"]]


def needed_labels(strategy: dict[str, Any], alignment: list[dict[str, Any]]) -> int:
    """How many labelled target samples a class the chosen methods ask for by default."""
    chosen = [("strategy", strategy["name"]), *(("alignment", term["name"]) for term in alignment)]
    return FEW if any(catalogue.entry(kind, name)["needs_labels"] for kind, name in chosen) else 0


def _labels(given: Budget, key: str) -> Budget:
    """The kind of the label budget and, where it has one, its number."""
    kinds = {
        "none": _("none"),
        "class": _("samples a class"),
        "share": _("a share of each class"),
        "all": _("all of them"),
    }
    held = "all" if given == "all" else "share" if isinstance(given, float) else "class" if given else "none"
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    kind = left.selectbox(
        _("Labelled target samples"),
        list(kinds),
        list(kinds).index(held),
        format_func=kinds.__getitem__,
        key=f"{key}:kind",
        help=_("Their labels are learned from; all others of the target stay sealed."),
        persist_state="session",
    )
    match kind:
        case "class":
            number = given if held == "class" else FEW
            told = _("Samples a class")
            return int(right.number_input(told, 1, None, number, step=1, key=f"{key}:class", persist_state="session"))
        case "share":
            percent = 100 * given if held == "share" else 20.0
            told = _("Share in %")
            chosen = right.number_input(
                told, 0.01, 99.99, percent, step=1.0, format="%g", key=f"{key}:share", persist_state="session"
            )
            return round(float(chosen) / 100, 8)
    return "all" if kind == "all" else 0


def references(task: dict[str, Any]) -> tuple[Role, ...]:
    """What runs beside an adapted run; the twin always does, target only where the target has labels."""
    st.markdown("**" + _("What runs beside it") + "**")
    st.caption(_("An adapted run is always held against its twin. Finished references are used again."))
    chosen: list[Role] = ["twin"]
    possible: tuple[Role, ...] = ("source_only",) if own.unlabelled(task) else ("source_only", "target_only")
    for role in possible:
        if st.checkbox(
            words.role(role), True, key=f"reference:{role}", help=words.role_help(role), persist_state="session"
        ):
            chosen.append(role)
    return tuple(chosen)


def _task(given: Any, base: str) -> dict[str, Any]:
    """The task: one of the catalogue with its parameters, or a confirmed one of the person's own, which has its own."""
    choice = {"name": given} if isinstance(given, str) else dict(given or {"name": data.example_task()})
    mine = {task.name: task.choice for task in own.tasks().values() if task.confirmed}
    known = {name: entry for name, entry in catalogue.entries()["task"].items() if not entry["own"]}
    if choice["name"] not in known and choice not in mine.values():  # of a run whose task was removed since
        mine = {_called(choice): choice, **mine}
    entries = {**{name: _own_entry(name, mine[name]) for name in mine}, **known}
    with st.container(border=True):
        name = forms.component("task", _called(choice), entries, base)
        frame.link("tasks", _("Use your own data"), icon=":material/upload:")
        if name in mine:
            return mine[name]
        params = {key: value for key, value in choice.items() if key != "name"} if choice["name"] == name else {}
        return {"name": name, **forms.parameters("task", name, params, base)}


def _called(task: dict[str, Any]) -> str:
    """The name of an own task, else of the catalogue's."""
    return str(task.get("title") or task.get("name") or "")


def _own_entry(name: str, choice: dict[str, Any]) -> dict[str, Any]:
    entry = catalogue.entry("task", choice["name"])
    return {
        **entry,
        "title": [name, name],
        "summary": [f"{Path(choice['source']).name} → {Path(choice['target']).name}"] * 2,
        "formula": "",
    }


def _one(kind: str, given: Any, names: list[str], base: str) -> dict[str, Any]:
    """One component with its parameters, prefilled with `given`."""
    choice = {"name": given} if isinstance(given, str) else dict(given or {"name": ""})
    with st.container(border=True):
        name = forms.component(kind, choice["name"], {each: catalogue.entry(kind, each) for each in names}, base)
        params = {k: v for k, v in choice.items() if k != "name"} if choice["name"] == name else {}
        return {"name": name, **forms.parameters(kind, name, params, base)}


def _backbone(given: Any, inputs: str, strategy: str, base: str) -> dict[str, Any]:
    """The backbone; one that can have batch normalisation begins with it where the strategy acts on that."""
    choice = {"name": given} if isinstance(given, str) else dict(given or {"name": ""})
    if catalogue.entry("strategy", strategy)["needs_batch_norm"]:
        choice, base = with_batch_norm(choice), f"{base}:batch"
    return _one("backbone", choice, fitting("backbone", inputs), base)


def _terms(kind: str, given: Any, base: str) -> list[dict[str, Any]]:
    """One loss term or several, each with its parameters."""
    listed = [{"name": term} if isinstance(term, str) else term for term in _as_list(given)]
    first = _one(kind, listed[0], catalogue.names(kind), base)
    if first["name"] == "none":
        return [first]
    known = {term["name"]: term for term in listed[1:]}
    others = [name for name in catalogue.names(kind) if name not in ("none", first["name"])]
    chosen = st.multiselect(
        _("Together with"),
        others,
        [name for name in known if name in others],
        format_func=lambda name: language.title(catalogue.entry(kind, name)),
        key=f"{base}:{kind}:{first['name']}:further",
        placeholder=_("Further terms, each with its weight"),
        persist_state="session",
    )
    further = [
        {"name": name, **forms.parameters(kind, name, known.get(name, {}), f"{base}:further", named=True)}
        for name in chosen
    ]
    return [first, *further]


def _as_list(given: Any) -> list[Any]:
    return list(given) if isinstance(given, list | tuple) else [given]


def _section(title: str, model: type[Embedding] | type[Training], given: dict[str, Any], prefix: str) -> dict[str, Any]:
    with st.expander(title, icon=":material/tune:"):
        schemas = model.model_json_schema()["properties"]
        if "checkpoint" in schemas:
            schemas["checkpoint"]["enum"] = checkpoints()
        return forms.fields(schemas, given, prefix)
