"""What the tasks with a controlled shift share: another task's source, cut into two halves without a common sample."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtml import catalogue
from dtml.errors import Problem
from dtml.language import mark
from dtml.own import resolved
from dtml.tasks import Domain, Progress, Split, Task, Transfer, stratified

Splits = dict[Split, NDArray[np.int64]]


class Shifted(Task):
    """A target that is made from the other half of a task's source domain.

    Every split of that domain is halved by seed, class by class; samples that are equal are in the same half. The
    first half is the source as it is, the second becomes the target.
    """

    @classmethod
    def others(cls) -> list[str]:
        """The tasks whose source can be shifted."""
        tasks: dict[str, Any] = catalogue.components("task")
        return [name for name, task in tasks.items() if task.inputs == cls.inputs and not issubclass(task, Shifted)]

    @classmethod
    def entry(cls) -> dict[str, Any]:
        entry = super().entry()
        if "of" in entry["parameters"]:
            entry["parameters"]["of"]["known"] = cls.others()
        return entry

    def load(self, seed: int, progress: Progress | None = None) -> Transfer:
        whole = self._other().load(seed, progress)
        kept, shifted = halves(whole.source, seed)
        if progress:
            progress(mark("Shifting the target"), 0.0)
        source = Domain(
            name=whole.source.name,
            inputs=whole.source.inputs,
            labels=whole.source.labels,
            classes=whole.source.classes,
            splits=kept,
            ids=whole.source.ids,
        )
        return Transfer(source, self.shift(source, part(whole.source, shifted), seed), whole.remarks)

    def shift(self, source: Domain, target: Domain, seed: int) -> Domain:
        """The target, shifted away from the source."""
        raise NotImplementedError

    def missing(self) -> Problem | None:
        problem: Problem | None = self._other().missing()
        return problem

    def _other(self) -> Task:
        """The task whose source is shifted: one of the catalogue, or a confirmed one of the person's own.

        Raises:
            Problem: for a task that there is not or that has other inputs, and for settings that it does not know.
        """
        own = resolved(self.params.of)
        name, params = (own["name"], own) if isinstance(own, dict) else (own, {})
        if name not in self.others():
            raise catalogue.unknown("task", self.params.of, self.others())
        given = {key: value for key, value in params.items() if key != "name"} | settings(self.params.settings)
        other: Task = catalogue.create("task", name, **given)
        absent = [key for key in other.needs if not getattr(other.params, key)]
        if absent:
            told = mark("The task '{task}' needs '{key}'; give it in 'settings', such as {key}=….")
            raise Problem(told, task=other.name, key=absent[0])
        return other


def settings(text: str) -> dict[str, str]:
    """The parameters that a text such as "source=webcam, size=64" sets."""
    pairs = [piece.partition("=") for piece in text.split(",") if piece.strip()]
    for key, equals, value in pairs:
        if not key.strip() or not equals:
            told = mark("'{setting}' sets no parameter; write key=value with commas between several.")
            raise Problem(told, setting=f"{key}{equals}{value}".strip())
    return {key.strip(): value.strip() for key, _equals, value in pairs}


def halves(domain: Domain, seed: int) -> tuple[Splits, Splits]:
    """Two sets of splits of a domain without a common or equal sample, about half of each class in each split.

    Raises:
        Problem: where a split has too few samples for two.
    """
    first, second = Splits(), Splits()
    for name, members in domain.splits.items():
        digests = [hashlib.blake2b(np.ascontiguousarray(domain.inputs[i]).data).digest() for i in members]
        _unique, one, group = np.unique(np.array(digests), return_index=True, return_inverse=True)
        parts = stratified(domain.labels[members[one]], {"train": 0.5, "test": 0.5}, seed)
        first[name], second[name] = (members[np.isin(group, parts[side])] for side in ("train", "test"))
        if not len(first[name]) or not len(second[name]):
            told = mark("'{name}' has too few samples ({count}) to be cut into two halves; choose a larger task.")
            raise Problem(told, name=domain.name, count=sum(map(len, domain.splits.values())))
    return first, second


def part(domain: Domain, splits: Splits) -> Domain:
    """The samples of these splits as a domain of their own, in memory."""
    chosen = np.sort(np.concatenate(list(splits.values())))
    return Domain(
        name=domain.name,
        inputs=np.asarray(domain.inputs[chosen]),
        labels=domain.labels[chosen],
        classes=domain.classes,
        splits={name: np.searchsorted(chosen, members) for name, members in splits.items()},
        ids=domain.ids[chosen],
    )
