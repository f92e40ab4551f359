"""Which source suits a target: what is measured, how it is ranked, and how that agreed with what was reached."""

from __future__ import annotations

import json
import math
import os
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dtml import Experiment
from dtml.errors import Problem
from dtml.runs.agreement import MEAN, agreements, launchable, tau, told
from dtml.runs.candidates import Candidate, candidate, sources, target_title, titles, with_domains
from dtml.runs.choosing import (
    DISTANCES,
    KNN,
    OF_FEATURES,
    Ranking,
    Row,
    ask_for_ranking,
    choose_next,
    conclusions,
    ranking_spec,
    read_ranking,
)
from dtml.runs.foreground import train_all
from dtml.runs.measuring import Measured
from dtml.runs.scoring import Given, measured, source_probabilities
from dtml.runs.store import Store
from dtml.tasks import Domain, Transfer
from dtml.tasks.moons import Moons
from tests.conftest import QUICK
from tests.images.archives import members

pytestmark = pytest.mark.usefixtures("home")
OFFICE = {"name": "office_caltech10"}
SQUEEZENET = {"name": "squeezenet1_1", "weights": "weights/squeezenet1_1_caffe-8897a75e.pth"}


def moons(angle: float, samples: int = 200) -> Candidate:
    return candidate({"name": "moons", "angle": angle, "samples": samples})


def quick(candidates: list[Candidate], **settings: Any) -> dict[str, Any]:
    return {**ranking_spec(candidates, **settings), "repeats": 20}


def ranked(candidates: list[Candidate], **settings: Any) -> Ranking:
    spec = quick(candidates, **settings)
    return Ranking.of(spec, measured(spec, lambda _what, _share: None))


def made(*values: dict[str, float], labels: int = 50) -> Ranking:
    """A ranking with these values, the intervals a tenth wide to both sides."""
    rows = [
        Row(moons(10 * i), f"c{i}", {k: Measured(v, v - 0.1, v + 0.1) for k, v in each.items()}, 9, 9, labels, "same")
        for i, each in enumerate(values)
    ]
    return Ranking(rows)


# -- what is measured


def test_the_nearer_source_comes_first_by_everything_that_sees_the_shift() -> None:
    """Claim: turned by 70° the moons are farther apart than by 10°: by every distance that is not blind to rotation."""
    found = ranked([moons(70), moons(10)])
    assert [row.title for row in found.rows] == ["angle 70.0", "angle 10.0"]
    for name in (KNN, "mmd", "coral", "sliced_wasserstein", "leep", "nce"):
        assert found.ranks(name) == [2, 1], name
    assert found.best_first() == [1, 0]
    assert found.rows[1].values[KNN].value > 0.95
    assert found.labels == 100
    assert "The candidates do not have the same target" in " ".join(conclusions(found))


def test_knn_is_the_share_that_the_nearest_source_samples_tell() -> None:
    """Five neighbours of class 0 at 0, five of class 1 at 10: of the targets at 1, 2, 9 and 4 three are right."""
    source, classes = np.repeat([[0.0], [10.0]], 5, axis=0), np.repeat([0, 1], 5)
    given = Given(source, classes, np.array([[1.0], [2.0], [9.0], [4.0], [7.0]]), np.array([0, 0, 1, 1, -1]),
                  np.arange(4))  # fmt: skip
    found = given.knn()
    assert found["value"] == 0.75
    assert 0 < found["low"] < 0.75 < found["high"] < 1


def test_probabilities_of_a_source_of_one_class_are_certain() -> None:
    rows = np.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(source_probabilities(rows, np.zeros(3, np.int64), rows[:2]), [[1], [1]])
    two = source_probabilities(np.array([[0.0, 5], [1, 5], [9, 5], [10, 5]]), np.array([0, 0, 1, 1]), rows)
    assert two.shape == (3, 2)
    np.testing.assert_allclose(two.sum(1), 1)


def test_distances_do_not_depend_on_the_unit_of_the_features() -> None:
    rng = np.random.default_rng(0)
    rows, spec = rng.normal(size=(2, 30, 3)), quick([moons(1)])
    from dtml import catalogue

    measure = catalogue.create("measure", "sliced_wasserstein")
    none = np.zeros(30, np.int64)
    one, other = (Given(s * rows[0], none, s * (rows[1] + 2), none, none[:0]) for s in (1.0, 1000.0))
    assert one.distance(measure, spec) == pytest.approx(other.distance(measure, spec))


def test_labels_are_read_only_as_far_as_the_budget_allows() -> None:
    found = ranked([moons(10)], labels=3)
    assert found.labels == 6
    without = ranked([moons(10), moons(70)], labels=0)
    assert without.measures == list(DISTANCES)
    assert without.labels == 0
    assert "No label of the target was read" in " ".join(conclusions(without))
    assert without.best_first() == [0, 1]


LOAD = Moons.load


