"""The tasks with nothing to download: real digits on photographs, and rotated moons."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtml import catalogue
from dtml.tasks import Domain, Transfer, stratified
from dtml.tasks.digits import blend


def load(name: str, seed: int = 0, **params: object) -> Transfer:
    transfer: Transfer = catalogue.create("task", name, **params).load(seed)
    return transfer


def check(domain: Domain) -> None:
    """What holds for every domain."""
    parts = np.concatenate(list(domain.splits.values()))
    assert sorted(parts) == list(range(len(domain.inputs))), "the splits share no sample and leave none out"
    assert len(set(domain.ids)) == len(domain.ids) == len(domain.labels)
    assert set(domain.labels) == set(range(len(domain.classes)))
    assert all(set(domain.labels[part]) == set(domain.labels) for part in domain.splits.values())


@pytest.mark.parametrize("name", ["digits", "moons"])
def test_domains_are_sound(name: str) -> None:
    transfer = load(name)
    check(transfer.source)
    check(transfer.target)
    assert transfer.source.classes == transfer.target.classes


@pytest.mark.parametrize("name", ["digits", "moons"])
def test_the_seed_decides_everything(name: str) -> None:
    first, again, other = load(name, 3), load(name, 3), load(name, 4)
    assert np.array_equal(first.target.inputs, again.target.inputs)
    assert not np.array_equal(first.target.inputs, other.target.inputs)


def test_no_digit_is_in_both_domains_or_in_two_splits() -> None:
    transfer = load("digits")
    source = set(transfer.source.ids)
    digit_of = np.array([identity.split(" on ")[0] for identity in transfer.target.ids])
    assert source & set(digit_of) == set()
    train, test = (set(digit_of[transfer.target.splits[split]]) for split in ("train", "test"))
    assert train & test == set()
    assert len(source) + len(set(digit_of)) == 1797


def test_every_target_digit_appears_on_several_patches() -> None:
    target = load("digits", copies=3).target
    assert len(target.inputs) == 3 * len({identity.split(" on ")[0] for identity in target.ids})
    assert not np.array_equal(target.inputs[0], target.inputs[1])


@pytest.mark.parametrize(("kind", "expected"), [("difference", 60), ("over", 100), ("mix", 90)])
def test_blends_by_hand(kind: str, expected: int) -> None:
    """Digit 100 on patch 80 at strength ½: |100 − 40|, max(100, 40), ½·100 + ½·80."""
    digit, patch = np.full((1, 1), 100, np.uint8), np.full((1, 1), 80, np.uint8)
    assert blend(digit, patch, kind, 0.5)[0, 0] == expected


def test_without_strength_the_target_is_plain() -> None:
    target = load("digits", strength=0.0, copies=1).target
    assert (target.inputs.reshape(len(target.inputs), -1).min(1) == 0).all()


def test_moons_are_turned_by_the_angle() -> None:
    plain, turned = load("moons", angle=0.0, noise=0.0), load("moons", angle=90.0, noise=0.0)
    x, y = plain.target.inputs.T
    assert np.allclose(turned.target.inputs, np.stack([-y, x], 1), atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(labels=st.lists(st.integers(0, 3), min_size=1, max_size=80), seed=st.integers(0, 5))
def test_stratified_splits_are_disjoint_and_complete(labels: list[int], seed: int) -> None:
    parts = stratified(np.array(labels), {"train": 0.6, "validation": 0.1, "test": 0.3}, seed)
    assert sorted(np.concatenate(list(parts.values()))) == list(range(len(labels)))
    for label in set(labels):
        count = sum(value == label for value in labels)
        train = (np.array(labels)[parts["train"]] == label).sum()
        assert abs(train - 0.6 * count) <= 1
