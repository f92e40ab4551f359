"""Orders of samples: pure functions of seed and step."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dtml.training.batches import Order


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
