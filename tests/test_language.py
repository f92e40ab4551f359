"""Every marked string has its Chinese, and the compiled catalogue is the one that is written."""

from __future__ import annotations

import ast
import string
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from dtml.errors import Problem
from dtml.language import LOCALE_DIR, Text, closest, mark, set_language
from tests.conftest import ROOT

PO = LOCALE_DIR / "zh_CN" / "LC_MESSAGES" / "dtml.po"


def marked() -> set[str]:
    """All strings that are marked in the sources."""
    found: set[str] = set()
    for folder in ("dtml", "app", "pages"):
        for _file, _line, message, _comments, _context in extract_from_dir(
            ROOT / folder, [("**.py", "python")], keywords={"_": None, "mark": None}
        ):
            found |= {message} if isinstance(message, str) else set(message)
    return found - {""}


def written() -> Catalog:
    with PO.open("rb") as file:
        return read_po(file, locale="zh_CN")


@pytest.fixture(autouse=True)
def _english_again() -> object:
    yield
    set_language("en")


def test_every_marked_string_has_its_chinese() -> None:
    known = {message.id for message in written() if message.id and message.string and not message.fuzzy}
    assert sorted(marked() - known) == []


def test_no_marked_string_hides_in_an_f_string() -> None:
    """The extraction does not look into f-strings."""
    hidden = []
    for folder in ("dtml", "app", "pages"):
        for path in (ROOT / folder).rglob("*.py"):
            outer = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.JoinedStr)]
            inner = [node for joined in outer for node in ast.walk(joined) if isinstance(node, ast.Call)]
            hidden += [path.name for call in inner if isinstance(call.func, ast.Name) and call.func.id in ("_", "mark")]
    assert hidden == []


def test_nothing_is_translated_that_is_not_there_any_more() -> None:
    assert sorted({message.id for message in written() if message.id} - marked()) == []


def test_the_compiled_catalogue_is_that_of_the_written_one() -> None:
    compiled = BytesIO()
    write_mo(compiled, written())
    assert PO.with_suffix(".mo").read_bytes() == compiled.getvalue(), "run `uv run python -m tests.translations`"


def test_a_translation_has_the_fields_of_its_original() -> None:
    def fields(text: str) -> set[str]:
        return {name for _text, name, _format, _conversion in string.Formatter().parse(text) if name}

    wrong = [m.id for m in written() if m.id and fields(str(m.id)) != fields(str(m.string))]
    assert wrong == []


def test_an_error_is_told_in_the_reader_s_language() -> None:
    problem = Problem(mark("There is no run '{id}'; `dtml runs` lists those there are."), id="x")
    english = str(problem)
    set_language("zh-CN")
    assert str(Problem.from_json(problem.to_json())) != english
    assert "x" in str(problem)


def test_a_text_carries_both_languages() -> None:
    text = Text("Two moons", "双月")
    assert str(text) == "Two moons"
    set_language("zh_CN")
    assert str(text) == "双月"


@pytest.mark.parametrize(
    ("name", "supported"), [("zh-CN", "zh_CN"), ("zh_Hans", "zh_CN"), ("en_GB.UTF-8", "en"), (None, "en"), ("fr", "en")]
)
def test_nearest_supported_language(name: str | None, supported: str) -> None:
    assert closest(name) == supported


def test_the_catalogue_is_shipped() -> None:
    assert Path(PO).with_suffix(".mo").exists()
