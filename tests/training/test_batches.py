"""Orders of samples: pure functions of seed and step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtml.training.batches import BalancedOrder, Order, rows_of


@given(samples=st.integers(1, 50), batch=st.integers(1, 64), seed=st.integers(0, 9))
def test_every_epoch_shows_each_sample_once(samples: int, batch: int, seed: int) -> None:
    order = Order(samples, batch, (seed,))
    steps = -(-2 * samples // batch)
    shown = np.concatenate([order.batch(step) for step in range(steps)])
    for epoch in range(2):
        assert sorted(shown[epoch * samples : (epoch + 1) * samples]) == list(range(samples))


@given(step=st.integers(0, 40))
def test_a_batch_does_not_depend_on_those_before(step: int) -> None:
    walked = Order(30, 7, (3,))
    for earlier in range(step):
        walked.batch(earlier)
    assert np.array_equal(walked.batch(step), Order(30, 7, (3,)).batch(step))


def test_balanced_batches_hold_every_class_alike() -> None:
    labels = np.array([0] * 90 + [1] * 6 + [2] * 4)
    order = BalancedOrder(labels, 16, (3,))
    batches = [order.batch(step) for step in range(12)]
    for batch in batches:
        assert len(batch) == 16
        assert sorted(np.bincount(labels[batch])) == [5, 5, 6]
    assert {int(np.bincount(labels[b]).argmax()) for b in batches} == {0, 1, 2}, "they take turns"
    assert np.array_equal(order.batch(7), BalancedOrder(labels, 16, (3,)).batch(7)), "a function of seed and step"
    assert set(np.concatenate(batches)) >= set(range(90, 100)), "no sample of a small class is left out"


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_rows_of_a_mapped_array_are_those_of_the_array(tmp_path: Path, dtype: type) -> None:
    values = np.random.default_rng(0).integers(0, 255, (20, 3, 4)).astype(dtype)
    np.save(tmp_path / "a.npy", values)
    mapped, rows = np.load(tmp_path / "a.npy", mmap_mode="r"), np.array([7, 0, 19, 7])
    assert np.array_equal(rows_of(mapped, rows), values[rows])
    assert np.array_equal(rows_of(mapped[5:], np.array([0, 3])), values[[5, 8]]), "a part of it, too"
    assert rows_of(mapped, rows[:0]).shape == (0, 3, 4)
