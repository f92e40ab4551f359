"""Corruptions by hand: nothing at strength 0, the documented formula elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from dtml import corruptions

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (3, 12, 10, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", ["blur", "noise", "contrast", "colour", "rotation", "background"])
def test_at_strength_0_nothing_changes(name: str) -> None:
    more = {
        "noise": (np.random.default_rng(0),),
        "background": (RNG.integers(0, 256, (3, 12, 10, 1), dtype=np.uint8),),
    }
    same = getattr(corruptions, name)(IMAGES, 0.0, *more.get(name, ()))
    assert same.dtype == np.uint8
    assert np.array_equal(same, IMAGES)


def test_blur_spreads_a_dot_and_keeps_its_sum() -> None:
    dot = np.zeros((1, 25, 25, 1), np.uint8)
    dot[0, 12, 12] = 255
    seen = corruptions.blur(dot, 0.5)[0, :, :, 0].astype(float)
    assert np.array_equal(seen, seen.T)
    assert seen.max() == seen[12, 12] == 41, "255 of a Gaussian of σ = ½ · 0.08 · 25 = 1: its middle is 0.3991² of it"
    assert seen.sum() == pytest.approx(255, abs=0.5 * (seen > 0).sum())


def test_noise_has_the_stated_deviation() -> None:
    grey = np.full((4, 50, 50, 1), 128, np.uint8)
    seen = corruptions.noise(grey, 0.25, np.random.default_rng(0)).astype(float) - 128
    assert seen.std() == pytest.approx(0.25 * 0.38 * 255, rel=0.02)
    assert abs(seen.mean()) < 1


def test_contrast_by_hand() -> None:
    """Channel means 100 and 20: at strength 1 a twentieth of every difference stays."""
    image = np.array([[[[60, 20], [140, 20]]]], np.uint8)
    assert corruptions.contrast(image, 1.0).tolist() == [[[[98, 20], [102, 20]]]]


def test_colour_turns_hues_and_keeps_grey_and_brightness() -> None:
    grey = np.full((1, 1, 1, 3), 90, np.uint8)
    assert np.abs(corruptions.colour(grey, 1.0).astype(int) - 90).max() <= 1
    red = np.array([[[[150, 100, 100]]]], np.uint8)
    cyan = corruptions.colour(red, 1.0)[0, 0, 0].astype(int)
    assert cyan[0] < cyan[1]
    weights = np.array([0.299, 0.587, 0.114])
    assert cyan @ weights == pytest.approx(red[0, 0, 0] @ weights, abs=1)


def test_rotation_by_a_quarter() -> None:
    image = np.array([[1, 2], [3, 4]], np.uint8).reshape(1, 2, 2, 1)
    assert corruptions.rotation(image, 1.0)[0, :, :, 0].tolist() == [[2, 4], [1, 3]]


def test_background_fills_what_is_dark() -> None:
    image, patch = np.array([0, 200]).reshape(1, 1, 2, 1), np.array([100, 100]).reshape(1, 1, 2, 1)
    seen = corruptions.background(image.astype(np.uint8), 0.5, patch.astype(np.uint8))
    assert seen.ravel().tolist() == [50, 200]


def test_prior_makes_the_last_class_fifty_times_rarer() -> None:
    labels = np.repeat([0, 1, 2, -1], [1000, 1000, 1000, 5])
    for strength, counts in ((0.0, [1000, 1000, 1000]), (0.5, [1000, 376, 141]), (1.0, [1000, 141, 20])):
        kept = labels[corruptions.prior(labels, strength, np.random.default_rng(0))]
        assert np.bincount(kept[kept >= 0]).tolist() == counts
        assert (kept < 0).sum() == 5


def test_prior_leaves_every_class_a_sample() -> None:
    labels = np.array([0, 0, 1, 1, 2, 2])
    assert set(labels[corruptions.prior(labels, 1.0, np.random.default_rng(0))]) == {0, 1, 2}
    assert corruptions.prior(np.array([3, 3]), 1.0, np.random.default_rng(0)).tolist() == [0, 1]


def test_covariate_prefers_what_lies_further_along() -> None:
    positions = np.random.default_rng(1).standard_normal(4000)
    means = []
    for strength in (0.0, 0.5, 1.0):
        kept = corruptions.covariate(positions, strength, np.random.default_rng(0))
        assert len(kept) == len(set(kept)) == round((1 - strength / 2) * 4000)
        means.append(positions[kept].mean())
    assert means[0] == positions.mean()
    assert means[0] + 0.2 < means[1] < means[2] - 0.2
    assert len(corruptions.covariate(np.ones(4), 1.0, np.random.default_rng(0))) == 2, "without any spread"


def test_concept_gives_the_furthest_the_next_class() -> None:
    labels, positions = np.array([0, 1, 2, -1, 1, 0]), np.array([5.0, 4.0, 3.0, 6.0, 1.0, 2.0])
    assert corruptions.concept(labels, positions, 3, 0.0).tolist() == [0, 1, 2, -1, 1, 0]
    assert corruptions.concept(labels, positions, 3, 1.0).tolist() == [1, 2, 2, -1, 1, 0]
    assert labels.tolist() == [0, 1, 2, -1, 1, 0]


def test_the_first_principal_direction() -> None:
    """Spread along (3, 4)/5; the sign is that of the largest entry."""
    rows = np.outer([-2.0, 0.0, 2.0], [-3.0, -4.0]) + [1.0, 1.0]
    assert corruptions.principal_positions(rows, rows) == pytest.approx([10, 0, -10])
