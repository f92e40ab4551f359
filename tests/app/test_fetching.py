"""The button that fetches: what it tells, what it asks for, and what a person sees of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dtml import paths
from dtml.errors import Problem
from dtml.runs.fetching import KIND
from dtml.runs.store import Store
from dtml.tasks._published import MNIST, USPS
from tests.app.test_pages import open_page, words


@pytest.fixture(autouse=True)
def _data(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DTML_DATA", raising=False)


def choose(app: AppTest, label: str, value: str) -> AppTest:
    next(box for box in app.selectbox if box.label == label).set_value(value).run()
    assert not app.exception
    return app


def fetch_buttons(app: AppTest) -> list[str]:
    return [button.label for button in app.button if button.label.startswith("Fetch")]


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label.startswith(label)).click().run()
    assert not app.exception


def test_the_button_tells_size_and_terms_and_asks_the_worker(home: Path) -> None:
    app = choose(open_page("launch"), "Task", "mnist_usps")
    assert fetch_buttons(app) == ["Fetch the data (20 MB)"]
    assert "MNIST: Commonly distributed under CC BY-SA 3.0." in words(app)
    assert "USPS: No licence is stated; used for research." in words(app)
    press(app, "Fetch the data")
    assert fetch_buttons(app) == [], "it is on its way"
    job = Store().claim_job(KIND)
    assert job is not None
    assert job.spec == {
        "kind": "task", "name": "mnist_usps", "params": {"direction": "mnist_to_usps", "protocol": "P2"},
    }  # fmt: skip
    Store().end_job(job.key, Problem("The link is broken; try later."))
    again = choose(open_page("launch"), "Task", "mnist_usps")
    assert any("The link is broken; try later." in error.value for error in again.error)
    press(again, "Fetch the data")
    assert Store().job(job.key).state == "queued"


def test_the_button_goes_when_the_data_is_here(home: Path) -> None:
    for file in (*MNIST.parts["mnist"], *USPS.parts["usps"]):
        path = paths.downloads() / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    app = choose(open_page("launch"), "Task", "mnist_usps")
    assert fetch_buttons(app) == []
    assert "Its data is on disk." in words(app)


def test_what_cannot_be_fetched_comes_with_instructions(home: Path) -> None:
    app = choose(open_page("launch"), "Task", "office31")
    assert [label for label in fetch_buttons(app) if "data" in label] == []
    told = [info.value for info in app.info]
    assert any("Office-31 is not on disk (office31/amazon.zip, office31/webcam.zip)" in each for each in told)


def test_weights_are_offered_where_a_run_starts_from_them(home: Path) -> None:
    app = choose(open_page("launch"), "Task", "office31")
    assert next(box for box in app.selectbox if box.label == "Backbone").value == "squeezenet1_1"
    assert fetch_buttons(app) == ["Fetch the learned weights (5 MB)"]
    press(app, "Fetch the learned weights")
    job = Store().claim_job(KIND)
    assert job is not None
    assert job.spec == {"kind": "backbone", "name": "squeezenet1_1", "params": {"weights": "imagenet"}}
    assert fetch_buttons(choose(app, "Strategy", "scratch")) == [], "scratch starts at random"


def test_data_and_weights_are_waited_for_at_once(home: Path) -> None:
    app = choose(open_page("launch"), "Task", "domainnet")
    press(app, "Fetch the data")
    press(app, "Fetch the learned weights")
    assert fetch_buttons(app) == []
    assert not app.error


def test_a_task_with_nothing_to_fetch_says_nothing(home: Path) -> None:
    app = open_page("launch")
    assert fetch_buttons(app) == []
    assert "on disk" not in words(app)
