"""What tasks on a person's own files share: two frames → two domains over their common classes, and how they look."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtml import paths
from dtml.errors import Problem
from dtml.frames import MISSING, Column, Frame, read
from dtml.inspection import Example, Inspection, Side
from dtml.language import mark
from dtml.tasks import Domain, Progress, Split, Transfer
from dtml.tasks.folders import split_alike

CLASSES = 1_000
MANY, FEW = 20, 10
"""More classes than that, half of them with fewer rows, are remarked."""
EXAMPLES = 4
"""Rows of a class that are shown before training."""
_WHOLE = re.compile(r"-?\d+\.0+")

Indices = NDArray[np.int64]
Splits = dict[Split, Indices]


@dataclass(frozen=True)
class Rows:
    """The rows of one domain's file.

    Attributes:
        frame: the file.
        digests: (n,) equal where the contents of rows are, whatever their labels; of both domains alike.
        usable: (n,) whether a row has anything to learn from.
        shown: what a person reads of the rows at some indices, UTF-8 bytes.
        facts: (what, value) to tell about all of them.
    """

    frame: Frame
    digests: NDArray[np.uint64]
    usable: NDArray[np.bool_]
    shown: Callable[[Indices], NDArray[np.bytes_]]
    facts: list[tuple[str, str]]


def frames(task: str, source: str, target: str, progress: Progress | None) -> tuple[Frame, Frame]:
    """The files of both domains, read.

    Raises:
        Problem: for a path that is not given or missing, one file for both, and what `read` refuses.
    """
    found = []
    for number, (side, given) in enumerate((("source", source), ("target", target))):
        if not given:
            told = mark("The task '{task}' needs the path '{side}'; give a CSV or Parquet file.")
            raise Problem(told, task=task, side=side)
        path = Path(given).expanduser()
        found.append(paths.find_data(str(path)) or path)
        if progress:
            progress(mark("Reading the tables"), number / 2)
    if found[0].resolve() == found[1].resolve():
        told = mark("Source and target are both '{domain}'; choose two different domains.")
        raise Problem(told, domain=found[0].stem)
    first, second = map(read, found)
    return first, second


def whole(both: Sequence[Frame]) -> None:
    """Refuse frames with rows that could not be read.

    Raises:
        Problem: naming the first such row.
    """
    for frame in both:
        if frame.unreadable:
            line, why = frame.unreadable[0]
            told = mark("{count} rows of '{path}' cannot be read, the first at {line} ({why}); mend them, or set "
                        "'leave_out' to go on without them.")  # fmt: skip
            raise Problem(told, count=len(frame.unreadable), path=frame.path, line=line, why=why)


def column(frame: Frame, name: str) -> Column:
    """A column by its name.

    Raises:
        Problem: naming the columns that there are.
    """
    if name in frame.columns:
        return frame.columns[name]
    known = ", ".join(list(frame.columns)[:20])
    told = mark("'{path}' has no column '{name}'; choose one of {known}.")
    raise Problem(told, path=frame.path, name=name, known=known)


def as_text(values: Column) -> Column:
    """The values of a column as str, "" where missing; whole numbers without their point."""
    kinds, place = np.unique(values, return_inverse=True)
    return np.array([_plain(kind) for kind in kinds.tolist()], dtype=object)[place]


def _plain(value: Any) -> str:
    text = repr(value) if isinstance(value, float) else str(value)
    if text in MISSING:
        return ""
    return text.split(".")[0] if _WHOLE.fullmatch(text) else text


def classes_of(frame: Frame, label: str) -> Column:
    """The class of each row, "" where unknown.

    Raises:
        Problem: for more different labels than classes can be.
    """
    texts = as_text(column(frame, label))
    count = len(set(texts) - {""})
    if count > CLASSES:
        told = mark("The column '{name}' of '{path}' has {count} different values, more than {most} classes; choose a "
                    "column that names classes.")  # fmt: skip
        raise Problem(told, name=label, path=frame.path, count=count, most=CLASSES)
    return texts


def target_classes(frame: Frame, label: str) -> Column:
    """The same of a target, whose labels need not be there."""
    return classes_of(frame, label) if label in frame.columns else as_text(np.full(len(frame), np.nan))


def joined(
    both: tuple[Rows, Rows],
    label: str,
    seed: int,
    encode: Callable[[Indices], tuple[NDArray[Any], NDArray[Any]]],
) -> Transfer:
    """Both domains over the classes that they have in common; over the source's where the target has no labels.

    Args:
        encode: the inputs of both domains, once it is known which rows of the source are trained on.

    Raises:
        Problem: for labels that are missing or are no classes, fewer than two common classes, and too few rows.
    """
    source, target = both
    named = classes_of(source.frame, label), target_classes(target.frame, label)
    classes, remarks = _agreed(both, named)
    labels = [_numbered(each, classes) for each in named]
    used = source.usable & (labels[0] >= 0), target.usable & ((labels[1] >= 0) | (named[1] == ""))
    splits = [_split(rows, own, mine, seed) for rows, own, mine in zip(both, labels, used, strict=True)]
    names = _names(source.frame.path, target.frame.path)
    domains = [
        Domain(name, inputs, own, classes, parts, rows.frame.ids, rows.shown)
        for name, inputs, own, parts, rows in zip(names, encode(splits[0]["train"]), labels, splits, both, strict=True)
    ]
    remarks += [*source.frame.remarks, *target.frame.remarks, *_left_out(both)]
    return Transfer(domains[0], domains[1], [*remarks, *_unlabelled(domains, named), *_alike(domains, both, used)])


def _names(source: Path, target: Path) -> tuple[str, str]:
    """What the domains are called: their files, with their folders where those are called alike."""
    if source.stem != target.stem:
        return source.stem, target.stem
    return f"{source.parent.name}/{source.name}", f"{target.parent.name}/{target.name}"


def _agreed(both: tuple[Rows, Rows], named: tuple[Column, Column]) -> tuple[tuple[str, ...], list[Problem]]:
    """The classes that are learned, and a remark on those that are not."""
    a, b = (set(each[rows.usable]) - {""} for each, rows in zip(named, both, strict=True))
    common = tuple(sorted(a & b if b else a))
    if len(common) < 2:
        told = mark("'{source}' (classes {a}) and '{target}' (classes {b}) have {count} classes in common; give at "
                    "least two, with equal names.")  # fmt: skip
        source, target = (rows.frame.path for rows in both)
        raise Problem(told, source=source, target=target, a=_some(a), b=_some(b), count=len(common))
    others = (a | b) - set(common)
    if not others:
        return common, []
    told = mark("Only one of the two domains has these classes, so they are left out: {classes}.")
    return common, [Problem(told, classes=_some(others))]


def _some(names: set[str]) -> str:
    return (", ".join(sorted(names)[:8]) + (" …" if len(names) > 8 else "")) or "–"


def _numbered(named: Column, classes: tuple[str, ...]) -> Indices:
    known = {name: number for number, name in enumerate(classes)}
    return np.array([known.get(name, -1) for name in named], dtype=np.int64)


def _split(rows: Rows, labels: Indices, used: NDArray[np.bool_], seed: int) -> Splits:
    """Stratified splits of the rows that are used; equal ones are never apart."""
    chosen = np.flatnonzero(used)
    parts = split_alike(labels[chosen], rows.digests[chosen].astype(np.str_), seed) if len(chosen) else {}
    if not parts or not all(len(part) for part in parts.values()):
        told = mark("'{path}' has too few rows ({count}) to train, validate and test; give at least three a class.")
        raise Problem(told, path=rows.frame.path, count=len(chosen))
    return {name: chosen[part] for name, part in parts.items()}


# -- remarks ------------------------------------------------------------------------------------------


def _left_out(both: Sequence[Rows]) -> list[Problem]:
    """Rows that were left out: unreadable ones, and those without content."""
    found = []
    for rows in both:
        name, empty = rows.frame.path.stem, int((~rows.usable).sum())
        if rows.frame.unreadable:
            told = mark("{count} rows of {domain} cannot be read and are left out, the first at {line} ({why}).")
            line, why = rows.frame.unreadable[0]
            found.append(Problem(told, count=len(rows.frame.unreadable), domain=name, line=line, why=why))
        if empty:
            told = mark("{count} rows of {domain} are empty, so they are left out.")
            found.append(Problem(told, count=empty, domain=name))
    return found


def _unlabelled(domains: Sequence[Domain], named: tuple[Column, Column]) -> list[Problem]:
    """What follows from labels that are not there."""
    found = []
    without = [int((each == "").sum()) for each in named]
    if without[0]:
        told = mark("{count} rows of {domain} have no label, so they are left out.")
        found.append(Problem(told, count=without[0], domain=domains[0].name))
    if without[1] == len(named[1]):
        told = mark("{domain} has no labels, so the accuracy on it will not be known.")
        found.append(Problem(told, domain=domains[1].name))
    elif without[1]:
        told = mark("{count} of {all} rows of {domain} have no label; its accuracy is that of the others.")
        found.append(Problem(told, count=without[1], all=len(named[1]), domain=domains[1].name))
    return found


def _alike(domains: Sequence[Domain], both: Sequence[Rows], used: Sequence[NDArray[np.bool_]]) -> list[Problem]:
    """Rows that are there twice: within a domain (kept in one split), or across to the target's test rows."""
    found = []
    for domain, rows, mine in zip(domains, both, used, strict=True):
        twice = int(mine.sum()) - len(np.unique(rows.digests[mine]))
        if twice:
            told = mark("{domain} has {count} rows twice; both are always in the same split.")
            found.append(Problem(told, domain=domain.name, count=twice))
    trained = both[0].digests[domains[0].splits["train"]]
    leaked = int(np.isin(both[1].digests[domains[1].splits["test"]], trained).sum())
    if leaked:
        told = mark("{count} test rows of the target are also training rows of the source: a leak.")
        found.append(Problem(told, count=leaked))
    return found


