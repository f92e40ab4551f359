"""One experiment on every ordered pair of a task's domains: the table that a benchmark's papers print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dtml import catalogue
from dtml.comparison import Interval, interval, paired
from dtml.errors import Problem
from dtml.experiment import Experiment, Role
from dtml.language import mark
from dtml.runs.foreground import Listener, train_all
from dtml.runs.store import Store
from dtml.tasks.datasets import absent

COLUMNS: tuple[Role, ...] = ("source_only", "twin", "adapted", "target_only")


@dataclass(frozen=True)
class Pair:
    """What was reached from one domain to another over the seeds, as shares.

    Attributes:
        reached: the accuracies on the target's test split by role, a value a seed.
    """

    source: str
    target: str
    reached: dict[Role, list[float]]

    def mean(self, role: Role) -> Interval:
        return interval(self.reached[role])

    @property
    def gain(self) -> Interval:
        """Adapted − source-only, paired by seed."""
        return paired(self.reached["adapted"], self.reached["source_only"])


def pairs(experiment: Experiment, domains: Sequence[str] = ()) -> list[Experiment]:
    """The experiment on every ordered pair of `domains`, or of all domains of its task whose data is on disk.

    Raises:
        Problem: for a task without named domains, a domain that there is not, and fewer than two domains.
    """
    task = experiment.task
    known = catalogue.entry("task", task.name)["parameters"].get("source", {}).get("enum", [])
    if not known:
        told = mark("The task '{task}' has no named domains to pair; choose one of {known}.")
        raise Problem(told, task=task.name, known=", ".join(_with_domains()))
    for name in domains:
        if name not in known:
            raise catalogue.unknown("domain", name, known)
    chosen = [name for name in known if name in domains or (not domains and _here(experiment, name))]
    if len(chosen) < 2:
        told = mark("Of the task '{task}' fewer than two domains are on disk; see `dtml show task {task}`.")
        raise Problem(told, task=task.name)
    return [_between(experiment, a, b) for a in chosen for b in chosen if a != b]


def pair(store: Store, experiment: Experiment, seeds: Sequence[int], listen: Listener) -> Pair:
    """Train an experiment with its references for every seed; what is finished already is not trained again.

    Raises:
        Problem: where a run failed.
    """
    reached: dict[Role, list[float]] = {}
    for seed in seeds:
        seeded = experiment.replace(seed=seed)
        for role, run in train_all(store, seeded, COLUMNS, listen, again=False).items():
            if run.error:
                raise run.error
            reached.setdefault(role, []).append(run.result["target_test_accuracy"])
    return Pair(experiment.task.params["source"], experiment.task.params["target"], reached)


def average(rows: Sequence[Pair]) -> dict[Role, Interval]:
    """The mean over the pairs, with its interval over the seeds."""
    roles = [role for role in COLUMNS if all(role in row.reached for row in rows)]
    seeds = range(len(rows[0].reached[roles[0]]))
    return {role: interval([sum(row.reached[role][i] for row in rows) / len(rows) for i in seeds]) for role in roles}


def as_markdown(rows: Sequence[Pair]) -> str:
    """The table as Markdown, accuracies in %."""
    means = average(rows)
    lines = ["| source → target | " + " | ".join(role.replace("_", " ") for role in means) + " | gain |"]
    lines.append("|---" * (len(means) + 2) + "|")
    for row in rows:
        cells = [_told(row.mean(role)) for role in means]
        lines.append(f"| {row.source} → {row.target} | " + " | ".join(cells) + f" | {_told(row.gain, '+')} |")
    seeds = range(len(rows[0].reached["adapted"]))
    gains = [sum(row.reached["adapted"][i] - row.reached["source_only"][i] for row in rows) / len(rows) for i in seeds]
    lines.append("| mean | " + " | ".join(_told(means[role]) for role in means) + f" | {_told(interval(gains), '+')} |")
    return "\n".join(lines) + "\n"


def _told(value: Interval, sign: str = "") -> str:
    width = f" ± {100 * value.half_width:.1f}" if value.half_width < float("inf") else ""
    return f"{100 * value.mean:{sign}.1f}{width}"


def _between(experiment: Experiment, source: str, target: str) -> Experiment:
    return experiment.replace(task={**experiment.task.model_dump(), "source": source, "target": target}, title="")


def _here(experiment: Experiment, name: str) -> bool:
    """Whether the data of a domain is on disk."""
    task = experiment.task
    return not absent(catalogue.entry("task", task.name), {**task.params, "source": name, "target": name})


def _with_domains() -> list[str]:
    """The tasks whose source and target are chosen by name."""
    return [
        name for name, entry in catalogue.entries()["task"].items() if entry["parameters"].get("source", {}).get("enum")
    ]
