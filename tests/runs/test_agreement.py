"""How a ranking agreed with what runs reached."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from dtml import Experiment
from dtml.runs.agreement import MEAN, agreements, launchable, tau, told
from dtml.runs.candidates import candidate, sources
from dtml.runs.choosing import KNN, Ranking, Row
from dtml.runs.foreground import train_all
from dtml.runs.measuring import Measured
from dtml.runs.store import Store
from tests.conftest import QUICK
from tests.runs.test_candidates import office  # noqa: F401  # a fixture
from tests.runs.test_choosing import OFFICE, SQUEEZENET, made, moons, ranked

pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.parametrize(
    ("judged", "reached", "value"),
    [
        ([1, 2, 3], [0.1, 0.2, 0.3], 1.0),
        ([3, 2, 1], [0.1, 0.2, 0.3], -1.0),
        ([1, 3, 2], [0.1, 0.2, 0.3], 1 / 3),
        ([1, 1, 2], [0.1, 0.2, 0.3], 2 / math.sqrt(6)),  # one tied pair of three: (2 − 0)/√(2·3)
        ([1, 1, 1], [0.1, 0.2, 0.3], None),
        ([1, 2, 3], [0.2, 0.2, 0.2], None),
        ([None, 1, 2], [0.1, 0.3, 0.2], -1.0),
        ([1], [0.5], None),
    ],
)
def test_kendall_s_tau(judged: list[float | None], reached: list[float], value: float | None) -> None:
    assert tau(judged, reached) == (None if value is None else pytest.approx(value))


def finished(store: Store, experiment: Experiment, accuracy: float) -> None:
    run = store.submit(experiment, taken=True)
    store.finish(run.id, {"target_test_accuracy": accuracy})


def test_the_ranking_is_held_against_what_each_recipe_reached() -> None:
    store = Store()
    found = made({KNN: 0.9, "mmd": 0.1}, {KNN: 0.8, "mmd": 0.3}, {KNN: 0.5, "mmd": 0.2})
    for number, accuracy in enumerate((0.9, 0.5, 0.7)):
        for seed in (0, 1):
            adapted = Experiment(task=found.rows[number].candidate.task, alignment="coral", training=QUICK, seed=seed)
            finished(store, adapted, accuracy + 0.02 * seed)
    alone = Experiment(task=found.rows[0].candidate.task, alignment="dann", training=QUICK)
    finished(store, alone, 0.1)
    finished(store, Experiment(task="digits", alignment="coral", training=QUICK), 0.1)
    finished(store, alone.references()["target_only"], 0.99)
    (agreed,) = agreements(store, found)
    assert agreed.title == "adapted · From scratch · Deep CORAL"
    assert agreed.reached[1] == {0: 0.5, 1: 0.52}
    mean = agreed.accuracy(0)
    assert mean is not None
    assert mean.mean == pytest.approx(0.91)
    assert agreed.taus["mmd"] == 1
    assert agreed.taus[KNN] == pytest.approx(1 / 3)
    assert agreed.taus[MEAN] == pytest.approx(2 / math.sqrt(6)), "mean ranks 1, 2.5 and 2.5"
    assert (
        told(agreed) == "Kendall's τ of mean rank and accuracy reached is +0.82 over 3 candidates. So few say little."
    )


def test_runs_that_began_at_random_do_not_judge_learned_features(office: Path) -> None:  # noqa: F811
    several = [candidate(each, SQUEEZENET) for each in sources(OFFICE, "webcam")]
    found = Ranking([Row(each, each.task["source"], {KNN: Measured(0.5 + i / 10)}) for i, each in enumerate(several)])
    for number, each in enumerate(several):
        for strategy in ("scratch", "feature_extraction"):
            run = Experiment(task=each.task, backbone=each.backbone, strategy=strategy, training=QUICK)
            finished(Store(), run, 0.5 - number / 10)
    (agreed,) = agreements(Store(), found)
    assert "Feature extraction" in agreed.title
    assert agreed.taus[KNN] == -1


def test_candidates_become_experiments() -> None:
    made_, unfit = launchable([moons(10), moons(70)], "coral", 3)
    assert unfit == []
    assert {(each.task.params["angle"], each.seed, each.role) for each in made_} == {
        (10, 3, "adapted"),
        (70, 3, "adapted"),
    }
    assert launchable([moons(10)], "corral", 0)[0] == []
    assert "did you mean 'coral'" in str(launchable([moons(10)], "corral", 0)[1][0])
    learned, _unfit = launchable([candidate({"name": "digits"}, SQUEEZENET)], "coral", 0)
    assert learned[0].strategy.name == "feature_extraction", "the task itself recommends a start at random"


def test_a_run_from_the_queue_counts(home: Path) -> None:
    store, several = Store(), [moons(10), moons(80)]
    for each in launchable(several, "coral", 0)[0]:
        train_all(store, each.replace(training=QUICK), [], lambda _run, _event: None)
    (agreed,) = agreements(store, ranked(several))
    assert set(agreed.reached) == {0, 1}
