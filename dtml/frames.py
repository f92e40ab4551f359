"""A CSV or Parquet file → named columns, read once within bounds; rows that cannot be read are told by their lines."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtml.errors import Problem
from dtml.language import _, mark

MIB = 1 << 20
LARGEST = 256 * MIB
"""Bytes of a file, and of a Parquet file's content once unpacked."""
ROWS, COLUMNS, CELLS = 1_000_000, 2_000, 20_000_000
LISTED = 1_000
"""Unreadable rows that are told one by one; a file with more is refused."""
DELIMITERS = (",", ";", "\t")
MISSING = frozenset({"", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "#N/A", "<NA>", "?"})
"""What stands for a value that is not there."""

Column = NDArray[Any]


@dataclass(frozen=True)
class Frame:
    """The columns of a file.

    Attributes:
        path: the file.
        columns: by name: numbers as float64 (n,), NaN where missing; all else as str objects (n,), "" where missing.
        lines: (n,) where each row begins: its line in a CSV file, its number in a Parquet file, from 1.
        comma: whether the decimal mark of its numbers is a comma.
        unreadable: rows that were left out: (line, why).
        remarks: what was noticed and stops nothing.
    """

    path: Path
    columns: dict[str, Column]
    lines: NDArray[np.int64]
    comma: bool = False
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[Problem] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def ids(self) -> NDArray[np.str_]:
        """A name for each row: the file and the line."""
        return np.array([f"{self.path.stem}:{line}" for line in self.lines], dtype=np.str_)


