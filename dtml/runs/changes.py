"""What changed between two states of the same samples: accuracies, classes that lost, where the target went.

Everything is told of the probe samples, which both states share. Intervals are at 95 % and over samples: they
say what other samples of the same domains would show, not what another training would.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtml.errors import Problem
from dtml.language import mark
from dtml.runs.folder import RunFolder, read_arrays
from dtml.runs.pictures import State

REPEATS = 2000
Z = 1.959964
"""The 97.5 % quantile of the normal distribution."""


@dataclass(frozen=True)
class Share:
    """A share of `count` samples, with Wilson's interval."""

    value: float
    low: float
    high: float
    count: int


@dataclass(frozen=True)
class Change:
    """How often the network was right before and after, and the difference paired by sample.

    The interval `low` … `high` of the difference is a percentile bootstrap over samples by seed.
    """

    before: Share
    after: Share
    difference: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """ "lost" or "gained" where the interval of the difference excludes zero, else "open"."""
        return "lost" if self.high < 0 else "gained" if self.low > 0 else "open"


@dataclass(frozen=True)
class Changes:
    """What changed from one state to another.

    Attributes:
        classes: class names (c,).
        source, target: accuracies; None where no label is known.
        by_class: of the target, by class, the largest loss first.
        confusion: before and after, counts (c, c) of the target: [true, predicted]; None without labels.
        truth: (m,) classes of the target samples, -1 where unknown.
        nearest: before and after, (m,) the source class whose mean is nearest to each target sample in the
            original embedding space.
    """

    classes: tuple[str, ...]
    source: Change | None
    target: Change | None
    by_class: tuple[tuple[int, Change], ...]
    confusion: tuple[NDArray[np.int64], NDArray[np.int64]] | None
    truth: NDArray[np.int64]
    nearest: tuple[NDArray[np.int64], NDArray[np.int64]]

    @property
    def lost(self) -> list[str]:
        """The names of the classes that lost beyond their interval: negative transfer."""
        return [self.classes[label] for label, change in self.by_class if change.verdict == "lost"]


def changes(before: State, after: State) -> Changes:
    """Compare two snapshots.

    Raises:
        Problem: where they do not look at the same samples.
    """
    seen = read_arrays(RunFolder(after[0]).probe)
    if not np.array_equal(seen["ids"], read_arrays(RunFolder(before[0]).probe)["ids"]):
        raise Problem(
            mark("The runs '{before}' and '{after}' look at different samples; compare runs of one task and seed."),
            before=before[0],
            after=after[0],
        )
    states = tuple(read_arrays(RunFolder(run).snapshot(step)) for run, step in (before, after))
    return compare(states[0], states[1], seen)


def compare(
    before: Mapping[str, NDArray[Any]], after: Mapping[str, NDArray[Any]], seen: Mapping[str, NDArray[Any]]
) -> Changes:
    """Compare the arrays of two snapshots: "embeddings" (n, d) and "probabilities" (n, c).

    Args:
        seen: "labels", "domains" (n,) and "classes" (c,) of their samples.
    """
    labels, of_source, of_target = seen["labels"], seen["domains"] == 0, seen["domains"] == 1
    predicted = [state["probabilities"].argmax(1) for state in (before, after)]
    right = [guess == labels for guess in predicted]
    known = labels >= 0
    truth = labels[of_target]
    classes = tuple(map(str, seen["classes"]))
    found = [(int(label), _change(right, of_target & (labels == label))) for label in np.unique(truth[truth >= 0])]
    by_class = [(label, change) for label, change in found if change]
    labelled = of_target & known
    confusion = [_counts(labels[labelled], guess[labelled], len(classes)) for guess in predicted]
    nearest = [
        nearest_class(state["embeddings"][of_source], labels[of_source], state["embeddings"][of_target])
        for state in (before, after)
    ]
    return Changes(
        classes=classes,
        source=_change(right, of_source & known),
        target=_change(right, labelled),
        by_class=tuple(sorted(by_class, key=lambda item: item[1].difference)),
        confusion=(confusion[0], confusion[1]) if labelled.any() else None,
        truth=truth,
        nearest=(nearest[0], nearest[1]),
    )


