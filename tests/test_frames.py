"""CSV and Parquet files: what is read, what is refused in one sentence, and nothing that crashes."""

from __future__ import annotations

import codecs
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dtml import frames
from dtml.errors import Problem
from dtml.frames import as_numbers, missing, read


def csv(folder: Path, content: str | bytes, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_columns_and_lines(tmp_path: Path) -> None:
    frame = read(csv(tmp_path, 'text,label\n"two\nlines, and a comma",good\n\nplain , bad\n'))
    assert {name: list(values) for name, values in frame.columns.items()} == {
        "text": ["two\nlines, and a comma", "plain"],
        "label": ["good", "bad"],
    }
    assert list(frame.lines) == [2, 5]
    assert list(frame.ids) == ["a:2", "a:5"]
    assert frame.unreadable == []


@pytest.mark.parametrize(
    ("encoding", "remarks"), [("utf-8", 0), ("utf-8-sig", 0), ("utf-16", 0), ("utf-16-be", 0), ("gb18030", 1)]
)
def test_encodings(tmp_path: Path, encoding: str, remarks: int) -> None:
    mark = codecs.BOM_UTF16_BE if encoding == "utf-16-be" else b""
    frame = read(csv(tmp_path, mark + "文本,标签\n很好的书,正面\n".encode(encoding)))
    assert list(frame.columns) == ["文本", "标签"]
    assert frame.columns["文本"][0] == "很好的书"
    assert len(frame.remarks) == remarks


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiters(tmp_path: Path, delimiter: str) -> None:
    frame = read(csv(tmp_path, delimiter.join(['"a, b; c"', "x", "y"]) + "\n" + delimiter.join("123") + "\n"))
    assert list(frame.columns) == ["a, b; c", "x", "y"]
    assert frame.comma == (delimiter == ";")


def test_rows_that_cannot_be_read_are_told_by_their_lines(tmp_path: Path) -> None:
    frame = read(csv(tmp_path, 'a,b\n1,2\n3\n4,5,6\n"7"x,8\n9,0\n'))
    assert list(frame.columns["a"]) == ["1", "9"]
    assert [line for line, _why in frame.unreadable] == ["line 3", "line 4", "line 5"]
    assert frame.unreadable[0][1] == "1 values, but the header names 2 columns"


def test_a_quotation_mark_that_is_not_closed(tmp_path: Path) -> None:
    frame = read(csv(tmp_path, 'a,b\n1,2\n"3,4\n5,6\n'))
    assert list(frame.lines) == [2]
    assert frame.unreadable == [("line 3", "unexpected end of data")]


def test_a_column_without_a_name_is_left_out(tmp_path: Path) -> None:
    assert list(read(csv(tmp_path, ",a\n0,x\n1,y\n")).columns) == ["a"]


def test_numbers() -> None:
    column = np.array(["1", "-2.5e3", "", "NA", "x", "inf", "1e300", "1_000", "3,5"], dtype=object)
    assert np.array_equal(as_numbers(column), [1, -2500, *[np.nan] * 7], equal_nan=True)
    assert as_numbers(column, comma=True)[-1] == 3.5
    assert np.array_equal(as_numbers(np.array([1.0, np.inf, np.nan])), [1, np.nan, np.nan], equal_nan=True)
    assert list(missing(column)) == [False, False, True, True, *[False] * 5]


def test_parquet(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "whole": [1, 2, None],
            "text": ["x", None, "é"],
            "kind": pd.Categorical(["u", None, "v"]),
            "code": pd.Categorical([7, 8, 7]),
            "flag": [True, False, True],
            "none": [None] * 3,
            "when": pd.to_datetime(["2020-01-02"] * 3),
        }
    )
    table.to_parquet(tmp_path / "a.parquet")
    found = read(tmp_path / "a.parquet").columns
    assert np.array_equal(found["whole"], [1, 2, np.nan], equal_nan=True)
    assert list(found["text"]) == ["x", "", "é"]
    assert list(found["kind"]) == ["u", "", "v"]
    assert list(found["code"]) == [7, 8, 7]
    assert list(found["flag"]) == [1, 0, 1]
    assert list(found["none"]) == ["", "", ""]
    assert found["when"][0].startswith("2020-01-02")


