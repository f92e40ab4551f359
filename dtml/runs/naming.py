"""What a person calls runs and their parts, in the current language."""

from __future__ import annotations

from collections.abc import Sequence

from dtml import catalogue, vocabulary
from dtml.experiment import Experiment
from dtml.language import Text
from dtml.runs.records import Run


def heading(run: Run) -> str:
    """A run's title, else its task and what it stands for."""
    if run.role != "adapted" and not run.experiment.title:
        return f"{task_title(run.experiment)} · {vocabulary.role(run.role)}"
    return described(run.experiment)


def described(experiment: Experiment) -> str:
    """An experiment's title, else its task and its loss terms; names where a method is no longer installed."""
    named = [(kind, [choice.name for choice in getattr(experiment, kind)]) for kind in ("alignment", "metric")]
    parts = [task_title(experiment), *(titles(kind, names) for kind, names in named)]
    return experiment.title or " · ".join(part for part in parts if part)


def task_title(experiment: Experiment) -> str:
    """What an own task is called, else the title of the catalogue's task, with the domains that were chosen."""
    given = experiment.task.params
    if given.get("title"):
        return str(given["title"])
    title = titles("task", [experiment.task.name])
    return f"{title}: {given['source']} → {given['target']}" if {"source", "target"} <= given.keys() else title


def titles(kind: str, names: Sequence[str]) -> str:
    """The titles of components without `none`; the names of those that are no longer installed."""
    known = catalogue.entries()[kind]
    return " + ".join(str(Text(*known[name]["title"])) if name in known else name for name in names if name != "none")


def summary(kind: str, name: str) -> str:
    """A component in one sentence; nothing where it is no longer installed."""
    known = catalogue.entries()[kind].get(name)
    return str(Text(*known["summary"])) if known else ""


def percent(value: float | None) -> str:
    """A share as a percentage; a dash where there is none."""
    return "–" if value is None else f"{100 * value:.1f} %"
