"""Which source, or backbone, suits a target best, as far as can be told before any training."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dtml import catalogue, paths
from dtml.budget import Budget
from dtml.errors import Problem
from dtml.language import Text, _, mark
from dtml.runs.candidates import Candidate, target_title, titles
from dtml.runs.jobs import next_job
from dtml.runs.measuring import MEASURES as DISTANCES
from dtml.runs.measuring import Measured
from dtml.runs.records import Job
from dtml.runs.store import Store

KIND = "choose"
KNN = "knn_transfer"
"""Source samples classify the target's: no measure of the catalogue, since it needs both domains and both labels."""
OF_SOURCE: dict[str, dict[str, Any]] = {"leep": {}, "nce": {}}
"""Scores that see the source: they read its classifier's probabilities of the target's samples."""
OF_FEATURES: dict[str, dict[str, Any]] = {
    "knn_baseline": {},
    "logme": {},
    "h_score": {"covariance": "ledoit_wolf"},
    "gbc": {},
    "transrate": {},
}
"""Scores of the target's features alone: the same for all sources that one backbone sees."""
SAMPLES = 1000
"""Training samples of a domain that are looked at; of more, so many drawn by seed."""
COMPARED = 400
"""Of these, samples between which distances are measured."""
COMPONENTS = 64
REPEATS = 100


def ranking_spec(candidates: Sequence[Candidate], labels: Budget = "all", seed: int = 0) -> dict[str, Any]:
    """The complete description of what to rank.

    Args:
        labels: how many labels of the target's training split are read; 0 leaves the measures that need none.
    """
    wanted: dict[str, dict[str, Any]] = {name: {} for name in DISTANCES}
    if labels:
        several = len({json.dumps(each.backbone, sort_keys=True) for each in candidates}) > 1
        wanted |= OF_SOURCE | (OF_FEATURES if several else {})
    return {
        "candidates": [asdict(each) for each in candidates],
        "measures": {name: catalogue.checked("measure", name, params) for name, params in wanted.items()},
        "labels": labels,
        "seed": seed,
        "samples": SAMPLES,
        "compared": COMPARED,
        "components": COMPONENTS,
        "repeats": REPEATS,
    }


def ranking_key(spec: Mapping[str, Any]) -> str:
    """The name of the job and its file."""
    return hashlib.sha256(json.dumps([KIND, spec], sort_keys=True).encode()).hexdigest()[:20]


def ranking_file(spec: Mapping[str, Any]) -> Path:
    """Where the numbers are, once computed."""
    return paths.home() / "rankings" / f"{ranking_key(spec)}.json"


def ask_for_ranking(store: Store, spec: dict[str, Any]) -> Job:
    """Have a worker measure the candidates, anew where they were measured before."""
    ranking_file(spec).unlink(missing_ok=True)
    return store.request(KIND, ranking_key(spec), spec, again=True)


def read_ranking(spec: Mapping[str, Any]) -> Ranking | None:
    """The ranking, or None where it is not computed yet."""
    path = ranking_file(spec)
    return Ranking.of(spec, json.loads(path.read_text("utf-8"))) if path.exists() else None


def choose_next(store: Store) -> bool:
    """Measure the candidates that wait longest; False where none do."""
    from dtml.runs.scoring import compute_ranking

    told = mark("Measuring the candidates")
    failed = mark("The candidates could not be measured ({error}); see the log gathering.log below DTML_HOME.")
    return next_job(store, KIND, compute_ranking, told, failed)


