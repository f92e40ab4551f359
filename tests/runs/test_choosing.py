"""Which source suits a target: what is measured, how it is ranked, and how that agreed with what was reached."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dtml.errors import Problem
from dtml.runs.candidates import Candidate, candidate, sources
from dtml.runs.choosing import (
    DISTANCES,
    KNN,
    Ranking,
    Row,
    ask_for_ranking,
    choose_next,
    conclusions,
    ranking_spec,
    read_ranking,
)
from dtml.runs.measuring import Measured
from dtml.runs.scoring import Given, measured, principal, source_probabilities
from dtml.runs.store import Store
from dtml.tasks import Domain, Transfer
from dtml.tasks.moons import Moons

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


def test_swapped_classes_cost_leep_nothing() -> None:
    """Turned by 180° each moon lies on the other one: k-NN is always wrong, which LEEP does not mind."""
    found = ranked([moons(90), moons(180)])
    assert found.rows[1].values[KNN].value < 0.05 < found.rows[0].values[KNN].value
    assert found.ranks(KNN) == [1, 2]
    assert found.ranks("leep") == [2, 1]


def test_knn_is_the_share_that_the_nearest_source_samples_tell() -> None:
    """Five neighbours of class 0 at 0, five of class 1 at 10: of the targets at 1, 2, 9 and 4 three are right."""
    source, classes = np.repeat([[0.0], [10.0]], 5, axis=0), np.repeat([0, 1], 5)
    given = Given(source, classes, np.array([[1.0], [2.0], [9.0], [4.0], [7.0]]), np.array([0, 0, 1, 1, -1]),
                  np.arange(4), {})  # fmt: skip
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
    one, other = (Given(s * rows[0], none, s * (rows[1] + 2), none, none[:0], spec) for s in (1.0, 1000.0))
    assert one.distance(measure) == pytest.approx(other.distance(measure))


@pytest.mark.parametrize("shape", [(5, 12), (12, 5), (6, 6)])
def test_principal_components_keep_distances_and_come_in_order(shape: tuple[int, int]) -> None:
    rows = np.random.default_rng(0).normal(size=shape) * np.arange(1, shape[1] + 1)
    found = principal(rows, 64)
    apart = np.linalg.norm(rows[:, None] - rows, axis=-1)
    np.testing.assert_allclose(np.linalg.norm(found[:, None] - found, axis=-1), apart, atol=1e-6)
    assert np.all(np.diff(found.var(0)) <= 1e-12)
    np.testing.assert_allclose(np.abs(principal(rows, 2)), np.abs(found[:, :2]))
    np.testing.assert_allclose(found.mean(0), 0, atol=1e-9)


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
    assert not [each for each in conclusions(found) if "By mean rank" in each or "No measure" in each]


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


# -- as a job


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
