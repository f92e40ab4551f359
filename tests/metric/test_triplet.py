"""Counting triplets in sorted rows instead of listing them."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from dtml import catalogue
from dtml.losses import pair_masks
from dtml.metric.triplet import _all


def listed(distance: Tensor, labels: Tensor, margin: float) -> tuple[Tensor, int]:
    """The sum over the active triplets by three loops, and how many there are."""
    every = range(len(labels))
    gaps = [
        distance[a, p] - distance[a, n] + margin
        for a in every
        for p in every
        for n in every
        if a != p and labels[a] == labels[p] and labels[a] != labels[n]
    ]
    active = [gap for gap in gaps if gap > 0]
    return sum(active, start=0 * distance.sum()), len(active)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-2, 2), st.integers(0, 2)), min_size=1, max_size=9), st.sampled_from([1, 3]))
def test_counts_and_gradient_are_those_of_the_list(points: list[tuple[int, int]], margin: int) -> None:
    """On whole numbers many triplets lie exactly on the margin: those are not active."""
    place, labels = torch.tensor(points, dtype=torch.float64).T
    distance = (place[:, None] - place[None, :]).square().requires_grad_(True)
    expected, count = listed(distance, labels, margin)
    value, active = _all(distance, *pair_masks(labels), margin)
    assert active == count
    assert value.item() == expected.item()
    gradients = [torch.autograd.grad(each, distance)[0] for each in (value, expected)]
    assert torch.equal(*gradients)


def test_memory_grows_with_the_square_of_the_batch() -> None:
    """All triplets of 3000 samples would take 100 GB as a list of numbers."""
    rows = torch.randn(3000, 4, generator=torch.Generator().manual_seed(0), requires_grad=True)
    loss = catalogue.create("metric", "triplet")
    loss(rows, torch.arange(3000) % 10).backward()
    assert loss.watched["active_triplets"] > 1e9


def test_single_precision_keeps_four_digits_far_from_the_origin() -> None:
    """The sum is a difference of large numbers where the classes lie far apart."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(512) % 10
    rows = torch.randn(512, 64, dtype=torch.float64, generator=generator)
    rows[:, 0] += 300 * (labels % 2) + 1000
    loss = catalogue.create("metric", "triplet")
    exact, single = loss(rows, labels).item(), loss(rows.float(), labels).item()
    assert single == pytest.approx(exact, rel=1e-4)
