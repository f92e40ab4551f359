"""Two folders of class folders: what is read, what is refused in one sentence, and no leak."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dtml import catalogue
from dtml.errors import Problem
from dtml.images import decode
from dtml.tasks import Transfer
from dtml.tasks.folders import split_alike

pytestmark = pytest.mark.usefixtures("home")


def make(folder: Path, classes: dict[str, int], seed: int = 0) -> Path:
    """A folder of class folders with so many images of random colours each."""
    rng = np.random.default_rng(seed)
    for name, count in classes.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number:03}.png")
    return folder


def load(source: Path, target: Path, seed: int = 0) -> Transfer:
    task = catalogue.create("task", "folders", source=str(source), target=str(target), size=16)
    transfer: Transfer = task.load(seed)
    return transfer


def zipped(folder: Path, wrapped: bool) -> Path:
    archive = folder.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(folder.rglob("*.png")):
            file.write(path, path.relative_to(folder.parent if wrapped else folder))
        file.writestr("__MACOSX/x.png", b"nonsense")
    return archive


def test_two_folders_become_two_domains(tmp_path: Path) -> None:
    transfer = load(make(tmp_path / "a", {"cat": 10, "dog": 10}), make(tmp_path / "b", {"cat": 10, "dog": 20}, 1))
    assert transfer.source.classes == ("cat", "dog")
    assert transfer.source.inputs.shape == (20, 16, 16, 3)
    assert transfer.target.inputs.dtype == np.uint8
    assert sum(len(part) for part in transfer.target.splits.values()) == 30
    assert transfer.source.ids[0] == "cat/000.png"
    assert transfer.remarks == []


@pytest.mark.parametrize("wrapped", [True, False])
def test_an_archive_is_read_like_its_folder(tmp_path: Path, wrapped: bool) -> None:
    folder = make(tmp_path / "a", {"cat": 4, "dog": 4})
    plain, packed = decode(folder, 16, True), decode(zipped(folder, wrapped), 16, True)
    assert np.array_equal(plain.images, packed.images)
    assert plain.classes == packed.classes


def test_images_are_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make(tmp_path / "a", {"cat": 4})
    first = decode(folder, 16, True)
    monkeypatch.setattr("dtml.images.store.decoded", lambda *_: pytest.fail("decoded again"))
    assert np.array_equal(decode(folder, 16, True).images, first.images)


def test_a_changed_folder_is_decoded_again(tmp_path: Path) -> None:
    folder = make(tmp_path / "a", {"cat": 4})
    before = np.array(decode(folder, 16, True).images)
    Image.new("RGB", (16, 16)).save(folder / "cat" / "000.png")
    assert not np.array_equal(decode(folder, 16, True).images, before)


def test_images_are_turned_as_their_exif_says(tmp_path: Path) -> None:
    (tmp_path / "a" / "x").mkdir(parents=True)
    image = Image.new("RGB", (16, 16))
    image.paste((255, 255, 255), (0, 0, 16, 8))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    image.save(tmp_path / "a" / "x" / "1.jpg", exif=exif)
    assert decode(tmp_path / "a", 16, True).images[0, 0].mean() < 10


def test_only_common_classes_are_kept_and_the_others_named(tmp_path: Path) -> None:
    a, b = {"cat": 5, "dog": 5, "fox": 5}, {"dog": 5, "emu": 5, "fox": 5}
    transfer = load(make(tmp_path / "a", a), make(tmp_path / "b", b))
    assert transfer.source.classes == ("dog", "fox")
    assert "cat, emu" in str(transfer.remarks[0])
    used = np.concatenate(list(transfer.target.splits.values()))
    assert set(transfer.target.labels[used]) == {0, 1}
    assert len(used) == 10


def test_duplicates_share_a_split_and_are_told(tmp_path: Path) -> None:
    a, b = make(tmp_path / "a", {"cat": 10, "dog": 10}), make(tmp_path / "b", {"cat": 10, "dog": 10}, 1)
    for number in range(8):
        shutil.copy(a / "cat" / f"{number:03}.png", a / "cat" / f"{number:03}-copy.png")
    transfer = load(a, b)
    assert "8 images twice" in str(transfer.remarks[0])
    for part in transfer.source.splits.values():
        names = set(transfer.source.ids[part])
        assert all(f"{name[:-4]}-copy.png" in names for name in names if name in {f"cat/{n:03}.png" for n in range(8)})


def test_a_leak_from_source_to_target_test_is_told(tmp_path: Path) -> None:
    a, b = make(tmp_path / "a", {"cat": 20, "dog": 20}), make(tmp_path / "b", {"cat": 9, "dog": 9}, 1)
    assert load(a, b).remarks == []
    for path in a.rglob("*.png"):
        shutil.copy(path, b / path.parent.name / f"copied-{path.name}")
    assert "are also training images of the source: a leak" in str(load(a, b).remarks[-1])


def test_only_duplicates_of_kept_classes_are_told(tmp_path: Path) -> None:
    a, b = make(tmp_path / "a", {"cat": 9, "dog": 9, "emu": 3}), make(tmp_path / "b", {"cat": 9, "dog": 9}, 1)
    shutil.copy(a / "emu" / "000.png", a / "emu" / "copy.png")
    assert [remark.values for remark in load(a, b).remarks] == [{"classes": "emu"}]


def test_images_of_one_name_in_folders_of_a_class_are_told_apart(tmp_path: Path) -> None:
    decoded = decode(make(tmp_path / "a", {"cat/one": 2, "cat/two": 2, "dog": 1}), 16, True)
    assert list(decoded.names) == [
        "cat/one/000.png",
        "cat/one/001.png",
        "cat/two/000.png",
        "cat/two/001.png",
        "dog/000.png",
    ]
    assert decoded.classes == ("cat", "dog")


def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    (tmp_path / "a" / "x").mkdir(parents=True)
    Image.fromarray(np.full((16, 16), 0x8000, np.uint16)).save(tmp_path / "a" / "x" / "1.png")
    assert np.unique(decode(tmp_path / "a", 16, False).images) == [0x80]


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6, 7, 8, 9, 10])
def test_small_classes_leave_no_split_empty(tmp_path: Path, count: int) -> None:
    """Two classes of six would be split 8/0/4 by rounding alone."""
    sides = [make(tmp_path / name, {"cat": count, "dog": count}, seed) for seed, name in enumerate("ab")]
    transfer = load(*sides)
    assert all(len(part) for domain in (transfer.source, transfer.target) for part in domain.splits.values())


@given(labels=st.lists(st.integers(0, 2), min_size=1, max_size=60), kinds=st.integers(1, 20), seed=st.integers(0, 3))
def test_equal_digests_are_never_apart(labels: list[int], kinds: int, seed: int) -> None:
    digests = np.array([f"{label}-{number % kinds}" for number, label in enumerate(labels)])
    parts = split_alike(np.array(labels), digests, seed)
    assert sorted(np.concatenate(list(parts.values()))) == list(range(len(labels)))
    seen: set[str] = set()
    for part in parts.values():
        assert seen & set(digests[part]) == set()
        seen |= set(digests[part])


# -- bad input, one sentence each


def refused(tmp_path: Path, source: Path, sentence: str) -> None:
    good = make(tmp_path / "good", {"cat": 3, "dog": 3})
    with pytest.raises(Problem, match=sentence) as caught:
        load(source, good)
    assert "\n" not in str(caught.value)


def test_a_missing_path(tmp_path: Path) -> None:
    refused(tmp_path, tmp_path / "nowhere", "There is no folder or zip archive '.*nowhere'")


def test_no_path_at_all(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="needs the path 'source'"):
        catalogue.create("task", "folders").load(0)


def test_a_file_that_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("hello")
    refused(tmp_path, tmp_path / "text.zip", "neither a folder nor a zip archive")


def test_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "empty" / "cat").mkdir(parents=True)
    refused(tmp_path, tmp_path / "empty", "holds no images")


def test_a_folder_without_classes(tmp_path: Path) -> None:
    (tmp_path / "flat").mkdir()
    for number in range(3):
        Image.new("RGB", (20, 20)).save(tmp_path / "flat" / f"{number}.png")
    refused(tmp_path, tmp_path / "flat", "has 3 images but no class folders")


def test_a_class_folder_without_images(tmp_path: Path) -> None:
    folder = make(tmp_path / "a", {"cat": 3})
    (folder / "dog").mkdir()
    refused(tmp_path, folder, "The class folder 'dog' in .* holds no images")
    (folder / "dog" / "photo.heic").write_text("not known here")
    with pytest.raises(Problem, match="class folder 'dog'"):
        decode(folder, 16, True)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.write(folder / "cat" / "000.png", "wrap/cat/000.png")
        file.writestr("wrap/dog/", b"")
    with pytest.raises(Problem, match="class folder 'dog'"):
        decode(tmp_path / "a.zip", 16, True)


def test_too_few_images(tmp_path: Path) -> None:
    refused(tmp_path, make(tmp_path / "a", {"cat": 1, "dog": 1}), r"too few images \(2\)")


def test_a_broken_archive_member_is_named(tmp_path: Path) -> None:
    archive = zipped(make(tmp_path / "a", {"cat": 3}), wrapped=False)
    content = bytearray(archive.read_bytes())
    content[200] ^= 255
    archive.write_bytes(content)
    refused(tmp_path, archive, "The image 'cat/000.png' in .*CRC")


def test_no_common_class(tmp_path: Path) -> None:
    refused(tmp_path, make(tmp_path / "a", {"emu": 3}), r"\(emu …\).*\(cat, dog …\) have no class in common")


def test_a_single_common_class(tmp_path: Path) -> None:
    refused(tmp_path, make(tmp_path / "a", {"cat": 3, "emu": 3}), "have only the class 'cat' in common")


def test_the_same_folder_twice(tmp_path: Path) -> None:
    folder = make(tmp_path / "a", {"cat": 5, "dog": 5})
    with pytest.raises(Problem, match="Source and target are both"):
        load(folder, folder / "cat" / "..")


def test_what_is_no_image_is_named(tmp_path: Path) -> None:
    folder = make(tmp_path / "a", {"cat": 3, "dog": 3})
    (folder / "cat" / "notes.png").write_text("milk, eggs")
    refused(tmp_path, folder, "'cat/notes.png' in .* is no image that can be recognised")


def test_a_corrupt_image_is_named_each_time(tmp_path: Path) -> None:
    folder = make(tmp_path / "a", {"cat": 5})
    content = (folder / "cat" / "003.png").read_bytes()
    (folder / "cat" / "003.png").write_bytes(content[: len(content) // 2])
    refused(tmp_path, folder, "The image 'cat/003.png' in .* cannot be read")
    with pytest.raises(Problem, match="'cat/003.png'"):
        decode(folder, 16, True)