def _change(right: list[NDArray[np.bool_]], chosen: NDArray[np.bool_]) -> Change | None:
    if not chosen.any():
        return None
    before, after = (hits[chosen] for hits in right)
    low, high = paired_interval(before, after)
    difference = float(after.mean() - before.mean())
    return Change(share(int(before.sum()), len(before)), share(int(after.sum()), len(after)), difference, low, high)


def share(hits: int, count: int) -> Share:
    """A share with Wilson's 95 % interval.

    Source: Wilson, "Probable Inference, the Law of Succession, and Statistical Inference" (1927).
    """
    value, squared = hits / count, Z**2 / count
    middle = (value + squared / 2) / (1 + squared)
    half = Z * np.sqrt(value * (1 - value) / count + squared / (4 * count)) / (1 + squared)
    return Share(value, max(0.0, float(middle - half)), min(1.0, float(middle + half)), count)


def paired_interval(before: NDArray[np.bool_], after: NDArray[np.bool_], seed: int = 0) -> tuple[float, float]:
    """The 95 % percentile interval of mean(after) − mean(before) over `REPEATS` bootstrap samples of the pairs.

    Each sample draws n pairs with replacement. Only the numbers of pairs that gained, lost and stayed count, so
    they are drawn at once from their multinomial distribution.
    """
    count = len(before)
    gained, lost = int((after & ~before).sum()), int((before & ~after).sum())
    chances = np.array([gained, lost, count - gained - lost]) / count
    drawn = np.random.default_rng(seed).multinomial(count, chances, size=REPEATS)
    low, high = np.quantile((drawn[:, 0] - drawn[:, 1]) / count, [0.025, 0.975])
    return float(low), float(high)


def _counts(rows: NDArray[np.int64], columns: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """How often each pair occurs, (c, c)."""
    table = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(table, (rows, columns), 1)
    return table


def nearest_class(
    source: NDArray[np.floating[Any]], labels: NDArray[np.int64], target: NDArray[np.floating[Any]]
) -> NDArray[np.int64]:
    """The class (m,) of the source (n, d) whose mean is nearest to each target sample (m, d), in Euclidean distance."""
    present = np.unique(labels[labels >= 0])
    means = np.stack([source[labels == label].mean(0, dtype=np.float64) for label in present])
    rows = target.astype(np.float64)
    squared = np.square(means).sum(1) - 2 * rows @ means.T  # |row|² is the same for all means
    return present[squared.argmin(1)]


def went(changes: Changes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many target samples of each class lie nearest to each source class, before and after: (c, c) each."""
    known = changes.truth >= 0
    before, after = (_counts(changes.truth[known], near[known], len(changes.classes)) for near in changes.nearest)
    return before, after


def flows(changes: Changes, only: int | None = None) -> list[tuple[int, int, str, int]]:
    """Target samples that went from one nearest source class to another: (before, after, how, count).

    `how` is "stayed" (right both times), "found" (right after), "left" (right before), "wrong" (never right), or
    "unknown" without a label.

    Args:
        only: keep samples of this true class.
    """
    found: dict[tuple[int, int, str], int] = {}
    for truth, before, after in zip(changes.truth, *changes.nearest, strict=True):
        if only is None or truth == only:
            key = (int(before), int(after), _how(int(truth), int(before), int(after)))
            found[key] = found.get(key, 0) + 1
    return sorted((*key, count) for key, count in found.items())


def _how(truth: int, before: int, after: int) -> str:
    if truth < 0:
        return "unknown"
    return {(True, True): "stayed", (False, True): "found", (True, False): "left", (False, False): "wrong"}[
        before == truth, after == truth
    ]


def boundaries(identity: str) -> dict[int, Mapping[str, NDArray[Any]]]:
    """The decision boundary after each step that has one: "boundary" (g, g, c), "boundary_x", "boundary_y" (g,).

    Empty where the task's inputs are no points in the plane, and for runs that kept none.
    """
    folder = RunFolder(identity)
    found = {step: read_arrays(folder.snapshot(step)) for step in folder.steps()}
    return {step: arrays for step, arrays in found.items() if "boundary" in arrays}
