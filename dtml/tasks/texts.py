"""A person's own texts: two CSV or Parquet files with a column of texts and one of labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dtml.catalogue import Params as BaseParams
from dtml.catalogue import param
from dtml.errors import Problem
from dtml.frames import Column, Frame
from dtml.inspection import Inspection
from dtml.language import Text, mark
from dtml.tasks import Progress, Task, Transfer
from dtml.tasks._own import Indices, Rows, as_bytes, as_text, column, frames, inspected, joined, whole

LONGEST = 4_000
"""Bytes of a text that are read."""
RECOMMENDED = {
    "backbone": "ngrams",
    "strategy": "scratch",
    "embedding": {"dim": 64, "activation": "tanh", "dropout": 0.5},
    "training": {"steps": 300, "batch_size": 64, "optimiser": "adam", "learning_rate": 0.001},
}


class Texts(Task):
    """A source and a target file of texts with labels; the target's labels may be missing.

    Each domain is split 60/10/30 into training, validation and test by seed; equal texts are always in one split.
    """

    name = "texts"
    title = Text("Two files of texts", "两个文本文件")
    summary = Text(
        "Your own texts: a source and a target file (CSV or Parquet) with a column of texts and one of labels.",
        "您自己的文本：源与目标两个文件（CSV 或 Parquet），各含一列文本与一列标签。",
    )
    inputs = "texts"
    needs = ("source", "target")
    recommended = RECOMMENDED
    own = True

    class Params(BaseParams):
        """Where the texts are."""

        source: str = param("", "Source file (CSV or Parquet)", "源域文件（CSV 或 Parquet）")
        target: str = param("", "Target file (CSV or Parquet)", "目标域文件（CSV 或 Parquet）")
        text: str = param("text", "Column of the texts", "文本所在的列")
        label: str = param("label", "Column of the labels; the target need not have it", "标签所在的列；目标域可以没有")
        title: str = param("", "What the task is called", "任务名称")
        leave_out: bool = param(False, "Leave out rows that cannot be read", "忽略无法读取的行")

    def load(self, seed: int, progress: Progress | None = None) -> Transfer:
        both = frames(self.name, self.params.source, self.params.target, progress)
        if not self.params.leave_out:
            whole(both)
        return load_texts(both, self.params.text, self.params.label, seed)

    def inspect(self, progress: Progress | None = None) -> Inspection:
        both = frames(self.name, self.params.source, self.params.target, progress)
        text, label = self.params.text, self.params.label
        return inspected(_rows(both, text), label, lambda: load_texts(both, text, label, 0), progress)


def load_texts(both: tuple[Frame, Frame], text: str, label: str, seed: int) -> Transfer:
    """Two frames with a column of texts as a transfer."""
    rows = _rows(both, text)
    inputs = tuple(as_bytes(as_text(column(frame, text)), LONGEST) for frame in both)
    transfer = joined(rows, label, seed, lambda _trained: (inputs[0], inputs[1]))
    remarks = [remark for each in zip(both, strict=True) for remark in _cut(*each, text)]
    return Transfer(transfer.source, transfer.target, [*transfer.remarks, *remarks])


def _rows(both: tuple[Frame, Frame], text: str) -> tuple[Rows, Rows]:
    first, second = (_of(frame, as_text(column(frame, text))) for frame in both)
    return first, second


def _of(frame: Frame, texts: Column) -> Rows:
    import pandas as pd

    lengths = np.array([len(each) for each in texts])
    low, middle, high = np.percentile(lengths, (0, 50, 100)).astype(int)
    facts = [(mark("Characters a text: shortest, median, longest"), f"{low:,} · {middle:,} · {high:,}")]

    def shown(chosen: Indices) -> NDArray[np.bytes_]:
        return as_bytes(texts[chosen], LONGEST)

    return Rows(frame, pd.util.hash_array(texts), texts != "", shown, facts)


def _cut(frame: Frame, text: str) -> list[Problem]:
    """A remark on texts that are longer than what is read of them."""
    count = sum(len(each.encode("utf-8", "replace")) > LONGEST for each in as_text(column(frame, text)))
    told = mark("{count} texts of {domain} are longer than {most} bytes; only their beginning is read.")
    return [Problem(told, count=count, domain=frame.path.stem, most=LONGEST)] if count else []
