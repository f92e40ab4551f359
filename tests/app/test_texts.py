"""A text task on the pages: its form, its texts among the samples, and a target whose labels nobody knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app import selection, thumbnails
from dtml import Experiment
from dtml.runs.foreground import train_all
from dtml.runs.pictures import compute_picture, last_state, picture_spec
from dtml.runs.records import Run
from dtml.runs.store import Store
from tests.app.test_pages import PAGES, open_page, words
from tests.conftest import QUICK, ROOT
from tests.tasks.test_tables import rows
from tests.tasks.test_texts import texts


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Run]]:
    """A home with an adapted run on texts, its references and their picture; the target has no labels."""
    patch, folder = pytest.MonkeyPatch(), tmp_path_factory.mktemp("texts")
    patch.setenv("DTML_HOME", str(tmp_path_factory.mktemp("home")))
    texts(60, 0, "<i>book</i>").to_csv(folder / "books.csv", index=False)
    texts(60, 1, "film").drop(columns="label").to_csv(folder / "films.csv", index=False)
    experiment = Experiment(
        task={"name": "texts", "source": str(folder / "books.csv"), "target": str(folder / "films.csv")},
        backbone={"name": "ngrams", "size": 8, "width": 8},
        alignment="dann",
        training=QUICK,
    )
    runs = train_all(Store(), experiment, ["twin", "source_only"], lambda _run, _event: None)
    assert [run.state for run in runs.values()] == ["finished"] * 3
    states = [last_state(runs["twin"].id), last_state(runs["adapted"].id)]
    for method in ("umap", "pca"):
        compute_picture(picture_spec(states, method))
    yield dict(runs)
    patch.undo()


@pytest.mark.parametrize("page", PAGES)
def test_pages_open_though_the_target_s_accuracy_is_not_known(trained: dict[str, Run], page: str) -> None:
    app = open_page(page, run=trained["adapted"].id)
    assert not app.error
    assert "nan" not in words(app)


def test_the_result_says_that_the_target_s_accuracy_is_not_known(trained: dict[str, Run]) -> None:
    app = open_page("runs", run=trained["adapted"].id)
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["adapted"] == "not known"
    assert "has no labels, so the accuracy on it will not be known" in words(app)


def cards(app: AppTest) -> list[str]:
    """The HTML of the listed samples."""
    return [block.proto.body for block in app.get("html") if block.proto.body.startswith('<div class="dtml-sample')]


def test_selected_texts_and_their_neighbours_are_shown_escaped(trained: dict[str, Run]) -> None:
    run = trained["adapted"]
    app = AppTest.from_file(str(ROOT / "app" / "ui.py"), default_timeout=60)
    app.session_state["method"] = "pca"
    app.session_state[selection.KEY] = {run.id: [0]}
    app.run()
    app.switch_page("../pages/embeddings.py")
    app.query_params["run"] = run.id
    app.run()
    (card,) = cards(app)
    assert card.startswith('<div class="dtml-sample texts" data-row="0">')
    assert card.count("<q title=") == 1 + 2 * 6
    assert "This &lt;i&gt;book&lt;/i&gt; was" in card
    assert "<i>" not in card


def test_rows_of_a_table_are_shown_by_their_columns(tmp_path: Path, home: Path) -> None:
    for seed, name in enumerate(("a.csv", "b.csv")):
        rows(60, seed).to_csv(tmp_path / name, index=False)
    task = {"name": "tables", "source": str(tmp_path / "a.csv"), "target": str(tmp_path / "b.csv")}
    (run,) = train_all(Store(), Experiment(task=task, training=QUICK), [], lambda _run, _event: None).values()
    shown = thumbnails.inputs(run.id)
    assert thumbnails.are_texts(shown)
    assert shown[0].decode().startswith("age = ")


def test_a_long_text_is_cut_and_whole_in_its_tooltip() -> None:
    text = "wörd \n" * 100
    told = thumbnails.picture(np.array([text.encode()])[0], "a", 40)
    whole, shown = told.removeprefix('<q title="').removesuffix("</q>").split('">')
    assert whole == text.rstrip("\0")
    assert len(shown) < 170
    assert shown.endswith("wörd …")
    assert thumbnails.values(np.array([b"short"])).tolist() == ["short"]


def test_a_text_task_can_be_put_together(home: object) -> None:
    app = open_page("launch")
    app.selectbox(key=next(box.key for box in app.selectbox if box.key.endswith(":task"))).select("reviews").run()
    assert not app.exception
    boxes = {box.key.rsplit(":", 1)[-1]: box for box in app.selectbox}
    assert "ngrams" in boxes["backbone"].options or "Hashed n-grams" in boxes["backbone"].options
    assert "lenet" not in boxes["backbone"].options
    assert not app.error
