"""Every string that a person sees, in that person's language.

Messages are marked with `_` (translated on the spot) or `mark` (translated when shown) and kept in
`locale/<language>/LC_MESSAGES/dtml.po`. The language is a context variable, so that two people of one
server can read two languages.
"""

from __future__ import annotations

import gettext
import locale
import os
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import NamedTuple

LANGUAGES = {"en": "English", "zh_CN": "简体中文"}
LOCALE_DIR = Path(__file__).parent / "locale"

_current: ContextVar[str | None] = ContextVar("language", default=None)


class Text(NamedTuple):
    """A short text that carries its own Chinese, so that one file is enough to add a method."""

    en: str
    zh: str

    def __str__(self) -> str:
        return self.zh if language() == "zh_CN" else _(self.en)


def mark(message: str) -> str:
    """Mark a message for extraction; it is translated where it is shown."""
    return message


def _(message: str) -> str:
    """The message in the current language, or itself where there is no translation."""
    return _catalogue(language()).gettext(message) if message else ""


def language() -> str:
    """The current language: set for this context, else `DTML_LANG`, else the system's, else English."""
    return _current.get() or _default()


def set_language(name: str) -> None:
    """Use the language `name` (a key of `LANGUAGES`) in this context."""
    _current.set(closest(name))


def closest(name: str | None) -> str:
    """The supported language for a locale name such as `zh-CN`, `zh_Hans` or `en_GB.UTF-8`."""
    return "zh_CN" if (name or "").lower().startswith("zh") else "en"


@cache
def _default() -> str:
    return closest(os.environ.get("DTML_LANG") or os.environ.get("LC_ALL") or locale.getlocale()[0])


@cache
def _catalogue(name: str) -> gettext.NullTranslations:
    return gettext.translation("dtml", LOCALE_DIR, languages=[name], fallback=True)