def unlabelled(self: Moons, seed: int, progress: Any = None) -> Transfer:
    both = LOAD(self, seed, progress)
    return Transfer(both.source, replace(both.target, labels=np.full_like(both.target.labels, -1)))


def test_an_unlabelled_target_has_distances_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Moons, "load", unlabelled)
    found = ranked([moons(10)])
    assert set(found.rows[0].values) == set(DISTANCES)
    assert found.labels == 0


def test_no_test_sample_of_the_target_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test split holds changes nothing."""
    before = ranked([moons(20)])

    def spoiled(self: Moons, seed: int, progress: Any = None) -> Transfer:
        both = LOAD(self, seed, progress)
        return Transfer(_spoiled(both.source), _spoiled(both.target))

    monkeypatch.setattr(Moons, "load", spoiled)
    assert ranked([moons(20)]) == before


def _spoiled(domain: Domain) -> Domain:
    inputs, labels = domain.inputs.copy(), domain.labels.copy()
    for split in ("validation", "test"):
        inputs[domain.splits[split]], labels[domain.splits[split]] = 1e6, 0  # type: ignore[index]
    return replace(domain, inputs=inputs, labels=labels)


def test_a_candidate_that_cannot_be_measured_is_told_beside_the_others() -> None:
    gone = candidate({"name": "folders", "source": "/nowhere/a", "target": "/nowhere/b"})
    plain = replace(gone, backbone=gone.backbone)
    spec = quick([moons(10), plain])
    found = Ranking.of(spec, measured(spec, lambda _what, _share: None))
    assert found.rows[1].problem is not None
    assert found.mean_ranks() == [None, None], "one candidate alone is not ranked"
    assert str(found.rows[1].problem) in conclusions(found)
    with pytest.raises(Problem, match="nowhere"):
        ranked([gone])


def test_images_without_learned_weights_are_measured_as_they_are(home: Path, tmp_path: Path) -> None:
    from dtml import catalogue
    from dtml.training.frozen import frozen_features

    transfer = catalogue.create("task", "digits").load(0)
    rows = np.arange(3)
    seen = frozen_features("lenet", {}, {"a": (transfer.source, rows)}, lambda _what, _share: None)["a"]
    assert seen.shape == (3, int(np.prod(transfer.source.shape)))
    again = frozen_features("lenet", {"width": 4}, {"a": (transfer.source, rows)}, lambda _what, _share: None)["a"]
    np.testing.assert_array_equal(seen, again)


# -- ranks


def test_ranks_follow_the_direction_of_each_measure() -> None:
    found = made({KNN: 0.9, "mmd": 0.3, "leep": -1.0}, {KNN: 0.5, "mmd": 0.1, "leep": -0.5}, {KNN: 0.9, "mmd": 0.2})
    assert found.ranks(KNN) == [1.5, 3, 1.5]
    assert found.ranks("mmd") == [3, 1, 2]
    assert found.ranks("leep") == [2, 1, None]
    assert not found.tells("leep"), "it has no value for the third"
    assert found.mean_ranks() == [2.25, 2, 1.75]
    assert found.best_first() == [2, 1, 0]


def test_equal_candidates_tie() -> None:
    found = ranked([moons(10), moons(10)])
    assert [row.title for row in found.rows] == ["Two moons, rotated (1)", "Two moons, rotated (2)"]
    assert found.ranks(KNN) == [1.5, 1.5]
    assert found.mean_ranks() == [None, None]
    assert "No measure tells these candidates apart." in conclusions(found)


def test_one_candidate_is_measured_and_not_ranked() -> None:
    found = ranked([moons(10)])
    assert found.mean_ranks() == [None]
    assert not [each for each in conclusions(found) if "By mean rank" in each or "apart" in each]


@pytest.mark.parametrize(
    ("knn", "sentence"),
    [
        ((0.9, 0.5), "By k-NN accuracy, too, and the intervals do not overlap."),
        ((0.9, 0.8), "By k-NN accuracy, too, but the intervals do not tell it from c1."),
        ((0.5, 0.9), "By k-NN accuracy c1 does: 90.0 % against 50.0 %."),
    ],
)
def test_the_conclusion_holds_k_nn_beside_the_mean_rank(knn: tuple[float, float], sentence: str) -> None:
    found = made({KNN: knn[0], "mmd": 0.1, "coral": 0.1}, {KNN: knn[1], "mmd": 0.2, "coral": 0.2})
    assert conclusions(found)[0] == f"By mean rank c0 comes first of 2. {sentence}"


def test_two_that_share_the_first_place() -> None:
    found = made({"mmd": 0.1, "coral": 0.2}, {"mmd": 0.2, "coral": 0.1}, labels=0)
    assert conclusions(found)[0] == "By mean rank c0, c1 come first of 2 together."


# -- candidates


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three domains of Office-Caltech10, in small; there is no caltech."""
    (tmp_path / "office_caltech10").mkdir()
    for seed, name in enumerate(("amazon", "webcam", "dslr")):
        with zipfile.ZipFile(tmp_path / "office_caltech10" / f"{name}.zip", "w") as file:
            for member, content in members(count=6, seed=seed).items():
                file.writestr(member, content)
    monkeypatch.setenv("DTML_DATA", str(tmp_path))
    return tmp_path


