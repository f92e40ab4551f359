"""The table over the whole catalogue."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtml import Experiment, catalogue
from dtml.comparison import Interval
from dtml.errors import Problem
from dtml.runs.methods import KINDS, Row, as_markdown, experiments, held_against, row
from dtml.runs.store import Store
from tests.conftest import QUICK


def test_every_method_has_a_row_with_everything_else_at_its_default() -> None:
    named = [(kind, name) for kind, name, _experiment in experiments("digits")[0]]
    for kind in KINDS:
        plain = {"strategy": "full_training"}.get(kind, "none")
        assert [n for k, n in named if k == kind] == [n for n in catalogue.names(kind) if n != plain]
    assert len({experiment.training for *_named, experiment in experiments("digits")[0]}) == 1, "one budget"


def test_a_method_is_held_against_the_same_without_it() -> None:
    for kind, _name, experiment in experiments("digits")[0]:
        references = held_against(experiment, kind)
        assert set(references) == {"twin", "source_only", "target_only"}
        assert references["twin"].labels == experiment.labels
        assert references["twin"].hash != experiment.hash
        assert references["source_only"].domains == "source"


def test_what_does_not_fit_a_task_is_left_out_and_told() -> None:
    found, unfit = experiments("moons")
    assert {"adabn", "tent", "pixel_gan", "rotation_pretraining"} == set(unfit)
    assert "acts on batch normalisation" in str(unfit["adabn"])
    assert ("alignment", "dann") in [each[:2] for each in found]
    assert experiments("moons", ["metric"])[1] == {}
    with pytest.raises(Problem, match="mooons"):
        experiments("mooons")


def test_a_row_is_trained_once_and_found_again(home: Path) -> None:
    experiment = Experiment(task={"name": "moons", "samples": 200}, alignment="coral", training=QUICK)
    store, trained = Store(), []
    first = row(store, "alignment", "coral", experiment, [0, 1], lambda run, _event: trained.append(run.id))
    assert len(set(trained)) == 8, "two seeds, the method and three references"
    trained.clear()
    assert row(store, "alignment", "coral", experiment, [0, 1], lambda run, _event: trained.append(run.id)) == first
    assert not trained


def test_a_method_that_loses_to_source_only_is_marked() -> None:
    experiment = Experiment(task="digits", alignment="coral")
    a, b = Interval(0.7, 0.01), Interval(0.75, 0.01)
    loses = Row(
        "alignment", "coral", experiment, a, b, b, b, Interval(-0.05, 0.02), Interval(-0.05, 0.02), 0.7, 0.6, -0.1, 9.6
    )
    table = as_markdown([loses], [0, 1], {"tent": Problem("It does not fit.")})
    assert "| `coral` | 0 | 70.0 ± 1.0 **↓** | 75.0 ± 1.0 | -5.0 ± 2.0 |" in table
    assert "-10 %" in table
    assert "- `tent`: It does not fit." in table
    assert "1000 steps of 64 samples a domain" in table
