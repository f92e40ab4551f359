"""Quality figures: against scikit-learn, by hand, and where the picture is wrong on purpose."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.manifold import trustworthiness

from dtml import catalogue
from dtml.projection import quality
from dtml.projection.layout import lay_out
from dtml.projection.quality import alikeness, measure, neighbourhoods, ranks, told_by_neighbours
from dtml.projection.sampling import stratified
from dtml.projection.trust import Quality, judge


def domains_of(count: int) -> np.ndarray:
    return np.stack([np.arange(count) % 2, np.arange(count) // 2 % 3], axis=1)


def drawn(states: list[np.ndarray], pictures: list[np.ndarray]) -> list[Quality]:
    return measure(states, pictures, domains_of(len(states[0])), 0, lambda some, seed: [part[:, :2] for part in some])


@pytest.mark.parametrize("count", [120, 400])
def test_trustworthiness_and_continuity_are_those_of_scikit_learn(count: int) -> None:
    rows = np.random.default_rng(0).normal(size=(count, 6)).astype(np.float32)
    picture = catalogue.create("projection", "pca").fit(rows, 0)
    found = neighbourhoods(rows, picture)
    assert found.trustworthiness == pytest.approx(trustworthiness(rows, picture, n_neighbors=15), abs=1e-9)
    assert found.continuity == pytest.approx(trustworthiness(picture, rows, n_neighbors=15), abs=1e-9)
    assert 0 <= found.distrust.min() <= found.distrust.max() <= 1


def test_ranks_by_hand() -> None:
    """Rows at 0, 1, 3, 7 on a line: from 3 the nearest is 1, then 0, then 7."""
    rows = np.array([[0.0], [1.0], [3.0], [7.0]])
    assert ranks(rows, np.array([[3, 1], [3, 0], [1, 3], [0, 2]])).tolist() == [[3, 1], [3, 1], [1, 3], [3, 1]]


def test_a_picture_that_is_the_embedding_is_trusted_whole() -> None:
    rows = np.random.default_rng(0).normal(size=(90, 2)).astype(np.float32)
    (found,) = drawn([rows], [rows])
    assert (found.trustworthiness, found.continuity, found.recall) == (1, 1, 1)
    assert found.stability == pytest.approx(1)
    assert found.distrust.max() == 0
    assert np.isnan(found.kept).all()


def test_samples_drawn_in_the_wrong_place_are_distrusted() -> None:
    rows = np.random.default_rng(0).normal(size=(400, 2)).astype(np.float32)
    picture = rows.copy()
    picture[:10] = rows[:10] + 30
    picture[0], picture[1] = rows[200], rows[300]
    (found,) = drawn([rows], [picture])
    assert found.distrust[:2].min() > 0.7
    assert np.median(found.distrust) == 0
    assert found.trustworthiness < 1


def test_a_picture_that_mixes_what_a_classifier_tells_apart_is_told() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 5)).astype(np.float32)
    rows[1::2, 4] += 8
    mixed, true = rows[:, :2], rows[:, 3:]
    found = drawn([rows, rows], [mixed, true])
    assert [each.disagreement for each in found] == ["looks_mixed", None]
    assert found[0].apart == pytest.approx(1, abs=0.02)
    assert found[0].apart_drawn == pytest.approx(0.5, abs=0.15)
    assert (found[0].domain_probability[1::2] > 0.5).mean() > 0.98
    assert (found[0].domain_probability[::2] < 0.5).mean() > 0.98
    assert found[1].kept.tolist() == [1] * 300


def test_a_picture_that_draws_apart_what_is_mixed_is_told() -> None:
    rows = np.random.default_rng(0).normal(size=(300, 5)).astype(np.float32)
    picture = rows[:, :2].copy()
    picture[1::2] += 9
    (found,) = drawn([rows], [picture])
    assert found.disagreement == "looks_apart"
    assert found.apart_drawn == 1


def test_one_domain_has_no_separation() -> None:
    rows = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    groups = np.zeros((60, 2), dtype=np.int64)
    (found,) = measure([rows], [rows[:, :2]], groups, 0, lambda some, seed: [part[:, :2] for part in some])
    assert (found.apart, found.apart_drawn, found.disagreement) == (None, None, None)
    assert np.isnan(found.domain_probability).all()


def test_told_by_neighbours_by_hand() -> None:
    """Source 0, 1, 2 and target 3: usual shares are 1/3 and 0; a tie counts a half."""
    target = np.array([False, False, False, True])
    near = np.array([[1], [3], [0], [2]])
    assert told_by_neighbours(near, target) == pytest.approx((2 / 3 + 0.5) / 2)


def test_alikeness_knows_no_turn_and_no_scale() -> None:
    one = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    turned = (one[:, ::-1] * 3 + 5).astype(np.float32)
    other = np.random.default_rng(1).normal(size=(50, 2)).astype(np.float32)
    assert alikeness(one, turned) == pytest.approx(1)
    assert alikeness(one, other) < 0.5


def test_a_start_at_random_would_be_unstable_and_umap_is_not() -> None:
    rng = np.random.default_rng(0)
    rows = (np.eye(4, 16)[np.arange(160) % 4] * 5 + rng.normal(size=(160, 16))).astype(np.float32)
    projection = catalogue.create("projection", "umap")
    pictures = lay_out([rows], projection, "aligned", 0)
    found = measure([rows], pictures, domains_of(160), 0, lambda s, seed: lay_out(s, projection, "aligned", seed))
    wild = measure(
        [rows], pictures, domains_of(160), 0,
        lambda s, seed: [np.random.default_rng(seed).normal(size=(160, 2)).astype(np.float32)],
    )  # fmt: skip
    assert (found[0].stability or 0) > 0.8
    assert judge("stability", wild[0].stability or 0) == "poor"


def test_of_many_samples_some_of_each_group_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality, "MOST", 60)
    rows = np.random.default_rng(0).normal(size=(240, 4)).astype(np.float32)
    first, second = drawn([rows, rows], [rows[:, :2], rows[:, :2]])
    for found in (first, second):
        assert (found.looked_at, found.samples) == (60, 240)
        seen = np.isfinite(found.distrust)
        assert seen.sum() == 60
        assert np.array_equal(np.isfinite(found.domain_probability), seen)
        assert np.unique(domains_of(240)[seen], axis=0, return_counts=True)[1].tolist() == [10] * 6


def test_a_film_has_no_stability() -> None:
    rows = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    assert [found.stability for found in drawn([rows] * 4, [rows[:, :2]] * 4)] == [None] * 4


def test_stratified_samples_share_alike_and_forget_no_group() -> None:
    groups = np.repeat([[0, 0], [0, 1], [1, 0], [1, 7]], [600, 300, 99, 1], axis=0)
    rows = stratified(groups, 100, 0)
    assert np.array_equal(rows, np.unique(rows))
    counts = np.unique(groups[rows], axis=0, return_counts=True)[1]
    assert counts.tolist() == [pytest.approx(60, abs=1), pytest.approx(30, abs=1), pytest.approx(10, abs=1), 1]
    assert np.array_equal(rows, stratified(groups, 100, 0))
    assert not np.array_equal(rows, stratified(groups, 100, 1))
    assert np.array_equal(stratified(groups, 1000, 0), np.arange(1000))


@pytest.mark.parametrize(("value", "word"), [(0.96, "good"), (0.9, "fair"), (0.5, "poor")])
def test_a_figure_has_a_word(value: float, word: str) -> None:
    assert judge("trustworthiness", value) == word
