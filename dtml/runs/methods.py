"""Every method of the catalogue on one task, with the same budget: the table that the README links."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dtml import catalogue
from dtml.comparison import Interval, gap_closed, interval, paired
from dtml.errors import Problem
from dtml.experiment import Experiment, Role
from dtml.runs.foreground import Listener, known_accuracy, train_all
from dtml.runs.store import Store

KINDS = ("alignment", "metric", "strategy")
Method = tuple[str, str, Experiment]
"""Kind, name and the experiment that tries it."""


@dataclass(frozen=True)
class Row:
    """What one method reached over the seeds, as shares.

    Attributes:
        kind, name: the method.
        experiment: what was trained, with the first seed.
        accuracy: on the target's test split.
        twin: the same without the method.
        source_only, target_only: the references.
        difference: accuracy − twin, paired by seed.
        below: accuracy − source-only, paired by seed.
        neighbours, prototypes: sample transfer, by nearest source embeddings and by class means.
        closed: the share of the gap between source-only and target-only.
        seconds: of one training.
    """

    kind: str
    name: str
    experiment: Experiment
    accuracy: Interval
    twin: Interval
    source_only: Interval
    target_only: Interval
    difference: Interval
    below: Interval
    neighbours: float
    prototypes: float
    closed: float | None
    seconds: float


def experiments(task: str, kinds: Sequence[str] = KINDS) -> tuple[list[Method], dict[str, Problem]]:
    """Every method of these kinds on `task`, everything else at its default; and why others do not fit, by name.

    Raises:
        Problem: for a task that there is not.
    """
    plain = {"alignment": "none", "metric": "none", "strategy": "full_training"}
    Experiment(task=task)
    found, unfit = list[Method](), dict[str, Problem]()
    for kind in kinds:
        for name in catalogue.names(kind):
            if name == plain[kind]:
                continue
            try:
                found.append((kind, name, Experiment(**{"task": task, **plain, kind: name})))
            except Problem as problem:
                unfit[name] = problem
    return found, unfit


def held_against(experiment: Experiment, kind: str) -> dict[Role, Experiment]:
    """The references of a method: for one that does not adapt, the twin is the same run without the method."""
    if experiment.adapts:
        return experiment.references()
    plain = {"metric": "none"} if kind == "metric" else {"strategy": "full_training"}
    twin = experiment.replace(**plain)
    return {**twin.references(), "twin": twin}


def row(store: Store, kind: str, name: str, experiment: Experiment, seeds: Sequence[int], listen: Listener) -> Row:
    """Train a method and its references with every seed; what is finished already is not trained again.

    Raises:
        Problem: where a run failed, and where the target's accuracy is not known.
    """
    results: dict[str, list[dict[str, Any]]] = {}
    for seed in seeds:
        seeded = experiment.replace(seed=seed)
        wanted: dict[str, Experiment] = {"method": seeded} | dict(held_against(seeded, kind))
        for role, each in wanted.items():
            run = next(iter(train_all(store, each, [], listen, again=False).values()))
            if run.error:
                raise run.error
            known_accuracy(run)
            results.setdefault(role, []).append(run.result)
    reached = {role: [r["target_test_accuracy"] for r in each] for role, each in results.items()}
    means = {role: interval(values) for role, values in reached.items()}
    return Row(
        kind=kind,
        name=name,
        experiment=experiment,
        accuracy=means["method"],
        twin=means["twin"],
        source_only=means["source_only"],
        target_only=means["target_only"],
        difference=paired(reached["method"], reached["twin"]),
        below=paired(reached["method"], reached["source_only"]),
        neighbours=interval([r["target_knn_accuracy"] for r in results["method"]]).mean,
        prototypes=interval([r["target_prototype_accuracy"] for r in results["method"]]).mean,
        closed=gap_closed(means["method"].mean, means["source_only"].mean, means["target_only"].mean),
        seconds=interval([r["seconds"] for r in results["method"]]).mean,
    )


def as_markdown(rows: Sequence[Row], seeds: Sequence[int], unfit: Mapping[str, Problem]) -> str:
    """The table as Markdown, the best of each kind first, and below why methods were left out; accuracies in %."""
    first = rows[0].experiment
    budget = f"{first.training.steps} steps of {first.training.batch_size} samples a domain"
    told = [
        f"# Every method on the task `{first.task.name}`",
        "",
        f"Target test accuracy in %, last checkpoint, mean ± 95 % over the seeds {', '.join(map(str, seeds))}; "
        f"all with {budget}, everything else at its default. *Twin*: the same batches and labels without the "
        "method (of AdaBN, TENT and SHOT, which learn from one domain at a time: training on the batches of both). "
        "*Difference*: method − twin, paired by seed. *Gap closed*: between source only and target only. "
        "*k-NN* and *prototypes*: target samples classified by the source's embeddings. **↓**: worse than source only, "
        "with an interval that excludes 0; the method's own page says why where that is known.",
    ]
    for kind in KINDS:
        chosen = sorted((r for r in rows if r.kind == kind), key=lambda r: -r.accuracy.mean)
        if chosen:
            told += ["", f"## {kind.capitalize()}", "", *_lines(chosen)]
    if unfit:
        told += ["", "## Left out", "", *(f"- `{name}`: {problem}" for name, problem in unfit.items())]
    return "\n".join(told) + "\n"


def _lines(rows: Sequence[Row]) -> Iterator[str]:
    yield (
        "| Method | Labels a class | Target | Twin | Difference | Source only | Target only | Gap closed | k-NN "
        "| Prototypes | Seconds |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    for r in rows:
        worse = " **↓**" if r.below.mean < 0 and r.below.excludes_zero else ""
        closed = "–" if r.closed is None else f"{100 * r.closed:.0f} %"
        cells = [
            f"`{r.name}`", str(r.experiment.labels), _share(r.accuracy) + worse, _share(r.twin),
            _share(r.difference, "+"), _share(r.source_only), _share(r.target_only), closed,
            f"{100 * r.neighbours:.1f}", f"{100 * r.prototypes:.1f}", f"{r.seconds:.0f}",
        ]  # fmt: skip
        yield f"| {' | '.join(cells)} |"


def _share(value: Interval, sign: str = "") -> str:
    width = "" if value.half_width == float("inf") else f" ± {100 * value.half_width:.1f}"
    return f"{100 * value.mean:{sign}.1f}{width}"