# -- looking ------------------------------------------------------------------------------------------


def inspected(
    both: tuple[Rows, Rows], label: str, load: Callable[[], Transfer], progress: Progress | None
) -> Inspection:
    """What both files hold; what `load` refuses is an obstacle."""
    remarks: list[Problem] = []
    obstacles: list[Problem] = []
    try:
        remarks = load().remarks
    except Problem as problem:
        obstacles = [problem]
    unreadable = [(f"{rows.frame.path.name}, {line}", why) for rows in both for line, why in rows.frame.unreadable]
    sides = [_side(rows, label, name) for rows, name in zip(both, _names(*(r.frame.path for r in both)), strict=True)]
    if progress:
        progress(mark("Reading the tables"), 1.0)
    return Inspection(sides[0], sides[1], [*_scattered(sides[0], label), *remarks], obstacles, unreadable)


def _scattered(source: Side, label: str) -> list[Problem]:
    """A remark where the labels look like a measurement: many classes, half of them with few rows."""
    counts = sorted(source.counts.values())
    few = counts[len(counts) // 2] if counts else 0
    if len(counts) <= MANY or few >= FEW:
        return []
    told = mark(
        "The column '{name}' gives {count} classes, half of them with {few} rows or fewer; choose another one if it "
        "holds a measurement."
    )
    return [Problem(told, name=label, count=len(counts), few=few)]


def _side(rows: Rows, label: str, name: str) -> Side:
    try:
        named = target_classes(rows.frame, label)
    except Problem:  # too many classes: an obstacle, which `load` names
        named = target_classes(rows.frame, "")
    counts = {each: int((named == each).sum()) for each in sorted(set(named) - {""})}
    examples = {each: _examples(rows, np.flatnonzero(named == each)[:EXAMPLES]) for each in [*counts, ""]}
    facts = [(mark("Rows"), f"{len(rows.frame):,}"), *rows.facts]
    return Side(name, counts, int((named == "").sum()), facts, {each: some for each, some in examples.items() if some})


def _examples(rows: Rows, chosen: Indices) -> list[Example]:
    texts = rows.shown(chosen)
    return [Example(str(rows.frame.ids[i]), text=text.decode()) for i, text in zip(chosen, texts, strict=True)]


def as_bytes(texts: Iterable[str], most: int) -> NDArray[np.bytes_]:
    """Texts as UTF-8 bytes (n,), each cut at the last whole character within `most` bytes."""
    cut = [text.replace("\0", " ").encode("utf-8", "replace")[:most].decode("utf-8", "ignore") for text in texts]
    return np.array([text.encode() for text in cut] or [b""], dtype=np.bytes_)[: len(cut)]
