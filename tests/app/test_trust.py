"""A picture at once, the true one when it is there, and how far it can be trusted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app import data
from dtml import Experiment
from dtml.errors import Problem
from dtml.projection.layout import lay_out
from dtml.projection.pca import PCA
from dtml.projection.trust import Quality
from dtml.runs import pictures
from dtml.runs.foreground import train_all
from dtml.runs.pictures import (
    compute_picture,
    compute_quality,
    last_state,
    picture_file,
    picture_key,
    picture_spec,
    quality_file,
    quality_key,
    state_embeddings,
)
from dtml.runs.records import Run
from dtml.runs.store import Store
from tests.app.test_pages import open_page, words
from tests.conftest import QUICK


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Run]]:
    """A home with an adapted run and its twin."""
    patch = pytest.MonkeyPatch()
    patch.setenv("DTML_HOME", str(tmp_path_factory.mktemp("home")))
    experiment = Experiment(task={"name": "moons", "samples": 200}, alignment="dann", training=QUICK)
    yield dict(train_all(Store(), experiment, ["twin"], lambda _run, _event: None))
    patch.undo()


@pytest.fixture
def spec(runs: dict[str, Run]) -> Iterator[dict[str, object]]:
    """Its picture, which nobody has computed."""
    described = picture_spec([last_state(runs["twin"].id), last_state(runs["adapted"].id)])
    store = Store()
    yield described
    picture_file(described).unlink(missing_ok=True)
    quality_file(described).unlink(missing_ok=True)
    for key in (picture_key(described), quality_key(described)):
        if store.find_job(key):
            store.end_job(key)


def page(runs: dict[str, Run]) -> AppTest:
    return open_page("embeddings", run=runs["adapted"].id)


def test_principal_components_stand_in_until_the_picture_is_there(
    runs: dict[str, Run], spec: dict[str, object]
) -> None:
    app = page(runs)
    assert app.get("plotly_chart"), "something is drawn at once"
    assert "principal components" in words(app)
    assert "The figures follow the picture." in words(app)
    assert Store().job(picture_key(spec)).state == "queued"
    expected = lay_out(state_embeddings(spec), PCA(), "aligned", 0)
    assert all(np.array_equal(a, b) for a, b in zip(data.principal_components(spec), expected, strict=True))


def test_a_failed_picture_can_be_tried_again(runs: dict[str, Run], spec: dict[str, object]) -> None:
    store = Store()
    pictures.ask_for_picture(store, spec)
    store.end_job(picture_key(spec), Problem("It broke; mend it."))
    app = page(runs)
    assert [error.value for error in app.error] == ["It broke; mend it."]
    app.button(key=f"again-{picture_key(spec)}").click().run()
    assert not app.error
    assert store.job(picture_key(spec)).state == "queued"


def test_the_figures_are_asked_for_once_the_picture_is_there(runs: dict[str, Run], spec: dict[str, object]) -> None:
    compute_picture(spec)
    app = page(runs)
    assert "Trust this picture?" in words(app)
    assert "principal components" not in words(app)
    assert Store().job(quality_key(spec)).state == "queued"


def test_the_figures_stand_under_their_states(runs: dict[str, Run], spec: dict[str, object]) -> None:
    compute_picture(spec)
    compute_quality(spec)
    app = page(runs)
    found = pictures.read_quality(spec) or []
    told = words(app)
    for quality in found:
        assert f"{quality.trustworthiness:.2f} :" in told
        assert f"{quality.recall:.2f} :" in told
        assert f"{100 * (quality.apart or 0):.0f} % in the embeddings" in told
    assert "Measured on" not in told


def judged(monkeypatch: pytest.MonkeyPatch, spec: dict[str, object], *changes: dict[str, object]) -> None:
    """The page finds these figures."""
    compute_picture(spec)
    nothing = np.full(3, np.nan, dtype=np.float32)
    usual = Quality(0.97, 0.9, 0.1, None, 0.6, 0.6, 10, 10, nothing, nothing, nothing)
    monkeypatch.setattr("app.trust.read_quality", lambda _spec: [replace(usual, **change) for change in changes])


def test_good_fair_and_poor(runs: dict[str, Run], spec: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    judged(monkeypatch, spec, {}, {})
    app = page(runs)
    told = words(app)
    assert "0.97 :green-badge[good]" in told
    assert "0.90 :orange-badge[fair]" in told
    assert "0.10 :red-badge[poor]" in told
    assert not [warning for warning in app.warning if "Believe the numbers" in warning.value]


def test_where_picture_and_numbers_disagree_it_says_so(
    runs: dict[str, Run], spec: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    mixed, apart = {"apart": 0.9, "apart_drawn": 0.52}, {"apart": 0.55, "apart_drawn": 0.8, "looked_at": 7}
    judged(monkeypatch, spec, mixed, apart | {"samples": 10})
    first, second = [warning.value for warning in page(runs).warning if "Believe the numbers" in warning.value]
    assert "“Before" in first
    assert "looks more mixed than it is" in first
    assert "90 %" in first
    assert "“After" in second
    assert "looks more separated than it is" in second


def test_a_part_of_the_samples_is_told(
    runs: dict[str, Run], spec: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    judged(monkeypatch, spec, *[{"looked_at": 6000, "samples": 100_000}] * 2)
    assert "Measured on 6,000 of 100,000 samples" in words(page(runs))