def test_a_long_text_that_many_rows_share_stays_one(tmp_path: Path) -> None:
    """Unpacked it would be 2 GB: a file of kilobytes must not fill the memory."""
    pd.DataFrame({"text": ["x" * 100_000] * 20_000}).to_parquet(tmp_path / "a.parquet")
    column = read(tmp_path / "a.parquet").columns["text"]
    assert len({id(text) for text in column}) == 1


# -- bad input, one sentence each


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "no header"),
        (b"\n \n", "no header"),
        (b"a,b\n", "no rows"),
        (b"a,b\n1\n", "no rows"),
        (b"a,a\n1,2\n", "two columns named 'a'"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is no text in UTF-8"),
        (b"a,b\n\xff\xfe\xff,1\n", "is no text in UTF-8"),
        (b"PAR1 and nothing else", "no whole Parquet file"),
        (",".join(map(str, range(2001))).encode() + b"\n1\n", "2,001 columns, more than 2,000"),
        (b"a,b\n" + b"1\n" * 1001, "more than 1000 rows that cannot be read"),
    ],
)
def test_what_is_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    with pytest.raises(Problem, match=sentence) as caught:
        read(csv(tmp_path, content))
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere.csv"):
        with pytest.raises(Problem, match="There is no file"):
            read(path)


def test_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = csv(tmp_path, "a,b\n" + "1,2\n" * 20)
    for name, value, sentence in (
        ("ROWS", 19, "has 20 rows, more than 19"),
        ("CELLS", 39, "has 40 values, more than 39"),
        ("LARGEST", 10, "MiB"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(frames, name, value)
            with pytest.raises(Problem, match=sentence):
                read(path)


def test_a_parquet_file_of_lists(tmp_path: Path) -> None:
    pd.DataFrame({"a": [[1, 2], [3]]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(Problem, match="The column 'a' .* neither numbers nor text"):
        read(tmp_path / "a.parquet")


# -- a fuzz test


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """The content with bytes changed, removed, doubled, moved or cut."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 6))):
        at, length = int(rng.integers(0, len(data) + 1)), int(rng.integers(1, 30))
        match int(rng.integers(0, 6)):
            case 0:
                data[at : at + length] = rng.integers(0, 256, length, dtype=np.uint8).tobytes()
            case 1:
                del data[at : at + length]
            case 2:
                data[at:at] = data[at : at + length] * int(rng.integers(1, 50))
            case 3:
                data[at:at] = [b'"', b"\x00", b"\r", b"\n\n", b",;\t", b"\xff\xfe", "é".encode("latin-1")][length % 7]
            case 4:
                data = data[:at] or data
            case _:
                data[at:], data[:at] = data[:at], data[at:]
    return bytes(data)


def test_mutated_files_are_read_or_refused_in_a_sentence(tmp_path: Path) -> None:
    """Four hundred CSV and four hundred Parquet files: no crash, and no file beside the mutated one."""
    rng = np.random.default_rng(0)
    names = np.array(["a", "é", 'q"', "x,y", ""])
    table = pd.DataFrame(
        {"n": rng.normal(size=60), "c": names[rng.integers(0, 5, 60)], "label": rng.integers(0, 3, 60)}
    )
    table.to_csv(tmp_path / "a.csv", index=False)
    table.to_parquet(tmp_path / "b.parquet")
    originals = [(tmp_path / name).read_bytes() for name in ("a.csv", "b.parquet")]
    (tmp_path / "b.parquet").unlink()
    sentences = []
    for number in range(800):
        path = csv(tmp_path, mutated(originals[number % 2], rng))
        try:
            frame = read(path)
            assert all(len(values) == len(frame) for values in frame.columns.values())
        except Problem as problem:
            sentences.append(str(problem))
    assert 0 < len(sentences) < 800
    assert not [told for told in sentences if "\n" in told]
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
