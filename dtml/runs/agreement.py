"""How a ranking that was made before training agreed with the accuracies that were really reached."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dtml import catalogue
from dtml.comparison import Interval, interval
from dtml.errors import Problem
from dtml.experiment import Experiment
from dtml.language import _
from dtml.runs.candidates import Candidate
from dtml.runs.choosing import Ranking, higher_is_better
from dtml.runs.naming import titles
from dtml.runs.records import Run
from dtml.runs.store import Store
from dtml.vocabulary import role

FEW = 4
"""Candidates below which a rank correlation says little: of three in a random order, one in six agrees fully."""
MANY_RUNS = 5000
MEAN = "mean_rank"


@dataclass(frozen=True)
class Agreement:
    """One training recipe on several of the candidates.

    Attributes:
        title: what is trained, in few words.
        reached: target test accuracies by the number of the candidate and by seed.
        taus: Kendall's τ-b between the ranking and the mean accuracies, by measure and for the mean rank (`MEAN`): 1
            where both order the candidates alike, −1 where opposite; None where one of them does not order them.
    """

    title: str
    reached: Mapping[int, Mapping[int, float]]
    taus: Mapping[str, float | None]

    def accuracy(self, candidate: int) -> Interval | None:
        """The mean accuracy that a candidate reached, with its interval over seeds."""
        found = self.reached.get(candidate)
        return interval(list(found.values())) if found else None

    @property
    def few(self) -> bool:
        """Whether these are too few candidates to say much."""
        return len(self.reached) < FEW


def agreements(store: Store, ranking: Ranking) -> list[Agreement]:
    """The ranking against each recipe that has finished on two candidates or more, the one on most candidates first."""
    found: dict[str, dict[int, dict[int, float]]] = {}
    firsts: dict[str, Run] = {}
    for run in reversed(store.runs(limit=MANY_RUNS, states=["finished"])):
        accuracy = run.result.get("target_test_accuracy")
        for number, row in enumerate(ranking.rows):
            if accuracy is not None and _is_of(run.experiment, row.candidate):
                key = recipe(run.experiment, row.candidate)
                found.setdefault(key, {}).setdefault(number, {})[run.experiment.seed] = accuracy
                firsts[key] = run
    several = {key: reached for key, reached in found.items() if len(reached) > 1}
    made = [Agreement(_title(firsts[key]), reached, _taus(ranking, reached)) for key, reached in several.items()]
    return sorted(made, key=lambda each: -len(each.reached))


def _is_of(experiment: Experiment, candidate: Candidate) -> bool:
    """Whether a run learned from the candidate's source, and began with its backbone's weights where these are learned.

    Of a candidate without learned weights only the inputs were measured: any backbone may have been trained on them.
    """
    if experiment.task.model_dump() != candidate.task or experiment.domains == "target":
        return False
    if not candidate.learned:
        return True
    strategy = catalogue.entries()["strategy"].get(experiment.strategy.name, {})
    begins = strategy.get("pretrained", False) and experiment.strategy.params.get("start") != "random"
    return begins and experiment.backbone.model_dump() == candidate.backbone


def recipe(experiment: Experiment, candidate: Candidate) -> str:
    """A short name of an experiment without its task, seed and title, and without a backbone that is a candidate's."""
    left_out = {"task", "seed", "title", *(["backbone"] if candidate.learned else [])}
    content = json.dumps(experiment.model_dump(exclude=left_out), sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _title(run: Run) -> str:
    """What is trained: what the run stands for, its strategy and its loss terms."""
    named = [(kind, [choice.name for choice in getattr(run.experiment, kind)]) for kind in ("alignment", "metric")]
    parts = [role(run.role), titles("strategy", [run.experiment.strategy.name])]
    return " · ".join(part for part in (*parts, *(titles(kind, names) for kind, names in named)) if part)


def _taus(ranking: Ranking, reached: Mapping[int, Mapping[int, float]]) -> dict[str, float | None]:
    """τ-b of each measure, and of the mean rank, with the mean accuracies."""
    means = {number: sum(values.values()) / len(values) for number, values in reached.items()}
    places = ranking.mean_ranks()
    judged: dict[str, Sequence[float | None]] = {
        name: [_better(name, row.value(name)) for row in ranking.rows] for name in ranking.measures
    }
    judged[MEAN] = [None if place is None else -place for place in places]
    return {name: tau([values[i] for i in means], list(means.values())) for name, values in judged.items()}


def _better(name: str, value: float | None) -> float | None:
    """A value whose order is that of the candidates, the best the greatest."""
    return None if value is None else value if higher_is_better(name) else -value


def tau(judged: Sequence[float | None], reached: Sequence[float]) -> float | None:
    """Kendall's τ-b between what was judged and what was reached; None where either is the same for all, or unknown.

    Source: Kendall, "The Treatment of Ties in Ranking Problems" (1945).
    """
    from scipy.stats import kendalltau

    pairs = [(value, accuracy) for value, accuracy in zip(judged, reached, strict=True) if value is not None]
    if len({value for value, _accuracy in pairs}) < 2 or len({accuracy for _value, accuracy in pairs}) < 2:
        return None
    found = float(kendalltau(*zip(*pairs, strict=True)).statistic)
    return None if math.isnan(found) else found


def told(agreement: Agreement) -> str:
    """How far the mean rank agreed, in one sentence, and how much that says."""
    value, count = agreement.taus[MEAN], len(agreement.reached)
    if value is None:
        return _("The ranking or the accuracies do not order these {count} candidates.").format(count=count)
    sentence = _("Kendall's τ of mean rank and accuracy reached is {tau} over {count} candidates.").format(
        tau=f"{value:+.2f}", count=count
    )
    return " ".join([sentence, *([_("So few say little.")] if agreement.few else [])])


def launchable(candidates: Sequence[Candidate], alignment: str, seed: int) -> tuple[list[Experiment], list[Problem]]:
    """An experiment on each candidate with what its task recommends besides, and why candidates are left out."""
    made: list[Experiment] = []
    unfit: list[Problem] = []
    for each in candidates:
        try:
            made.append(_experiment(each, alignment, seed))
        except Problem as problem:
            unfit.append(problem)
    return made, unfit


def _experiment(candidate: Candidate, alignment: str, seed: int) -> Experiment:
    raw: dict[str, Any] = {"task": candidate.task, "backbone": candidate.backbone, "alignment": alignment, "seed": seed}
    recommended = catalogue.entry("task", candidate.task["name"])["recommended"].get("strategy", "scratch")
    name = recommended if isinstance(recommended, str) else recommended["name"]
    if candidate.learned and not catalogue.entry("strategy", name)["pretrained"]:
        raw["strategy"] = "feature_extraction"  # what was measured are frozen features
    return Experiment(**raw)