# -- what was found ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """What was measured of one candidate.

    Attributes:
        values: by measure; a value that cannot be told has a problem instead.
        source, target, labels: how many samples were looked at, and how many of the target's with their label.
        same: equal for candidates whose target is the same.
        problem: why nothing of it could be measured.
    """

    candidate: Candidate
    title: str
    values: dict[str, Measured] = field(default_factory=dict)
    source: int = 0
    target: int = 0
    labels: int = 0
    same: str = ""
    problem: Problem | None = None

    def value(self, name: str) -> float | None:
        """The value of a measure; None where there is none."""
        found = self.values.get(name)
        return None if found is None or found.problem or math.isnan(found.value) else found.value


@dataclass(frozen=True)
class Ranking:
    """The candidates with what was measured of them, in the order in which they were given."""

    rows: list[Row]

    @classmethod
    def of(cls, spec: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> Ranking:
        """The ranking that the numbers of a spec make."""
        candidates = [Candidate(**each) for each in spec["candidates"]]
        named = zip(candidates, titles(candidates), found, strict=True)
        return cls([_row(*each) for each in named])

    @property
    def target(self) -> str:
        """What the candidates are for."""
        return target_title([row.candidate for row in self.rows])

    @property
    def measures(self) -> list[str]:
        """What was measured of any candidate: the k-NN accuracy, then scores, then distances."""
        order = [KNN, *OF_SOURCE, *OF_FEATURES, *DISTANCES]
        return [name for name in order if any(name in row.values for row in self.rows)]

    @property
    def labels(self) -> int:
        """How many labels of the target were read, at most."""
        return max((row.labels for row in self.rows), default=0)

    @property
    def one_target(self) -> bool:
        """Whether all candidates were measured on the same target."""
        return len({row.same for row in self.rows if row.same}) <= 1

    def ranks(self, name: str) -> list[float | None]:
        """The place of each candidate by a measure, 1 the best, equal values the mean of their places."""
        from scipy.stats import rankdata

        values = [row.value(name) for row in self.rows]
        known = [value for value in values if value is not None]
        places = iter(rankdata([-value if higher_is_better(name) else value for value in known]))
        return [None if value is None else float(next(places)) for value in values]

    def tells(self, name: str) -> bool:
        """Whether a measure has a value for every candidate, and not the same for all."""
        values = {row.value(name) for row in self.rows if not row.problem}
        return len(values) > 1 and None not in values

    def mean_ranks(self) -> list[float | None]:
        """The mean place of each candidate over the measures that tell candidates apart; None where none does."""
        telling = [self.ranks(name) for name in self.measures if self.tells(name)]
        places = [[place for place in each if place is not None] for each in zip(*telling, strict=True)]
        return [sum(each) / len(each) if each else None for each in places] or [None] * len(self.rows)

    def best_first(self) -> list[int]:
        """The numbers of the candidates by mean place; those that could not be measured last."""
        means = [math.inf if mean is None else mean for mean in self.mean_ranks()]
        return sorted(range(len(self.rows)), key=means.__getitem__)


def _row(candidate: Candidate, title: str, found: Mapping[str, Any]) -> Row:
    told = dict(found)
    values = {name: _measured(each) for name, each in told.pop("values", {}).items()}
    problem = Problem.from_json(told.pop("problem")) if "problem" in told else None
    return Row(candidate, title, values, problem=problem, **told)


def _measured(told: Mapping[str, Any]) -> Measured:
    return Measured(problem=Problem.from_json(told["problem"])) if "problem" in told else Measured(**told)


def higher_is_better(name: str) -> bool:
    """Whether the candidate with the greater value is the better one."""
    return name == KNN or bool(catalogue.entry("measure", name)["higher_is_better"])


def reads_labels(name: str) -> bool:
    """Whether a measure reads labels of the target."""
    return name not in DISTANCES


def measure_title(name: str) -> str:
    """What a person calls a measure."""
    return _("k-NN accuracy, source → target") if name == KNN else str(Text(*catalogue.entry("measure", name)["title"]))


def written(name: str, value: float) -> str:
    """A value as a person reads it."""
    return f"{100 * value:.1f} %" if is_share(name) else f"{value:.3g}"


def is_share(name: str) -> bool:
    """Whether a measure is an accuracy."""
    return name in (KNN, "knn_baseline")


def with_interval(name: str, found: Measured) -> str:
    """A value with its 95 % interval; a dash where there is none."""
    if found.problem:
        return "–"
    ends = [written(name, end).removesuffix(" %") for end in (found.low, found.high)]
    return f"{written(name, found.value)} ({ends[0]} – {ends[1]})"


def conclusions(ranking: Ranking) -> list[str]:
    """What the ranking says, and what it does not, a sentence each."""
    rows, order, means = ranking.rows, ranking.best_first(), ranking.mean_ranks()
    found = [str(row.problem) for row in rows if row.problem]
    measured = [i for i in order if means[i] is not None]
    if len(measured) > 1:
        found.append(_first(ranking, measured))
    elif len(rows) > 1 and len(found) < len(rows) - 1:
        found.append(_("No measure tells these candidates apart."))
    if not ranking.one_target:
        found.append(
            _(
                "The candidates do not have the same target, so the numbers tell which pair is easier, not which "
                "source suits one target."
            )
        )
    if ranking.labels:
        told = _("k-NN accuracy and scores read {count} labels of the target's training split; distances read none.")
        found.append(told.format(count=ranking.labels))
        told = _(
            "LEEP and NCE ask whether the source's classes tell the target's apart, not whether they are the same."
        )
        found.append(told)
    else:
        found.append(_("No label of the target was read, so only distances can be told: they see no classes."))
    found.append(
        _(
            "No score is right everywhere, and k-NN is hard to beat (Renggli et al. 2022): train the first few before "
            "you decide."
        )
    )
    return found


def _first(ranking: Ranking, order: Sequence[int]) -> str:
    """Who comes first, and whether k-NN's intervals tell it from the others."""
    rows, means = ranking.rows, ranking.mean_ranks()
    tied = [rows[i].title for i in order if means[i] == means[order[0]]]
    if len(tied) > 1:
        told = _("By mean rank {names} come first of {count} together.")
        return told.format(names=", ".join(tied), count=len(order))
    told = _("By mean rank {name} comes first of {count}.").format(name=rows[order[0]].title, count=len(order))
    return f"{told} {_by_knn(ranking, order)}".strip()


def _by_knn(ranking: Ranking, order: Sequence[int]) -> str:
    """What k-NN accuracy says of the first; nothing where there is none."""
    if not ranking.tells(KNN):
        return ""
    rows, first = ranking.rows, ranking.rows[order[0]].values[KNN]
    best = max(order, key=lambda i: rows[i].values[KNN].value)
    if rows[best].values[KNN].value > first.value:
        told = _("By k-NN accuracy {name} does: {value} against {own}.")
        return told.format(
            name=rows[best].title, value=written(KNN, rows[best].values[KNN].value), own=written(KNN, first.value)
        )
    close = [rows[i].title for i in order[1:] if rows[i].values[KNN].high >= first.low]
    if close:
        told = _("By k-NN accuracy, too, but the intervals do not tell it from {names}.")
        return told.format(names=", ".join(close))
    return _("By k-NN accuracy, too, and the intervals do not overlap.")
