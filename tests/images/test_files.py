"""What is read of folders and archives, and which archives are refused before anything is read of them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from dtml.errors import Problem
from dtml.images import decode, files
from dtml.images.files import folders_in, opened
from tests.images import archives
from tests.images.archives import good, members, packed, picture


@pytest.mark.parametrize(
    ("hostile", "sentence"),
    [
        (archives.climbing, "'evil.zip' is refused: its member '../../evil.png' leads out"),
        (archives.absolute, "'/etc/evil.png' leads out"),
        (archives.of_windows, "leads out"),
        (archives.with_drive, "'C:/evil.png' leads out"),
        (archives.with_link, "'cat/link.png' is a symbolic link"),
        (archives.encrypted, "is encrypted; pack it without a password"),
        (archives.bomb, "unpacks to [0-9]{3} times its own size"),
    ],
)
def test_a_hostile_archive_is_refused(tmp_path: Path, hostile: Callable[[Path], Path], sentence: str) -> None:
    with pytest.raises(Problem, match=sentence) as caught, opened(hostile(tmp_path / "evil.zip")):
        pass
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("limit", "value"), [("MOST_FILES", 7), ("MOST_BYTES", 10_000)])
def test_counts_and_sizes_have_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int) -> None:
    with opened(good(tmp_path / "a.zip")):
        pass
    monkeypatch.setattr(files, limit, value)
    with pytest.raises(Problem, match="but may h"), opened(tmp_path / "a.zip"):
        pass


def test_a_large_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST_FILE", 1000)
    with opened(good(tmp_path / "a.zip")) as seen, pytest.raises(Problem, match="may have at most"):
        seen.read("cat/00.png")


@pytest.mark.parametrize("content", [b"", b"PK", b"hello" * 100, b"PK\x05\x06" + bytes(18), b"PK\x03\x04" * 50])
def test_what_is_no_archive(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(Problem):
        decode(tmp_path / "a.zip", 16, True)


def test_a_folder_in_an_archive_is_a_place(tmp_path: Path) -> None:
    inner = {f"{side}/{name}": content for side in ("shop", "phone") for name, content in members().items()}
    packed(tmp_path / "both.zip", inner)
    with opened(tmp_path / "both.zip" / "phone") as seen:
        assert seen.names() == sorted(members())
        assert seen.read("cat/00.png") == inner["phone/cat/00.png"]
    with (
        pytest.raises(Problem, match="has no folder 'web'; choose one of phone, shop"),
        opened(tmp_path / "both.zip/web"),
    ):
        pass


@pytest.mark.parametrize(("around", "found"), [("", ["phone", "shop"]), ("all/", ["all/phone", "all/shop"])])
def test_the_folders_of_an_archive_are_found(tmp_path: Path, around: str, found: list[str]) -> None:
    inner = {f"{around}{side}/{name}": b"" for side in ("shop", "phone") for name in members()}
    with packed(tmp_path / "both.zip", {**inner, "__MACOSX/x/y.png": b""}).open("rb") as file:
        assert folders_in(file, "both.zip") == found


def test_names_in_chinese_and_with_spaces(tmp_path: Path) -> None:
    names = ["猫/照片 1.png", "dog/my photo.png", "mère/é.png"]
    packed(tmp_path / "a.zip", {name: picture() for name in names})
    with opened(tmp_path / "a.zip") as seen:
        assert seen.names() == sorted(names)
        assert seen.read("猫/照片 1.png") == picture()


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_names_of_older_programs_are_read(tmp_path: Path, encoding: str) -> None:
    """They write the bytes of their own encoding and do not say which."""
    raw = "猫/照片.png".encode(encoding)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("x" * len(raw), picture())
    content = (tmp_path / "a.zip").read_bytes().replace(b"x" * len(raw), raw)
    (tmp_path / "a.zip").write_bytes(content)
    with opened(tmp_path / "a.zip") as seen:
        assert seen.names() == ["猫/照片.png"]
        assert seen.read("猫/照片.png") == picture()
