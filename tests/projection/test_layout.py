"""Pictures that can be compared: each state on its own neighbours, rigidly fitted; the joint map leaks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtml import catalogue
from dtml.projection.layout import lay_out, rigid_fit


def clusters(seed: int, apart: float) -> np.ndarray:
    """Two domains of two classes in 8 dimensions, `apart` in one of them."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(120, 8)) * 0.3
    rows[:60, 0] += 5
    rows[::2, 1] += apart
    return rows.astype(np.float32)


def distances(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points[:, None] - points[None], axis=2)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 100), angle=st.floats(0, 6.28), mirrored=st.booleans())
def test_rigid_fit_undoes_turning_mirroring_and_moving(seed: int, angle: float, mirrored: bool) -> None:
    points = np.random.default_rng(seed).normal(size=(20, 2)).astype(np.float32)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = (points * [1, -1 if mirrored else 1]) @ turn + 3
    assert np.allclose(rigid_fit(moved.astype(np.float32), onto=points), points, atol=1e-3)


def test_rigid_fit_keeps_distances() -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 30, 2)).astype(np.float32)
    assert np.allclose(distances(rigid_fit(a, onto=b)), distances(a), atol=1e-4)


def test_pca_is_that_of_scikit_learn() -> None:
    from sklearn.decomposition import PCA

    rows = clusters(0, 3)
    ours, theirs = catalogue.create("projection", "pca").fit(rows, 0), PCA(2).fit_transform(rows)
    assert np.allclose(np.abs(ours), np.abs(theirs), atol=1e-3)


@pytest.mark.parametrize("name", catalogue.names("projection"))
def test_projection_repeats_itself(name: str) -> None:
    projection = catalogue.create("projection", name)
    rows = clusters(1, 3)
    first, again = projection.fit(rows, 7), projection.fit(rows, 7)
    assert first.shape == (120, 2)
    assert first.dtype == np.float32
    assert np.array_equal(first, again)


@pytest.mark.parametrize("name", catalogue.names("projection"))
def test_degenerate_embeddings_are_drawn(name: str) -> None:
    projection = catalogue.create("projection", name)
    for rows in (np.zeros((5, 4)), np.ones((30, 4)), clusters(0, 0)[:2]):
        assert np.isfinite(projection.fit(rows.astype(np.float32), 0)).all()


def test_the_aligned_layout_shows_what_is_far_apart_as_far_apart() -> None:
    """Before: domains apart. After: together. The map of *before* must not know of *after*."""
    before, after = clusters(0, 20.0), clusters(0, 0.0)
    projection = catalogue.create("projection", "umap")
    drawn, _after = lay_out([before, after], projection, "aligned", 0)
    alone = projection.fit(before, 0)
    assert np.array_equal(drawn, alone)


def test_the_shared_map_is_one_fit_of_all_states() -> None:
    before, after = clusters(0, 20.0), clusters(0, 0.0)
    projection = catalogue.create("projection", "pca")
    first, second = lay_out([before, after], projection, "shared", 0)
    joint = projection.fit(np.concatenate([before, after]), 0)
    assert np.allclose(np.concatenate([first, second]), joint)
