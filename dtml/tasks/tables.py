"""A person's own tables: two CSV or Parquet files with the same columns, one of them the labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dtml.catalogue import Params as BaseParams
from dtml.catalogue import param
from dtml.errors import Problem
from dtml.frames import Frame
from dtml.inspection import Inspection
from dtml.language import Text, mark
from dtml.tasks import Progress, Task, Transfer
from dtml.tasks._columns import Table, encoded, learn, numeric_columns, table, unknown
from dtml.tasks._own import Indices, Rows, column, frames, inspected, joined, whole


class Tables(Task):
    """A source and a target table with the same columns; the target's labels may be missing.

    A column is numeric where all values that the source has of it are numbers, else categorical. What is learned of
    the columns is learned from the source's training rows alone, so that nothing leaks: numbers are standardised by
    their means and standard deviations and held within 100 of these; categories become one column each, all zero for
    one that is not known. A missing number becomes the mean; a column that misses values has another that tells where.

    Each domain is split 60/10/30 into training, validation and test by seed; equal rows are always in one split.
    """

    name = "tables"
    title = Text("Two tables", "两个表格")
    summary = Text(
        "Your own tables: a source and a target file (CSV or Parquet) with the same columns, numbers and categories.",
        "您自己的表格：源与目标两个文件（CSV 或 Parquet），列相同，可含数值与类别。",
    )
    inputs = "points"
    needs = ("source", "target")
    recommended = {
        "backbone": {"name": "mlp", "width": 128, "depth": 2},
        "strategy": "scratch",
        "embedding": {"dim": 64, "activation": "tanh"},
        "training": {"steps": 1000, "batch_size": 64, "optimiser": "adam", "learning_rate": 0.001},
    }
    own = True

    class Params(BaseParams):
        """Where the tables are, and how categories are read."""

        source: str = param("", "Source file (CSV or Parquet)", "源域文件（CSV 或 Parquet）")
        target: str = param("", "Target file (CSV or Parquet)", "目标域文件（CSV 或 Parquet）")
        label: str = param("label", "Column of the labels; the target need not have it", "标签所在的列；目标域可以没有")
        categories: int = param(
            50,
            "Categories of a column at most; rarer ones count as none",
            "每列最多的类别数；更少见的不计",
            ge=1,
            le=1000,
        )
        title: str = param("", "What the task is called", "任务名称")
        leave_out: bool = param(False, "Leave out rows that cannot be read", "忽略无法读取的行")

    def load(self, seed: int, progress: Progress | None = None) -> Transfer:
        both = frames(self.name, self.params.source, self.params.target, progress)
        if not self.params.leave_out:
            whole(both)
        return self._joined(both, seed)

    def inspect(self, progress: Progress | None = None) -> Inspection:
        both = frames(self.name, self.params.source, self.params.target, progress)
        first, second = (_rows(self._alone(frame)) for frame in both)
        return inspected((first, second), self.params.label, lambda: self._joined(both, 0), progress)

    def _alone(self, frame: Frame) -> Table:
        """The columns of one file by themselves."""
        names = _features(frame, self.params.label)
        return table(frame, names, numeric_columns(frame, names))

    def _joined(self, both: tuple[Frame, Frame], seed: int) -> Transfer:
        label, most = self.params.label, self.params.categories
        source, target = _comparable(both, label)
        remarks = _further(both, label)

        def encode(trained: Indices) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
            learned, told = learn(source, trained, most)
            remarks.extend([*told, *unknown(target, learned)])
            return encoded(source, learned), encoded(target, learned)

        transfer = joined((_rows(source), _rows(target)), label, seed, encode)
        return Transfer(transfer.source, transfer.target, [*transfer.remarks, *remarks])


def _features(frame: Frame, label: str) -> list[str]:
    return [name for name in frame.columns if name != label]


def _comparable(both: tuple[Frame, Frame], label: str) -> tuple[Table, Table]:
    """The source's columns of both files; numeric are those that are in the source.

    Raises:
        Problem: where there is no column of labels, and where the target lacks a column.
    """
    source, target = both
    column(source, label)
    names = _features(source, label)
    if not names:
        told = mark("'{path}' has no column to learn from beside the labels; give a table with more columns.")
        raise Problem(told, path=source.path)
    lacking = [name for name in names if name not in target.columns]
    if lacking:
        told = mark("'{target}' lacks the columns {names} of '{source}'; both files need the same columns.")
        raise Problem(told, target=target.path, source=source.path, names=", ".join(lacking[:10]))
    numeric = numeric_columns(source, names)
    return table(source, names, numeric), table(target, names, numeric)


def _further(both: tuple[Frame, Frame], label: str) -> list[Problem]:
    """A remark on columns that only the target has."""
    names = [name for name in _features(both[1], label) if name not in both[0].columns]
    told = mark("Only {domain} has the columns {names}, so they are left out.")
    return [Problem(told, domain=both[1].path.stem, names=", ".join(names[:10]))] if names else []


def _rows(own: Table) -> Rows:
    return Rows(own.frame, own.digests, np.ones(len(own.frame), dtype=bool), own.shown, own.facts)
