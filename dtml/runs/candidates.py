"""What could be learned from for a target: pairs of a task, which names source and target, and a frozen backbone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dtml import catalogue
from dtml.errors import Problem
from dtml.experiment import Choice
from dtml.language import Text, _, mark
from dtml.own import resolved
from dtml.tasks.datasets import absent


@dataclass(frozen=True)
class Candidate:
    """One source for a target, seen by one backbone. Both are complete: every parameter is written out."""

    task: dict[str, Any]
    backbone: dict[str, Any]

    @property
    def learned(self) -> bool:
        """Whether the backbone has learned weights; else the inputs are measured as they are."""
        return bool(catalogue.entry("backbone", self.backbone["name"])["pretrained"])


def candidate(task: Any, backbone: Any = None) -> Candidate:
    """A candidate from a task and a backbone as experiments write them; the task's own backbone where none is named.

    Raises:
        Problem: for names and parameters that there are not, a backbone that does not fit the task, or one that starts
            at random, and a task that lacks what it needs.
    """
    own = _complete("task", resolved(task))
    facts = catalogue.entry("task", own["name"])
    lacking = [key for key in facts["needs"] if not own[key]]
    if lacking:
        told = mark("The task '{task}' needs '{key}'; give SOURCE and TARGET, or write {task}:{key}=….")
        raise Problem(told, task=own["name"], key=lacking[0])
    chosen = _complete("backbone", backbone or facts["recommended"]["backbone"])
    known = catalogue.entry("backbone", chosen["name"])
    if facts["inputs"] not in known["accepts"] or (backbone and not known["pretrained"]):
        raise _unfit(own["name"], chosen["name"], facts["inputs"])
    return Candidate(own, chosen)


def _complete(kind: str, raw: Any) -> dict[str, Any]:
    choice = Choice.model_validate(raw)
    return {"name": choice.name, **catalogue.checked(kind, choice.name, choice.params)}


def _unfit(task: str, backbone: str, inputs: str) -> Problem:
    able = learned(inputs)
    if not able:
        told = mark(
            "No backbone has learned weights for what the task '{task}' has, so nothing of '{backbone}' can be "
            "measured before training; name none, and the inputs are measured as they are."
        )
        return Problem(told, task=task, backbone=backbone)
    told = mark(
        "Nothing of the backbone '{backbone}' can be measured on the task '{task}' before training; choose one with "
        "learned weights ({able}), or name none."
    )
    return Problem(told, task=task, backbone=backbone, able=", ".join(able))


def learned(inputs: str) -> list[str]:
    """The backbones that take these inputs and have learned weights."""
    entries = catalogue.entries()["backbone"]
    return [name for name, entry in entries.items() if inputs in entry["accepts"] and entry["pretrained"]]


def with_domains() -> list[str]:
    """The tasks whose source and target are chosen by name."""
    return [name for name in catalogue.names("task") if domains(name)]


def domains(task: str) -> list[str]:
    """The names among which a task's target is chosen; none where it has no such choice."""
    parameters = catalogue.entry("task", task)["parameters"]
    both = [parameters.get(side, {}).get("enum", []) for side in ("source", "target")]
    return [name for name in both[1] if name in both[0]]


def sources(task: Mapping[str, Any], target: str, names: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The task from each of `names`, or from each domain whose data is on disk, to the target.

    Raises:
        Problem: for a task without named domains, a domain that there is not, and where no source is left.
    """
    known = domains(task["name"])
    if not known:
        told = mark("The task '{task}' has no named domains to choose a source from; choose one of {known}.")
        raise Problem(told, task=task["name"], known=", ".join(with_domains()))
    for name in (*names, target):
        if name not in known:
            raise catalogue.unknown("domain", name, known)
    entry = catalogue.entry("task", task["name"])
    pairs = [{**task, "source": name, "target": target} for name in names or known if name != target]
    found = [pair for pair in pairs if names or not absent(entry, _params(pair))]
    if not found:
        told = mark("Of the task '{task}' no source for '{target}' is on disk; see `dtml show task {task}`.")
        raise Problem(told, task=task["name"], target=target)
    return found


def _params(task: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in task.items() if key != "name"}


# -- names ------------------------------------------------------------------------------------------


def titles(candidates: Sequence[Candidate]) -> list[str]:
    """What tells candidates apart, in few words; numbers where nothing does. One by itself: source → target."""
    parts = [_parts(each) for each in candidates]
    keys = list(dict.fromkeys(key for each in parts for key in each))
    differ = [key for key in keys if len({each.get(key) for each in parts}) > 1]
    named = [" · ".join(each[key] for key in differ if each.get(key)) for each in parts]
    named = [name or target_title([each], whole=True) for name, each in zip(named, candidates, strict=True)]
    return [f"{name} ({i})" if named.count(name) > 1 else name for i, name in enumerate(named, 1)]


def target_title(candidates: Iterable[Candidate], whole: bool = False) -> str:
    """What the candidates are for: the target's name, or the task's where it has none; `whole`: with its source."""
    tasks = [each.task for each in candidates]
    told = [_part("target", task["target"]) for task in tasks if task.get("target")]
    if len(told) < len(tasks) or len(set(told)) > 1:
        return " · ".join(dict.fromkeys(_task(task) for task in tasks))
    return f"{_part('source', tasks[0]['source'])} → {told[0]}" if whole else told[0]


def _task(task: Mapping[str, Any]) -> str:
    return str(task.get("title") or Text(*catalogue.entry("task", task["name"])["title"]))


def _parts(each: Candidate) -> dict[str, str]:
    """What a person could tell a candidate by, the shortest first."""
    own = {key: value for key, value in each.task.items() if key not in ("name", "title")}
    given = {key: value for key, value in each.backbone.items() if key != "name"}
    backbone = str(Text(*catalogue.entry("backbone", each.backbone["name"])["title"]))
    return {
        **({"title": each.task["title"]} if each.task.get("title") else {key: _part(key, own[key]) for key in own}),
        "task": "" if each.task.get("title") else _task(each.task),
        "backbone": backbone if each.learned else _("the inputs as they are"),
        **({f"backbone.{key}": _part(key, value) for key, value in given.items()} if each.learned else {}),
    }


def _part(key: str, value: Any) -> str:
    if key in ("source", "target", "model"):
        return Path(str(value)).stem if key != "model" else str(value)
    return f"{key} {Path(value).name if isinstance(value, str) and value else value}"