def test_the_other_domains_on_disk_are_the_sources(office: Path) -> None:
    assert "office_caltech10" in with_domains()
    found = [each["source"] for each in sources(OFFICE, "webcam")]
    assert found == ["amazon", "dslr"]
    assert [each["source"] for each in sources(OFFICE, "webcam", ["caltech", "webcam"])] == ["caltech"]
    several = [candidate(each) for each in sources(OFFICE, "webcam")]
    assert titles(several) == ["amazon", "dslr"]
    assert target_title(several) == "webcam"
    assert titles(several[:1]) == ["amazon → webcam"]
    with pytest.raises(Problem, match="no domain named 'web'; did you mean 'webcam'"):
        sources(OFFICE, "web")
    with pytest.raises(Problem, match="'moons' has no named domains to choose a source from; choose one of"):
        sources({"name": "moons"}, "webcam")


def test_no_source_on_disk(office: Path) -> None:
    with pytest.raises(Problem, match="no source for 'webcam' is on disk; see `dtml show task office31`"):
        sources({"name": "office31"}, "webcam")


@pytest.mark.parametrize(
    ("task", "backbone", "sentence"),
    [
        ({"name": "moon"}, None, "did you mean 'moons'"),
        ({"name": "moons", "angel": 3}, None, "angel"),
        ({"name": "folders"}, None, "The task 'folders' needs 'source'"),
        ({"name": "digits"}, "lenet", "Nothing of the backbone 'lenet' can be measured .* choose one with learned"),
        ({"name": "digits"}, "mlp", "Nothing of the backbone 'mlp' can be measured"),
        ({"name": "moons"}, "mlp", "No backbone has learned weights for what the task 'moons' has"),
        (OFFICE, "squeeze", "did you mean 'squeezenet1_1'"),
    ],
)
def test_what_cannot_be_a_candidate_is_one_sentence(task: Any, backbone: Any, sentence: str) -> None:
    with pytest.raises(Problem, match=sentence):
        candidate(task, backbone)


def test_backbones_bring_the_scores_of_features(office: Path) -> None:
    one = [candidate(OFFICE, SQUEEZENET)]
    two = [*one, candidate(OFFICE, {"name": "torchvision", "model": "resnet18"})]
    assert not set(OF_FEATURES) & set(ranking_spec(one)["measures"])
    assert set(OF_FEATURES) <= set(ranking_spec(two)["measures"])
    assert titles(two) == ["SqueezeNet 1.1 · weights squeezenet1_1_caffe-8897a75e.pth",
                           "Any torchvision network · weights default · resnet18"]  # fmt: skip


def test_a_worker_measures_what_was_asked_for(home: Path) -> None:
    store, spec = Store(), quick([moons(10), moons(70)])
    assert read_ranking(spec) is None
    ask_for_ranking(store, spec)
    assert choose_next(store)
    assert not choose_next(store)
    found = read_ranking(spec)
    assert found is not None
    assert found.best_first() == [0, 1]
    assert json.loads(json.dumps(spec)) == spec
    ask_for_ranking(store, spec)
    assert read_ranking(spec) is None, "asked again, it is measured again"
    assert store.job(store.claim_job("choose").key).state == "running"  # type: ignore[union-attr]


def test_what_no_candidate_allows_is_the_job_s_problem() -> None:
    store = Store()
    gone = candidate({"name": "folders", "source": "/nowhere/a", "target": "/nowhere/b"})
    job = ask_for_ranking(store, quick([gone]))
    assert choose_next(store)
    assert "/nowhere" in str(store.job(job.key).error)


# -- agreement


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


def test_runs_that_began_at_random_do_not_judge_learned_features(office: Path) -> None:
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


# -- real data


@pytest.mark.data
def test_webcam_is_ranked_above_amazon_for_dslr(home: Path) -> None:
    """Claim: dslr and webcam photograph the same objects, amazon's are shop pictures (Saenko et al. 2010)."""
    if not all(Path(os.environ.get("DTML_DATA", "nowhere"), part).exists() for part in ("office_caltech10", "weights")):
        pytest.skip("DTML_DATA holds no office_caltech10 and weights")
    found = ranked([candidate(each, SQUEEZENET) for each in sources(OFFICE, "dslr")])
    assert [found.rows[i].title for i in found.best_first()] == ["webcam", "amazon"]
    assert found.one_target
    for name in (KNN, "mmd", "sliced_wasserstein", "leep", "nce"):
        assert found.ranks(name) == [2, 1], name
