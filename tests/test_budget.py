"""Label budgets: what is one, how many samples it is, and how it is written."""

from __future__ import annotations

import hashlib
import json

import pytest

from dtml import Experiment
from dtml.budget import Budget, count, parse, parse_list, told
from dtml.errors import Problem
from tests.conftest import QUICK


@pytest.mark.parametrize(
    ("budget", "there", "expected"),
    [
        (0, 10, 0), (3, 10, 3), (30, 10, 10), ("all", 10, 10), ("all", 0, 0),
        (0.2, 10, 2), (0.25, 10, 3), (0.01, 10, 1), (0.99, 10, 10), (0.5, 0, 0), (0.5, 1, 1),
    ],
)  # fmt: skip
def test_counts_by_hand(budget: Budget, there: int, expected: int) -> None:
    """A quarter of ten is 2.5, rounded up; a share gives one at least, but never more than there are."""
    assert count(budget, there) == expected


@pytest.mark.parametrize(
    ("text", "budget"), [("0", 0), (" 5 ", 5), ("0.2", 0.2), (".5", 0.5), ("20%", 0.2), ("all", "all")]
)
def test_what_a_person_types(text: str, budget: Budget) -> None:
    assert parse(text) == budget
    assert type(parse(text)) is type(budget)


@pytest.mark.parametrize("text", ["", "some", "-1", "1.5", "1.0", "0.0", "100%", "0%", "nan", "inf", "1e400", "²"])
def test_what_is_no_budget_is_one_sentence(text: str) -> None:
    with pytest.raises(Problem, match="is no label budget; write 0, samples a class such as 5") as caught:
        parse(text)
    assert "\n" not in str(caught.value)


def test_a_list_is_sorted_and_has_each_once() -> None:
    assert parse_list("all, 0.2,5,0,5,0.05,20%") == [0, 5, 0.05, 0.2, "all"]
    with pytest.raises(Problem, match="'' is no label budget"):
        parse_list("0,,5")


def test_budgets_are_said() -> None:
    assert [told(budget) for budget in (0, 5, 0.125, "all")] == ["none", "5 a class", "12.5 % of each class", "all"]


@pytest.mark.parametrize("labels", [0, 5, 0.2, "all"])
def test_an_experiment_keeps_its_budget(labels: Budget, tmp_path: object) -> None:
    experiment = Experiment(task="moons", training=QUICK, labels=labels)
    assert experiment.labels == labels
    assert Experiment.stored(experiment.to_json()) == experiment
    assert Experiment.stored(experiment.to_json()).hash == experiment.hash
    assert f'"labels": {json.dumps(labels)}' in experiment.to_json()


def test_budgets_in_samples_keep_the_hash_that_they_had() -> None:
    """As it was computed when budgets were whole numbers alone."""
    experiment = Experiment(task="moons", alignment="dann", labels=5)
    assert '"labels": 5' in experiment.to_json()
    content = experiment.model_dump(exclude={"title"})
    del content["training"]["more"]
    assert experiment.hash == hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
    assert len({experiment.replace(labels=labels).hash for labels in (0, 1, 5, 0.5, "all")}) == 5


@pytest.mark.parametrize("labels", [-1, 1.0, 1.5, 0.0, True, "5", "many", [5], float("nan")])
def test_an_experiment_refuses_what_is_none(labels: object) -> None:
    with pytest.raises(Problem, match='must be 0, samples a class .5., a share .* or "all"; change it') as caught:
        Experiment(task="moons", labels=labels)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("labels", [0.5, "all"])
def test_no_budget_where_it_would_do_nothing(labels: Budget) -> None:
    with pytest.raises(Problem, match="would do nothing where 'domains' is 'target'"):
        Experiment(task="moons", domains="target", labels=labels)
    with pytest.raises(Problem, match="'shot' sees no labels of the target"):
        Experiment(task="moons", strategy="shot", labels=labels)
    references = Experiment(task="moons", alignment="dann", labels=labels).references()
    assert (references["twin"].labels, references["source_only"].labels) == (labels, 0)
