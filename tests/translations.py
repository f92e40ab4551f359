"""Bring the translations up to date: `uv run python -m tests.translations`.

New strings are added to the .po file with an empty translation, gone ones removed, the .mo compiled; what
still needs its Chinese is listed.
"""

from __future__ import annotations

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import write_po

from tests.test_language import PO, marked, written


def main() -> None:
    known = {message.id: message.string for message in written() if message.id} if PO.exists() else {}
    catalogue = Catalog(locale="zh_CN", project="dtml", fuzzy=False)
    for message in sorted(marked()):
        catalogue.add(message, known.get(message, ""))
    PO.parent.mkdir(parents=True, exist_ok=True)
    with PO.open("wb") as file:
        write_po(file, catalogue, omit_header=False, width=0)
    with PO.with_suffix(".mo").open("wb") as file:
        write_mo(file, written())
    for message in sorted(marked()):
        if not known.get(message):
            print(f"no translation yet: {message!r}")


if __name__ == "__main__":
    main()
