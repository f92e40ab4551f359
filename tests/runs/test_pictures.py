"""Pictures and their quality, asked for, computed once and read again."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from dtml import Experiment
from dtml.runs import pictures
from dtml.runs.foreground import train_all
from dtml.runs.pictures import (
    ask_for_picture,
    ask_for_quality,
    compute_picture,
    compute_quality,
    last_state,
    picture_spec,
    quality_file,
    quality_key,
    read_picture,
    read_quality,
)
from dtml.runs.store import Store
from dtml.runs.worker import judge_next, project_next
from tests.conftest import QUICK

Spec = dict[str, object]


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spec]:
    """The before/after picture of a small run in a home of its own, not computed yet."""
    patch = pytest.MonkeyPatch()
    patch.setenv("DTML_HOME", str(tmp_path_factory.mktemp("home")))
    experiment = Experiment(task={"name": "moons", "samples": 200}, alignment="dann", training=QUICK)
    runs = train_all(Store(), experiment, ["twin"], lambda _run, _event: None)
    yield picture_spec([last_state(runs["twin"].id), last_state(runs["adapted"].id)])
    patch.undo()


def test_the_figures_are_a_job_after_the_picture(spec: Spec) -> None:
    store = Store()
    while project_next(store):
        pass
    ask_for_quality(store, spec)
    ask_for_picture(store, picture_spec([tuple(state) for state in spec["states"]], "pca"))
    assert project_next(store)
    assert not project_next(store)
    assert read_quality(spec) is None
    assert judge_next(store)
    assert read_quality(spec) is not None
    assert not judge_next(store)
    assert store.job(quality_key(spec)).state == "finished"


def test_quality_is_read_as_it_was_measured(spec: Spec) -> None:
    compute_quality(spec)
    before, after = read_quality(spec) or []
    count = len((read_picture(spec) or [])[0])
    for found in (before, after):
        assert 0.5 < found.trustworthiness <= 1
        assert 0.5 < found.continuity <= 1
        assert 0 < (found.stability or 0) <= 1
        assert 0 <= (found.apart or 0) <= 1
        assert (found.looked_at, found.samples) == (count, count)
        for array in (found.distrust, found.domain_probability):
            assert array.shape == (count,)
            assert array.dtype == np.float32
            assert 0 <= array.min() <= array.max() <= 1
    assert np.isnan(before.kept).all()
    assert 0 < after.kept.mean() <= 1
    assert quality_file(spec).stat().st_size < 12 * count + 4000


def test_of_too_many_samples_the_rest_is_not_drawn(spec: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOST", 30)
    shown = picture_spec([tuple(state) for state in spec["states"]], "umap", params={"neighbours": 5})
    compute_picture(shown)
    first, second = read_picture(shown) or []
    drawn = np.isfinite(first).all(1)
    assert drawn.sum() == 30 < len(first)
    assert np.array_equal(drawn, np.isfinite(second).all(1))
    compute_quality(shown)
    found = (read_quality(shown) or [])[0]
    assert (found.looked_at, found.samples) == (30, len(first))
    assert np.array_equal(np.isfinite(found.distrust), drawn)


def test_a_picture_that_cannot_be_drawn_has_a_reason(spec: Spec) -> None:
    store = Store()
    lost = picture_spec([("nothing", 5)])
    for ask, do, reason in (
        (ask_for_picture, project_next, "The projection failed"),
        (ask_for_quality, judge_next, "The measures failed"),
    ):
        job = ask(store, lost)
        assert do(store)
        told = store.job(job.key)
        assert told.state == "failed"
        assert reason in str(told.error)


def test_whatever_breaks_ends_the_job(spec: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job without an end would be taken up again for ever."""

    def breaks(_spec: Spec, _report: object) -> None:
        raise ZeroDivisionError("odd")

    monkeypatch.setattr(pictures, "compute_quality", breaks)
    store = Store()
    key = ask_for_quality(store, picture_spec([tuple(spec["states"][0])], "pca")).key
    assert judge_next(store)
    assert "odd" in str(store.job(key).error)
