"""Decoded once, kept by content, taken up where it stopped."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dtml import paths
from dtml.errors import Problem
from dtml.images import decode, store
from dtml.images.pixels import Pixels, decoded
from tests.images.archives import good, members, packed, picture

pytestmark = pytest.mark.usefixtures("home")


def test_the_same_content_elsewhere_is_not_decoded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = decode(good(tmp_path / "a.zip"), 16, True)
    shutil.copy(tmp_path / "a.zip", tmp_path / "b.zip")
    monkeypatch.setattr(store, "decoded", lambda *_: pytest.fail("decoded again"))
    assert np.array_equal(decode(tmp_path / "b.zip", 16, True).images, first.images)


def test_other_sizes_and_colours_are_other_images(tmp_path: Path) -> None:
    good(tmp_path / "a.zip")
    shapes = [
        decode(tmp_path / "a.zip", side, colour).images.shape for side, colour in ((16, True), (16, False), (8, True))
    ]
    assert shapes == [(8, 16, 16, 3), (8, 16, 16, 1), (8, 8, 8, 3)]


def test_what_was_interrupted_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = packed(tmp_path / "a.zip", members(count=150))
    taken: list[str] = []

    def counting(content: bytes, name: str, *rest: object) -> Pixels:
        if len(taken) == 100:
            raise KeyboardInterrupt
        taken.append(name)
        return decoded(content, name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "decoded", counting)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    with pytest.raises(KeyboardInterrupt):
        decode(archive, 16, True)
    before = set(taken)
    taken.clear()
    monkeypatch.setattr(
        store, "decoded", lambda content, name, *rest: (taken.append(name), decoded(content, name, *rest))[1]
    )
    found = decode(archive, 16, True)
    assert len(before) == 100
    assert before.isdisjoint(taken)
    assert len(taken) == 200
    monkeypatch.undo()
    monkeypatch.setenv("DTML_HOME", str(tmp_path / "other"))
    assert np.array_equal(decode(archive, 16, True).images, found.images)


def test_what_cannot_be_read_is_listed_and_can_be_left_out(tmp_path: Path) -> None:
    contents = members()
    contents |= {
        "cat/text.png": b"milk, eggs",
        "cat/half.jpg": picture(kind="JPEG")[:600],
        "dog/dot.png": picture(size=(1, 1)),
        "dog/empty.png": b"",
    }
    packed(tmp_path / "a.zip", contents)
    with pytest.raises(Problem, match="cannot be read|no image"):
        decode(tmp_path / "a.zip", 16, True)
    found = decode(tmp_path / "a.zip", 16, True, skip=True)
    assert set(found.problems) == {"cat/text.png", "cat/half.jpg", "dog/dot.png", "dog/empty.png"}
    assert set(found.names[~found.readable]) == set(found.problems)
    assert "1×1 pixels" in str(found.problems["dog/dot.png"])
    assert "no image that can be recognised" in str(found.problems["cat/text.png"])


def test_an_image_of_far_too_many_pixels_is_refused_unread(tmp_path: Path) -> None:
    """50,000 × 50,000 pixels of nothing are a small file."""
    Image.MAX_IMAGE_PIXELS, before = None, Image.MAX_IMAGE_PIXELS
    try:
        Image.new("1", (50_000, 50_000)).save(tmp_path / "large.png")
    finally:
        Image.MAX_IMAGE_PIXELS = before
    with pytest.raises(Problem, match=r"'cat/large.png' in 'a.zip' has more than 128 million pixels"):
        decoded((tmp_path / "large.png").read_bytes(), "cat/large.png", "a.zip", 16, True)


def test_images_that_look_alike_have_hashes_that_are_near(tmp_path: Path) -> None:
    photograph = Image.fromarray(
        np.kron(np.random.default_rng(0).integers(0, 255, (8, 8, 3)), np.ones((16, 16, 1))).astype(np.uint8)
    )
    looks = []
    for quality in (95, 40):
        photograph.save(tmp_path / "x.jpg", quality=quality)
        looks.append(decoded((tmp_path / "x.jpg").read_bytes(), "x", "y", 64, True).look)
    other = decoded(picture(5), "x", "y", 64, True).look
    assert (looks[0] ^ looks[1]).bit_count() <= 4
    assert (looks[0] ^ other).bit_count() > 10


def test_nothing_half_is_taken_for_whole(tmp_path: Path) -> None:
    decode(good(tmp_path / "a.zip"), 16, True)
    folders = [path.parent for path in (paths.cache() / "images").rglob("images.npy")]
    assert all((folder / "complete.json").exists() for folder in folders)
