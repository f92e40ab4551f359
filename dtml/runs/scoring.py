"""Measuring candidates for a target: distances, transferability scores and k-NN accuracy before any training.

Only training splits are looked at, and of the target only as many labels as the budget allows. Distances, and the
scores of features alone, are measured along the first principal components (of both domains together, or of the
target's labelled samples), in units of the target's spread, so that backbones of any width can be held against each
other. k-NN and the source's classifier see the features as they are.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from dtml import budget, catalogue
from dtml.errors import Problem
from dtml.language import mark
from dtml.measures import Discrepancy, Transferability
from dtml.measures.interval import Interval, bootstrap, bootstrap_score
from dtml.measures.knn import nearest_neighbour_predictions
from dtml.runs.candidates import Candidate
from dtml.runs.changes import share
from dtml.runs.choosing import KNN, ranking_file
from dtml.runs.folder import write_json
from dtml.tasks import Domain
from dtml.training.frozen import frozen_features

Rows = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]
Tell = Callable[[str, float], None]
NEIGHBOURS = 5
LOADING, SEEING = 0.2, 0.5
"""The shares of a candidate's time that loading its data and running its backbone take, about."""


def compute_ranking(spec: dict[str, Any], report: Callable[[float], None] = lambda share: None) -> None:
    """Measure the candidates of a spec and write its file."""
    write_json(ranking_file(spec), measured(spec, lambda _what, share: report(share)))


def measured(spec: dict[str, Any], report: Tell) -> list[dict[str, Any]]:
    """What was measured of each candidate, as plain data; a candidate that cannot be measured has a problem instead.

    Raises:
        Problem: where none of them can.
    """
    found: list[dict[str, Any]] = []
    count = len(spec["candidates"])
    for number, told in enumerate(spec["candidates"]):

        def within(what: str, share: float, done: int = number) -> None:
            report(what, (done + share) / count)

        try:
            found.append(_measured(Candidate(**told), spec, within))
        except Problem as problem:
            found.append({"problem": problem.to_json()})
    if all("problem" in row for row in found):
        raise Problem.from_json(found[0]["problem"])
    return found


def _measured(candidate: Candidate, spec: dict[str, Any], report: Tell) -> dict[str, Any]:
    """All values of one candidate, and on how many samples."""
    task, backbone = dict(candidate.task), dict(candidate.backbone)
    report(mark("Loading the data"), 0.0)
    transfer = catalogue.create("task", task.pop("name"), **task).load(
        spec["seed"], lambda what, share: report(what, LOADING * share)
    )
    source, target = transfer.source, transfer.target
    rows = _drawn(source, spec, 0, labelled=True), _drawn(target, spec, 1)
    seen = frozen_features(
        backbone.pop("name"),
        backbone,
        {"source": (source, rows[0]), "target": (target, rows[1])},
        lambda what, share: report(what, LOADING + (SEEING - LOADING) * share),
    )
    given = Given(
        seen["source"], source.labels[rows[0]], seen["target"], target.labels[rows[1]],
        _labelled(target, rows[1], spec), spec,
    )  # fmt: skip
    with threadpool_limits(1):  # on a busy machine the threads of many small matrices wait for each other for minutes
        values = _values(given, spec, lambda share: report(mark("Measuring"), SEEING + (1 - SEEING) * share))
    sizes = {"source": len(rows[0]), "target": len(rows[1]), "labels": len(given.labelled)}
    return {"values": values, **sizes, "same": _same(candidate, target, rows[1])}


def _values(given: Given, spec: dict[str, Any], report: Callable[[float], None]) -> dict[str, Any]:
    """Each measure's value; those that read labels only where there are any."""
    values: dict[str, Any] = {KNN: _told(given.knn)} if len(given.labelled) else {}
    for number, (name, params) in enumerate(spec["measures"].items()):
        report(number / len(spec["measures"]))
        measure = catalogue.create("measure", name, **params)
        if isinstance(measure, Discrepancy):
            values[name] = _told(partial(given.distance, measure))
        elif len(given.labelled):
            values[name] = _told(partial(given.score, measure))
    report(1.0)
    return values


