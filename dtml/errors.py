"""The errors a person can meet.

`Problem` is the one exception for what a person can mend: it says what was wrong, what was received and
what to do, in one sentence. It keeps its template and values apart, so that a page can show in its
reader's language what a worker met hours ago.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from typing import Any

from dtml.language import _


class Problem(ValueError):
    """Something a person can mend, told in one sentence.

    `template` is a marked message with `{name}` fields, `values` fills them.
    """

    def __init__(self, template: str, **values: Any) -> None:
        super().__init__(template)
        self.template = template
        self.values = {name: str(value) for name, value in values.items()}

    def __str__(self) -> str:
        return _(self.template).format(**self.values)

    def to_json(self) -> str:
        return json.dumps({"template": self.template, "values": self.values})

    @classmethod
    def from_json(cls, text: str) -> Problem:
        data = json.loads(text)
        return cls(data["template"], **data["values"])


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The one of `names` that looks most like `name`, or None where nothing does."""
    matches = difflib.get_close_matches(name, list(names), n=1, cutoff=0.4)
    return matches[0] if matches else None
