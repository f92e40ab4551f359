"""What is looked at before training: it survives being written, and names the relation of the classes."""

from __future__ import annotations

import pytest

from dtml.errors import Problem
from dtml.inspection import Example, Inspection, Side


def between(source: set[str], target: set[str]) -> Inspection:
    return Inspection(Side("a", dict.fromkeys(source, 2)), Side("b", dict.fromkeys(target, 3)))


@pytest.mark.parametrize(
    ("source", "target", "setting"),
    [
        ({"cat", "dog"}, {"cat", "dog"}, "closed"),
        ({"cat", "dog", "cow"}, {"cat", "dog"}, "partial"),
        ({"cat", "dog"}, {"cat", "dog", "cow"}, "open_set"),
        ({"cat", "dog"}, {"cat", "cow"}, "open_partial"),
        ({"cat", "dog"}, set(), "unknown"),
    ],
)
def test_the_relation_of_the_classes_is_named(source: set[str], target: set[str], setting: str) -> None:
    assert between(source, target).setting == setting


def test_classes_of_one_side_only_are_listed() -> None:
    seen = between({"cat", "dog"}, {"cat", "cow"})
    assert (seen.common, seen.only_source, seen.only_target) == (["cat"], ["dog"], ["cow"])
    assert between({"cat"}, set()).only_source == [], "without target labels nothing is known of its classes"


def test_it_is_read_as_it_was_written() -> None:
    side = Side("照片", {"cat": 2}, 1, [("Sizes", "3×4")], {"cat": [Example("cat/1.png", image="data:,")]})
    seen = Inspection(side, Side("b", {}, 4), [Problem("{n} twice", n=2)], [Problem("none")], [("x.png", "empty")])
    again = Inspection.from_json(seen.to_json())
    assert (again.source, again.target, again.unreadable) == (seen.source, seen.target, seen.unreadable)
    assert [str(problem) for problem in again.remarks + again.obstacles] == ["2 twice", "none"]
    assert again.source.samples == 3
