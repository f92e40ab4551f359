"""Exact neighbours: against a naive search, with ties, collapsed classes, and any number of threads."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dtml.projection import neighbours
from dtml.projection.neighbours import nearest_neighbours


def naive(rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Itself, then all others by exact distance and index."""
    exact = rows.astype(np.float64)
    far = np.round(np.linalg.norm(exact[:, None] - exact[None], axis=2), 5)
    np.fill_diagonal(far, -1)
    order = np.argsort(far, axis=1, kind="stable")[:, :k]
    return order, np.maximum(np.take_along_axis(far, order, 1), 0)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), count=st.integers(2, 80), columns=st.integers(1, 6), doubled=st.booleans())
def test_neighbours_are_those_of_a_naive_search(seed: int, count: int, columns: int, doubled: bool) -> None:
    rows = np.random.default_rng(seed).normal(size=(count, columns)).astype(np.float32)
    rows *= np.float32(3 / np.sqrt(np.square(rows - rows.mean(0)).sum(1).mean()))  # 5 decimals are those of 1 to 10
    rows = rows.repeat(2, axis=0) if doubled else rows
    k = min(15, len(rows))
    indices, distances = nearest_neighbours(rows, k)
    expected, far = naive(rows, k)
    assert np.array_equal(indices, expected)
    assert np.allclose(distances, far, atol=1e-6)


def test_a_class_collapsed_to_a_spot_keeps_its_order() -> None:
    """In float32 all of its squared distances drown in the rounding of the norms."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400, 16))
    rows[100:300] = rows[100] + rng.normal(size=(200, 16)) * 3e-4
    rows *= 3 / np.sqrt(np.square(rows - rows.mean(0)).sum(1).mean())
    assert np.array_equal(nearest_neighbours(rows.astype(np.float32), 15)[0], naive(rows.astype(np.float32), 15)[0])


def test_the_number_of_threads_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(0).normal(size=(700, 64)).astype(np.float32)
    rows[:50] = rows[50]
    found = []
    threads = torch.get_num_threads()
    for count in (1, 2, 3):
        neighbours._kept.clear()
        torch.set_num_threads(count)
        found.append(nearest_neighbours(rows, 15))
    torch.set_num_threads(threads)
    monkeypatch.setattr(neighbours, "BLOCK", 5000)
    neighbours._kept.clear()
    found.append(nearest_neighbours(rows, 15))
    for indices, distances in found[1:]:
        assert np.array_equal(indices, found[0][0])
        assert np.array_equal(distances, found[0][1])


def test_the_scale_of_the_embeddings_changes_no_neighbour() -> None:
    rows = np.random.default_rng(3).normal(size=(200, 8)).astype(np.float32)
    assert np.array_equal(nearest_neighbours(rows * 1e-6, 10)[0], nearest_neighbours(rows, 10)[0])


def test_what_is_kept_is_never_changed_by_a_caller() -> None:
    rows = np.random.default_rng(4).normal(size=(30, 3)).astype(np.float32)
    first, _distances = nearest_neighbours(rows, 5)
    first[:] = -1
    assert (nearest_neighbours(rows, 5)[0] >= 0).all()


@pytest.mark.parametrize("k", [0, 4])
def test_more_neighbours_than_rows_are_refused(k: int) -> None:
    with pytest.raises(ValueError, match=f"k = {k} neighbours of 3 rows"):
        nearest_neighbours(np.zeros((3, 2), np.float32), k)
