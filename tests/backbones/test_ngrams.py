"""Hashed n-grams: which slots a text falls into, and the rows that the layers read."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dtml import catalogue
from dtml.augmentation import view
from dtml.backbones.ngrams import KEPT, Slots


def slots(*texts: str, **params: int) -> list[set[int]]:
    """The slots of each text."""
    raw = np.array([text.encode() for text in texts])
    found = catalogue.create("backbone", "ngrams", **params).encode(raw)
    assert found.shape == (len(texts), KEPT)
    assert found.dtype == np.int32
    return [set(row[row >= 0].tolist()) for row in found]


def test_equal_words_fall_into_equal_slots() -> None:
    one, two, three = slots("A good book", "book, GOOD! a; a", "a good boook")
    assert one == two
    assert len(one) == 3
    assert len(one & three) == 2


def test_longer_n_grams_tell_the_order_apart() -> None:
    assert slots("not good", "good not") == slots("not good", "not good")
    one, two = slots("not good", "good not", longest=2)
    assert len(one) == len(two) == 3
    assert len(one & two) == 2


def test_chinese_characters_are_words() -> None:
    one, two = slots("很好的书", "书很差 DVD2")
    assert len(one) == 4
    assert len(two) == 4
    assert len(one & two) == 2


def test_each_text_is_encoded_by_itself() -> None:
    together = slots("a good book", "a bad one", "")
    assert together == [*slots("a good book"), *slots("a bad one"), *slots("")]
    assert together[2] == set()


def test_slots_stay_within_the_size() -> None:
    (many,) = slots(" ".join(f"w{number}" for number in range(500)), size=6)
    assert many == set(range(64))


def test_more_n_grams_than_are_read() -> None:
    (many,) = slots(" ".join(f"w{number}" for number in range(3000)), size=18)
    assert len(many) == KEPT


def test_bytes_that_are_no_utf8_do_not_stop_it() -> None:
    raw = np.array([b"good \xff\xfe book"])
    assert (catalogue.create("backbone", "ngrams").encode(raw) >= 0).sum() == 2


def test_rows_of_one_length_by_hand() -> None:
    rows = Slots(4)(torch.tensor([[0, 3, -1], [2, -1, -1], [-1, -1, -1]], dtype=torch.int32))
    share = 16 * 0.5**0.5
    assert torch.allclose(rows, torch.tensor([[share, 0, 0, share], [0, 0, 16, 0], [0, 0, 0, 0.0]]))


@pytest.mark.parametrize("depth", [1, 3])
def test_the_network(depth: int) -> None:
    network = catalogue.create("backbone", "ngrams", size=8, width=5, depth=depth).build((KEPT,), False)
    assert list(network.stages) == [f"layer{number + 1}" for number in range(depth)]
    assert network.out_features == 5
    ids = torch.randint(-1, 256, (7, KEPT), dtype=torch.int32)
    assert network(ids).shape == (7, 5)


def test_a_view_of_a_text_loses_some_tokens_and_gains_none() -> None:
    torch.manual_seed(0)
    ids = torch.arange(1000, dtype=torch.int32).repeat(4, 1)
    seen = view(ids)
    lost = seen == -1
    assert torch.equal(seen[~lost], ids[~lost])
    assert 0.1 < lost.float().mean() < 0.2
