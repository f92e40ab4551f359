"""The columns of a table as numbers: what is learned of them from some rows, and any rows encoded by that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtml.errors import Problem
from dtml.frames import Column, Frame, as_numbers, missing
from dtml.language import mark
from dtml.tasks._own import Indices, as_bytes, as_text

FURTHEST = 100.0
"""Standard deviations from the mean at which a number is held."""
WIDEST = 10_000
"""Columns of an encoded table."""
LARGEST = 250_000_000
"""Numbers of an encoded table."""
TOLD, READ = 40, 1_000
"""Columns of a row that a person reads, and bytes."""
IDENTIFIER = 0.5
"""The share of its values that are different above which a column with too many categories names rows, not kinds."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """The columns of a frame that are learned from: numbers, NaN where missing, or texts, "" where missing."""

    frame: Frame
    columns: dict[str, Column]

    @property
    def digests(self) -> NDArray[np.uint64]:
        """(n,) equal where rows are."""
        import pandas as pd

        if not self.columns:
            return np.zeros(len(self.frame), dtype=np.uint64)
        return np.asarray(pd.util.hash_pandas_object(pd.DataFrame(self.columns), index=False), dtype=np.uint64)

    def shown(self, chosen: Indices) -> NDArray[np.bytes_]:
        """The rows at some indices as "column = value", as they stand in the file."""
        told = {name: as_text(self.frame.columns[name][chosen]) for name in list(self.columns)[:TOLD]}
        rows = (" · ".join(f"{name} = {values[i] or '–'}" for name, values in told.items()) for i in range(len(chosen)))
        return as_bytes(rows, READ)

    @property
    def facts(self) -> list[tuple[str, str]]:
        """How many columns there are of either kind, and how many values are missing."""
        numeric = [name for name, values in self.columns.items() if values.dtype == np.float64]
        others = [name for name in self.columns if name not in numeric]
        gaps = sum(int(missing(values).sum()) for values in self.columns.values())
        share = gaps / max(1, len(self.frame) * len(self.columns))
        return [
            (mark("Numeric columns"), _some(numeric)),
            (mark("Categorical columns"), _some(others)),
            (mark("Missing values"), f"{gaps:,} ({share:.1%})"),
        ]


def table(frame: Frame, names: Sequence[str], numeric: Sequence[str]) -> Table:
    """The columns `names` of a frame, those of `numeric` as numbers."""
    wanted = set(numeric)
    found = {name: frame.columns[name] for name in names}
    return Table(
        frame,
        {
            name: as_numbers(values, frame.comma) if name in wanted else as_text(values)
            for name, values in found.items()
        },
    )


def numeric_columns(frame: Frame, names: Sequence[str]) -> list[str]:
    """Those of the columns all of whose values are numbers, and that have any."""
    found = []
    for name in names:
        known = ~missing(frame.columns[name])
        if known.any() and not np.isnan(as_numbers(frame.columns[name], frame.comma)[known]).any():
            found.append(name)
    return found


@dataclass(frozen=True)
class Learned:
    """What is learned of one column: how numbers are standardised, or which categories have a column of their own.

    Attributes:
        marked: whether a further column tells where values are missing.
    """

    name: str
    mean: float = 0.0
    deviation: float = 1.0
    categories: tuple[str, ...] | None = None
    marked: bool = False

    @property
    def width(self) -> int:
        return (1 if self.categories is None else len(self.categories)) + self.marked

    def encoded(self, values: Column) -> NDArray[np.float32]:
        """The column as numbers (n, width)."""
        if self.categories is None:
            scaled = np.clip((values - self.mean) / self.deviation, -FURTHEST, FURTHEST)
            parts: list[NDArray[Any]] = [np.nan_to_num(scaled, nan=0.0)]
        else:
            parts = [values == category for category in self.categories]
        parts += [missing(values)] if self.marked else []
        return np.stack(parts, axis=1).astype(np.float32)


def learn(source: Table, trained: Indices, most: int) -> tuple[list[Learned], list[Problem]]:
    """What is learned of every column from the rows `trained`, with at most so many categories; and remarks.

    Raises:
        Problem: where no column is left.
    """
    found: list[Learned] = []
    remarks: list[Problem] = []
    empty: list[str] = []
    for name, values in source.columns.items():
        seen = values[trained]
        gaps = missing(seen)
        if gaps.all():
            empty.append(name)
        elif values.dtype == np.float64:
            deviation = float(seen[~gaps].std())
            found.append(Learned(name, float(seen[~gaps].mean()), deviation or 1.0, marked=bool(gaps.any())))
        else:
            found += _categories(name, seen[~gaps], most, bool(gaps.any()), remarks)
    if empty:
        told = mark("These columns have no values in the source's training rows, so they are left out: {names}.")
        remarks.append(Problem(told, names=_some(empty)))
    if not found:
        told = mark("'{path}' has no column to learn from beside the labels; give a table with more columns.")
        raise Problem(told, path=source.frame.path)
    return found, remarks


def _categories(name: str, seen: Column, most: int, marked: bool, remarks: list[Problem]) -> list[Learned]:
    """The most frequent categories, in order of their names; none of a column that names rows."""
    counts = Counter(seen.tolist())
    if len(counts) <= most:
        return [Learned(name, categories=tuple(sorted(counts)), marked=marked)]
    if len(counts) > IDENTIFIER * len(seen):
        told = mark("The column '{name}' has {count} values in {rows} rows: it names rows, so it is left out.")
        remarks.append(Problem(told, name=name, count=len(counts), rows=len(seen)))
        return []
    told = mark("The column '{name}' has {count} categories; the {most} most frequent are told apart.")
    remarks.append(Problem(told, name=name, count=len(counts), most=most))
    ranked = sorted(counts, key=lambda category: (-counts[category], category))[:most]
    return [Learned(name, categories=tuple(sorted(ranked)), marked=marked)]


def encoded(rows: Table, learned: Sequence[Learned]) -> NDArray[np.float32]:
    """The rows as numbers (n, columns).

    Raises:
        Problem: where these would be too many.
    """
    width = sum(each.width for each in learned)
    if width > WIDEST or width * len(rows.frame) > LARGEST:
        told = mark("'{path}' would become {width} columns of numbers in {rows} rows, more than fits; lower "
                    "'categories', or give fewer columns or rows.")  # fmt: skip
        raise Problem(told, path=rows.frame.path, width=width, rows=len(rows.frame))
    return np.concatenate([each.encoded(rows.columns[each.name]) for each in learned], axis=1)


def unknown(target: Table, learned: Sequence[Learned]) -> list[Problem]:
    """Remarks on what the target has and the source's training rows do not: text among numbers, other categories."""
    found = []
    domain = target.frame.path.stem
    for each in learned:
        values = target.columns[each.name]
        if each.categories is None:
            odd = np.isnan(values) & ~missing(target.frame.columns[each.name])
            told = mark("{count} values of the column '{name}' of {domain} are no numbers, so they count as missing.")
            found += [Problem(told, count=int(odd.sum()), name=each.name, domain=domain)] if odd.any() else []
        else:
            new = sorted(set(values.tolist()) - {"", *each.categories})
            told = mark("{domain} has categories in the column '{name}' that are not told apart: {new}.")
            found += [Problem(told, domain=domain, name=each.name, new=_some(new))] if new else []
    return found


def _some(names: Sequence[str]) -> str:
    return f"{len(names)}" + (f" ({', '.join(names[:8])}{' …' if len(names) > 8 else ''})" if names else "")
