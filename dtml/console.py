"""What the command line prints: progress, tables of runs and comparisons."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from dtml import vocabulary
from dtml.budget import told
from dtml.comparison import Interval, gap_closed, interval, paired
from dtml.language import _
from dtml.runs.budgets import Curve
from dtml.runs.foreground import known_accuracy
from dtml.runs.records import Run
from dtml.training import Event, PhaseStarted, Preparing, Progressed, Snapshot, Started

COLUMNS = ("adapted", "twin", "source_only", "target_only")


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
        console=console,
    )


class Reporter:
    """Shows the progress of runs in the terminal, a line each."""

    def __init__(self, console: Console) -> None:
        self._progress = _progress(console)
        self._lines: dict[str, TaskID] = {}
        self._preparing: TaskID | None = None
        self._told: set[str] = set()

    def __enter__(self) -> Reporter:
        self._progress.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, run: Run, event: Event | Preparing) -> None:
        steps = run.experiment.training.total
        label = f"{vocabulary.role(run.role)}, " + _("seed {seed}").format(seed=run.experiment.seed)
        if run.experiment.labels:
            label += ", " + _("labels: {budget}").format(budget=told(run.experiment.labels))
        match event:
            case Preparing():
                what = _(event.what)
                self._prepare(f"{label}: {what}", event.share)
            case Started():
                self._prepared()
                for remark in event.remarks:
                    self._remark(str(remark))
                self._lines[run.id] = self._progress.add_task(label, total=steps, note="")
            case PhaseStarted():
                self._prepared()
            case Progressed():
                self._progress.update(self._lines[run.id], completed=event.step)
            case Snapshot():
                reached = event.metrics.get("target_accuracy")
                note = "" if reached is None else _("target {accuracy:.1%}").format(accuracy=reached)
                self._progress.update(self._lines[run.id], completed=event.step, note=note)

    def _prepare(self, told: str, share: float) -> None:
        """A line for what takes long before a phase; the next one takes its place."""
        if told not in self._lines:
            self._lines[told] = self._progress.add_task(told, total=1.0, note="")
        if self._preparing != self._lines[told]:
            self._prepared()
        self._preparing = self._lines[told]
        self._progress.update(self._preparing, completed=share, visible=True)

    def _remark(self, told: str) -> None:
        """Say what was noticed in the data, once for all runs on it."""
        if told not in self._told:
            self._told.add(told)
            self._progress.console.print(told, style="yellow", markup=False, highlight=False)

    def _prepared(self) -> None:
        if self._preparing is not None:
            self._progress.update(self._preparing, visible=False)
            self._preparing = None


@contextmanager
def bar(console: Console) -> Iterator[Callable[[str, float], None]]:
    """A progress bar; yields what to tell (what, share)."""
    with _progress(console) as progress:
        lines: dict[str, TaskID] = {}

        def tell(what: str, share: float) -> None:
            if what not in lines:
                lines[what] = progress.add_task(what, total=1.0, note="")
            progress.update(lines[what], completed=share)

        yield tell


def results(rows: Sequence[Sequence[Run]]) -> Table:
    """One line a seed: the target's accuracy in every role, and the training time."""
    present = [role for role in COLUMNS if any(run.role == role for row in rows for run in row)]
    table = Table(
        _("Seed"),
        *[vocabulary.role(role) for role in present],
        _("Seconds"),
        box=None,
        title=_("Target test accuracy, last checkpoint"),
    )
    for row in rows:
        by_role: dict[str, Run] = {run.role: run for run in row}
        seconds = sum(run.result.get("seconds", 0.0) for run in row)
        cells = [_accuracy(by_role.get(role)) for role in present]
        table.add_row(str(row[0].experiment.seed), *cells, f"{seconds:.1f}")
    return table


def _accuracy(run: Run | None) -> str:
    if run is None:
        return "–"
    if run.state != "finished":
        return vocabulary.state(run.state)
    value = run.result.get("target_test_accuracy")
    return _("not known") if value is None else f"{value:.1%}"