class Given:
    """What is known of a candidate: features and labels of the source (n, f), (n,), and features of the target (m, f).

    `labelled` are the places of the target samples whose labels may be read.
    """

    def __init__(
        self, source: Rows, classes: Indices, target: Rows, truth: Indices, labelled: Indices, spec: dict[str, Any]
    ) -> None:
        self.source, self.classes, self.target, self.spec = source, classes, target, spec
        self.labelled, self.truth = labelled, truth[labelled]

    def knn(self) -> dict[str, float]:
        """How often the nearest source samples tell a target sample's class, with Wilson's interval."""
        guessed = nearest_neighbour_predictions(self.source, self.classes, self.target[self.labelled], NEIGHBOURS)
        return _share(float(np.mean(guessed == self.truth)), len(self.truth))

    def distance(self, measure: Discrepancy) -> dict[str, float]:
        """How far the domains are apart."""
        seen = bootstrap(measure, *self._both, self.spec["repeats"], self.spec["seed"])
        return _freed(seen, measure.limits)

    def score(self, measure: Transferability) -> dict[str, float]:
        """What a score says with the labels that may be read."""
        given = self._probabilities if measure.reads == "probabilities" else self._alone
        if measure.name == "knn_baseline":
            return _share(measure(given, self.truth, self.spec["seed"]), len(self.truth))
        seen = bootstrap_score(measure, given, self.truth, self.spec["repeats"], self.spec["seed"])
        return _freed(seen, measure.limits)

    @cached_property
    def _both(self) -> tuple[Rows, Rows]:
        """Some rows of both domains along their common principal components, in units of the target's spread."""
        some = [_some(rows, self.spec["compared"], self.spec["seed"]) for rows in (self.source, self.target)]
        both = principal(np.concatenate(some), self.spec["components"])
        source, target = both[: len(some[0])], both[len(some[0]) :]
        return source / _spread(target), target / _spread(target)

    @cached_property
    def _alone(self) -> Rows:
        """The labelled target samples along their principal components, in units of their spread."""
        rows = principal(self.target[self.labelled], self.spec["components"])
        return rows / _spread(rows)

    @cached_property
    def _probabilities(self) -> Rows:
        """The source classes' probabilities of the labelled target samples."""
        return source_probabilities(self.source, self.classes, self.target[self.labelled])


def source_probabilities(source: Rows, classes: Indices, target: Rows) -> Rows:
    """Probabilities (m, c) of the classes that the source has, by a logistic regression on its standardised features.

    A source of one class is certain of it.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(classes)) < 2:
        return np.ones((len(target), 1))
    centre, spread = source.mean(0, dtype=np.float64), source.std(0, dtype=np.float64)
    spread[spread < 1e-12 * (1 + np.abs(centre))] = 1
    model = LogisticRegression(max_iter=300)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit((source - centre) / spread, classes)
    likely: Rows = model.predict_proba((target - centre) / spread)
    return likely


def _drawn(domain: Domain, spec: dict[str, Any], side: int, labelled: bool = False) -> Indices:
    """Up to so many samples of the training split, by seed, in the order of the domain; `labelled`: with a label.

    Raises:
        Problem: where there are none.
    """
    train = domain.splits["train"]
    train = train[domain.labels[train] >= 0] if labelled else train
    if not len(train):
        raise Problem(mark("'{name}' has no labelled training samples; a source needs some."), name=domain.name)
    return np.sort(np.random.default_rng((spec["seed"], side)).permutation(train)[: spec["samples"]])


def _labelled(target: Domain, rows: Indices, spec: dict[str, Any]) -> Indices:
    """The places among `rows` whose labels may be read: the same share of every class, by seed."""
    rng, labels = np.random.default_rng((spec["seed"], 2)), target.labels[rows]
    members = [rng.permutation(np.flatnonzero(labels == label)) for label in range(len(target.classes))]
    return np.sort(np.concatenate([each[: budget.count(spec["labels"], len(each))] for each in members]))


def _some(rows: Rows, limit: int, seed: int) -> Rows:
    """Up to `limit` rows, drawn by seed."""
    return rows[np.random.default_rng((seed, 3)).permutation(len(rows))[:limit]]


def principal(rows: Rows, count: int) -> NDArray[np.float64]:
    """Rows (n, f) along their first principal components (n, count); all of them where there are fewer.

    From the smaller one of the rows' and the columns' products: texts have many more columns than samples.
    """
    centred = np.asarray(rows, dtype=np.float64)
    centred = centred - centred.mean(0)
    if centred.shape[1] < len(centred):
        _values, axes = np.linalg.eigh(centred.T @ centred)
        return centred @ axes[:, ::-1][:, :count]
    values, places = np.linalg.eigh(centred @ centred.T)
    return places[:, ::-1][:, :count] * np.sqrt(np.maximum(values[::-1][:count], 0))


def _spread(rows: NDArray[np.float64]) -> float:
    """The root of the mean squared distance from the mean; 1 where there is none."""
    found = float(np.sqrt(np.square(rows - rows.mean(0)).sum(1).mean()))
    return found if found > 1e-12 else 1.0


def _told(measure: Callable[[], dict[str, float]]) -> dict[str, Any]:
    try:
        return measure()
    except Problem as problem:
        return {"problem": problem.to_json()}


def _freed(seen: Interval, limits: tuple[float, float]) -> dict[str, float]:
    """A value freed of the bias of few samples, with its interval."""
    return {"value": float(np.clip(seen.estimate - seen.bias, *limits)), "low": seen.low, "high": seen.high}


def _share(accuracy: float, count: int) -> dict[str, float]:
    seen = share(round(accuracy * count), count)
    return {"value": seen.value, "low": seen.low, "high": seen.high}


def _same(candidate: Candidate, target: Domain, rows: Indices) -> str:
    """Equal for candidates whose target samples are the same, as far as names, labels and the task's settings tell."""
    own = catalogue.entry("task", candidate.task["name"])["own"]
    settings = {} if own else {key: value for key, value in candidate.task.items() if key != "source"}
    told = repr((sorted(settings.items()), target.ids[rows].tolist(), target.labels[rows].tolist()))
    return hashlib.sha256(told.encode()).hexdigest()[:16]