def read(path: Path) -> Frame:
    """Read a CSV file (comma, semicolon or tab; UTF-8, UTF-16 or GB 18030) or a Parquet file.

    Raises:
        Problem: for what is no such file, is larger than the bounds, or has no rows.
    """
    if not path.is_file():
        raise Problem(mark("There is no file '{path}'; give a CSV or Parquet file."), path=path)
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise _too_large(path, mark("{count} MiB"), size // MIB, LARGEST // MIB)
        with path.open("rb") as file:
            frame = _parquet(path) if file.read(4) == b"PAR1" else _csv(path, path.read_bytes())
    except OSError as error:
        told = mark("'{path}' cannot be read ({error}); give a CSV or Parquet file.")
        raise Problem(told, path=path, error=error.strerror or _one_line(error)) from None
    if not len(frame):
        raise Problem(mark("'{path}' has no rows; give a CSV or Parquet file with a header and rows."), path=path)
    return frame


def as_numbers(column: Column, comma: bool = False) -> NDArray[np.float64]:
    """A column's values as numbers, NaN where one is missing or none; `comma`: "3,5" is a number."""
    if column.dtype == np.float64:
        return np.where(np.abs(column) < HUGE, column, np.nan)
    return np.array([_number(text, comma) for text in column], dtype=np.float64)


HUGE = 1e30
"""Numbers beyond this count as missing: squared they would not be finite."""


def _number(text: str, comma: bool) -> float:
    if text in MISSING or "_" in text:  # Python reads 1_000
        return float("nan")
    try:
        value = float(text.replace(",", ".") if comma else text)
    except ValueError:
        return float("nan")
    return value if abs(value) < HUGE else float("nan")


def missing(column: Column) -> NDArray[np.bool_]:
    """Where a column has no value."""
    if column.dtype == np.float64:
        return np.isnan(column)
    return np.array([text in MISSING for text in column], dtype=bool)


# -- CSV ----------------------------------------------------------------------------------------------


def _csv(path: Path, content: bytes) -> Frame:
    """Python's own reader, in its strict mode: it knows the line of every row, those it cannot read included."""
    text, remarks = _decoded(path, content)
    delimiter = _delimiter(text)
    records = _records(text, delimiter)
    header = next((values for _line, values, _why in records if values), None)
    if header is None:
        raise Problem(mark("'{path}' has no header; its first line must name the columns."), path=path)
    kept = _names(path, [name.strip() for name in header])
    lines: list[int] = []
    rows: list[list[str]] = []
    unreadable: list[tuple[str, str]] = []
    for line, values, why in records:
        if values and len(values) != len(header):
            told = _("{found} values, but the header names {wanted} columns")
            values, why = [], told.format(found=len(values), wanted=len(header))
        if values:
            lines.append(line)
            rows.append(values)
        elif why:
            unreadable.append((_("line {number}").format(number=line), why))
        _bounded(path, len(rows), len(header), len(unreadable))
    columns = {name: _texts([row[place] for row in rows]) for name, place in kept.items()}
    return Frame(path, columns, np.array(lines, dtype=np.int64), delimiter == ";", unreadable, remarks)


def _decoded(path: Path, content: bytes) -> tuple[str, list[Problem]]:
    """The text of a file, by its byte-order mark, else as UTF-8, else as GB 18030 (with a remark)."""
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        told = mark("'{path}' is not UTF-8 and was read as GB 18030; if its text looks wrong, save it as UTF-8.")
        return text, [Problem(told, path=path)] if encoding == "gb18030" else []
    told = mark("'{path}' is no text in UTF-8, UTF-16 or GB 18030, nor a Parquet file; save it as CSV in UTF-8.")
    raise Problem(told, path=path)


def _delimiter(text: str) -> str:
    """The one of the delimiters that the header has most often outside quotation marks."""
    header = next((line for line in io.StringIO(text) if line.strip()), "")
    bare = "".join(header.split('"')[::2])
    return max(DELIMITERS, key=bare.count)


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str], str]]:
    """Each record with the line that it begins at; no values and the reason where it cannot be read, or it is blank."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        first = reader.line_num + 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield first, [], _one_line(error)
            continue
        yield first, values if any(map(str.strip, values)) else [], ""


def _names(path: Path, header: list[str]) -> dict[str, int]:
    """The place of each named column; a column without a name (an index that was saved with the table) is left out."""
    named = {name: place for place, name in enumerate(header) if name}
    if len(named) < len([name for name in header if name]):
        twice = next(name for place, name in enumerate(header) if name and named[name] != place)
        raise Problem(mark("'{path}' has two columns named '{name}'; rename one."), path=path, name=twice)
    return named


def _texts(values: list[str]) -> Column:
    column = np.empty(len(values), dtype=object)
    column[:] = [value.strip() for value in values]
    return column


# -- Parquet ------------------------------------------------------------------------------------------


def _parquet(path: Path) -> Frame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, memory_map=False, read_dictionary=_text_columns(path)) as file:
            facts = file.metadata
            _bounded(path, facts.num_rows, facts.num_columns, 0)
            unpacked = sum(facts.row_group(i).total_byte_size for i in range(facts.num_row_groups))
            if unpacked > LARGEST:
                raise _too_large(path, mark("{count} MiB"), unpacked // MIB, LARGEST // MIB)
            names = [name.strip() for name in file.schema_arrow.names]
            if len(set(names)) < len(names):
                twice = next(name for name in names if names.count(name) > 1)
                raise Problem(mark("'{path}' has two columns named '{name}'; rename one."), path=path, name=twice)
            table = file.read(use_threads=False, use_pandas_metadata=False)
            table.validate(full=True)
            columns = {name: _values(path, name, table.column(i)) for i, name in enumerate(names) if name}
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        if isinstance(error, Problem):
            raise
        told = mark("'{path}' is no whole Parquet file ({error}); write it again.")
        raise Problem(told, path=path, error=_one_line(error)) from None
    return Frame(path, columns, np.arange(1, table.num_rows + 1))


def _text_columns(path: Path) -> list[str]:
    """The columns of text: read as dictionaries, so that a long text that a million rows share stays one."""
    import pyarrow.parquet as pq

    schema = pq.read_schema(path, memory_map=False)
    return [field.name for field in schema if str(field.type) in ("string", "large_string")]


def _values(path: Path, name: str, column: Any) -> Column:
    """Numbers as float64, dates and text as str."""
    import pyarrow as pa

    types, kind = pa.types, column.type
    if types.is_dictionary(kind):
        parts = [_of_dictionary(chunk, _values(path, name, chunk.dictionary)) for chunk in column.chunks]
        return np.concatenate(parts) if parts else _texts([])
    if types.is_boolean(kind):
        column, kind = column.cast(pa.int8()), pa.int8()
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return np.array(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)
    if types.is_string(kind) or types.is_large_string(kind) or types.is_temporal(kind) or types.is_null(kind):
        return _texts([value or "" for value in column.cast(pa.large_string()).to_pylist()])
    told = mark("The column '{name}' of '{path}' holds {type}, neither numbers nor text; leave it out.")
    raise Problem(told, name=name, path=path, type=kind)


def _of_dictionary(chunk: Any, values: Column) -> Column:
    """The values of a dictionary's chunk; missing ones as in a column without a dictionary."""
    known = np.append(values, np.nan) if values.dtype == np.float64 else _texts([*values, ""])
    return known[np.asarray(chunk.indices.fill_null(len(values)))]


# -- bounds -------------------------------------------------------------------------------------------


def _bounded(path: Path, rows: int, columns: int, unreadable: int) -> None:
    """Refuse a file as soon as it is known to be larger than the bounds."""
    if rows > ROWS:
        raise _too_large(path, mark("{count} rows"), rows, ROWS)
    if columns > COLUMNS:
        raise _too_large(path, mark("{count} columns"), columns, COLUMNS)
    if rows * columns > CELLS:
        raise _too_large(path, mark("{count} values"), rows * columns, CELLS)
    if unreadable > LISTED:
        told = mark("'{path}' has more than {count} rows that cannot be read; write it again as CSV.")
        raise Problem(told, path=path, count=LISTED)


def _too_large(path: Path, what: str, found: int, most: int) -> Problem:
    return Problem(
        mark("'{path}' has {found}, more than {most}; give a smaller part of it."),
        path=path,
        found=_(what).format(count=f"{found:,}"),
        most=f"{most:,}",
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