def compared(rows: Sequence[Sequence[Run]]) -> dict[str, Any]:
    """Means over seeds by role, and the adapted run's differences paired by seed, with 95 % intervals.

    Raises:
        Problem: where the target's accuracy is not known, so that there is nothing to compare.
    """
    values: dict[str, list[float]] = {}
    for row in rows:
        for run in row:
            values.setdefault(run.role, []).append(known_accuracy(run))
    found: dict[str, Any] = {
        "seeds": [row[0].experiment.seed for row in rows],
        "mean": {role: _plain(interval(each)) for role, each in values.items()},
        "difference": {
            role: _plain(paired(values["adapted"], each))
            for role, each in values.items()
            if role != "adapted" and "adapted" in values
        },
        "seconds": [{run.role: run.result["seconds"] for run in row} for row in rows],
    }
    if {"adapted", "source_only", "target_only"} <= set(values):
        means = {role: interval(each).mean for role, each in values.items()}
        found["gap_closed"] = gap_closed(means["adapted"], means["source_only"], means["target_only"])
    return found


def _plain(value: Interval) -> dict[str, float | None]:
    return {"mean": value.mean, "half_width": value.half_width if value.half_width < float("inf") else None}


def comparison(found: dict[str, Any]) -> Table:
    """Means with their intervals, and the differences to the adapted run."""
    table = Table("", _("Target accuracy, mean ± 95 %"), _("Adapted − this, paired"), box=None)
    for role in COLUMNS:
        if role in found["mean"]:
            difference = found["difference"].get(role)
            table.add_row(
                vocabulary.role(role), _told(found["mean"][role]), _told(difference, "+") if difference else ""
            )
    if found.get("gap_closed") is not None:
        table.add_row(_("gap closed"), f"{found['gap_closed']:.0%}", "")
    return table


def budgets(curve: Curve, seeds: Sequence[int]) -> dict[str, Any]:
    """A curve over label budgets as plain data."""
    points = [
        {
            "labels": point.budget,
            "labelled": point.labelled,
            "mean": _plain(point.accuracy),
            "twin": _plain(point.twin) if point.twin else None,
            "difference": _plain(point.difference) if point.difference else None,
        }
        for point in curve.points
    ]
    levels: dict[str, float] = {str(role): value for role, value in curve.levels.items()}
    return {"seeds": list(seeds), "points": points, **levels}


def curve_table(curve: Curve) -> Table:
    """Accuracy over the label budget, with what it is held against."""
    below = [f"{vocabulary.role(role)} {value:.1%}" for role, value in curve.levels.items()]
    table = Table(
        _("Label budget"),
        _("Labelled samples"),
        _("Target accuracy, mean ± 95 %"),
        vocabulary.role("twin"),
        _("Difference, paired"),
        box=None,
        caption=" · ".join(below) or None,
    )
    for point in curve.points:
        table.add_row(
            told(point.budget),
            "–" if point.labelled is None else f"{point.labelled:,.0f}",
            _told(_plain(point.accuracy)),
            _told(_plain(point.twin)) if point.twin else "–",
            _told(_plain(point.difference), "+") if point.difference else "–",
        )
    return table


def _told(value: dict[str, float | None], sign: str = "") -> str:
    mean, half = value["mean"], value["half_width"]
    width = "?" if half is None else f"{100 * half:.1f}"
    return f"{100 * (mean or 0):{sign}.1f} ± {width}"


def run_table(runs: Sequence[Run]) -> Table:
    """Runs, one a line."""
    table = Table(_("Run"), _("Role"), _("State"), _("Seed"), _("Step"), _("Target test accuracy"), box=None)
    table.columns[0].no_wrap = True
    for run in runs:
        table.add_row(
            run.id,
            vocabulary.role(run.role),
            vocabulary.state(run.state),
            str(run.experiment.seed),
            f"{run.step}/{run.experiment.training.total}",
            _accuracy(run) if run.ended else "",
        )
    return table
