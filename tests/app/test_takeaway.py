"""What the pages offer to take away, and that each file is made as it is called."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pandas as pd
import pytest

from app.takeaway import maker
from dtml import Experiment
from dtml.export.files import Wanted
from dtml.export.jobs import export_next, onnx_key
from dtml.language import set_language
from dtml.runs.foreground import train_all
from dtml.runs.pictures import compute_picture, last_state, picture_spec
from dtml.runs.records import Run
from dtml.runs.store import Store
from tests.app.test_pages import open_page
from tests.conftest import QUICK


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    set_language("en")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Run]]:
    patch = pytest.MonkeyPatch()
    patch.setenv("DTML_HOME", str(tmp_path_factory.mktemp("home")))
    experiment = Experiment(task={"name": "moons", "samples": 200}, alignment="dann", training=QUICK)
    yield dict(train_all(Store(), experiment, ["twin"], lambda _run, _event: None))
    patch.undo()


def offered(name: str, run: Run) -> dict[str, str]:
    """The download buttons of a page: label by key."""
    buttons = open_page(name, run=run.id).get("download_button")
    return {button.proto.id.rpartition("-None-")[0] or button.proto.id: button.proto.label for button in buttons}


@pytest.mark.parametrize("page", ["runs", "embeddings"])
def test_a_finished_run_offers_every_format(trained: dict[str, Run], page: str) -> None:
    labels = sorted(offered(page, trained["adapted"]).values())
    assert labels == sorted(["HTML file", "CSV", "Parquet", "CSV", "Parquet", "safetensors", "TOML", "Python script"])


def test_an_unfinished_run_offers_nothing(trained: dict[str, Run]) -> None:
    waiting = Store().submit(trained["adapted"].experiment.replace(seed=5))
    assert offered("runs", waiting) == {}
    Store().cancel(waiting.id)


def test_the_picture_of_the_page_is_the_one_in_the_files(trained: dict[str, Run]) -> None:
    """Another snapshot than the last is chosen on the page."""
    run = trained["adapted"]
    spec = picture_spec([last_state(trained["twin"].id), (run.id, 10)], "pca")
    compute_picture(spec)
    make = maker(Store(), run, Wanted("csv", "samples"), spec)
    assert set(pd.read_csv(io.BytesIO(make()))["after_step"]) == {10}
    assert b"DANN (adversarial), step 10" in maker(Store(), run, Wanted("html"), spec)()


def test_a_file_speaks_the_language_of_its_page(trained: dict[str, Run]) -> None:
    set_language("zh_CN")
    make = maker(Store(), trained["adapted"], Wanted("html"), None)
    set_language("en")
    assert b'<html lang="zh-CN">' in make()


def test_the_onnx_file_is_made_by_the_worker_and_then_offered(trained: dict[str, Run]) -> None:
    run = trained["adapted"]
    page = open_page("runs", run=run.id)
    page.button(key=f"takeaway-make-onnx-{run.id}").click().run()
    assert not page.exception
    job = Store().find_job(onnx_key(run.id))
    assert job
    assert job.state == "queued"
    assert export_next(Store())
    labels = offered("runs", run).values()
    assert "ONNX" in labels


def test_a_failed_onnx_file_is_a_sentence_and_can_be_asked_for_again(
    trained: dict[str, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained["twin"]
    page = open_page("runs", run=run.id)
    page.button(key=f"takeaway-make-onnx-{run.id}").click().run()
    monkeypatch.setattr("dtml.export.onnx.TOLERANCE", -1.0)
    assert export_next(Store())
    page = open_page("runs", run=run.id)
    assert any("differs from the model by" in error.value for error in page.error)
    page.button(key=f"takeaway-make-onnx-{run.id}").click().run()
    job = Store().find_job(onnx_key(run.id))
    assert job
    assert job.state == "queued"
