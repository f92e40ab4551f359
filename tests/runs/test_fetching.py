"""Downloads that were asked for on a page: one job, its own process, told in shares, resumed."""

from __future__ import annotations

import bz2
import hashlib
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dtml import catalogue, paths
from dtml.runs.fetching import KIND, ask_for_files, fetch_key, fetch_next, lacking, meter
from dtml.runs.store import Store
from dtml.runs.worker import _Worker
from dtml.tasks import Transfer
from dtml.tasks._published import MNIST, USPS
from dtml.tasks.datasets import File
from dtml.tasks.mnist_usps import MNISTUSPS
from tests.tasks.test_fetch import Server
from tests.tasks.test_fetch import server as server  # the fixture

PARAMS = {"direction": "mnist_to_usps", "protocol": "P2"}


@pytest.fixture(autouse=True)
def _data(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DTML_DATA", raising=False)


def digits(count: int) -> bytes:
    """USPS's text form: ten classes, black images."""
    pixels = " ".join(f"{number}:-1" for number in range(1, 257))
    return bz2.compress("".join(f"{n % 10 + 1} {pixels}\n" for n in range(count)).encode())


@pytest.fixture
def published(server: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Two files of USPS that our server publishes; MNIST is there already."""
    catalogue.entries()  # kept for the whole process: before our server stands in it
    content = {"/usps.bz2": digits(100), "/usps.t.bz2": digits(30)}
    files = tuple(
        File(f"usps{path}", (), (server + path,), f"md5:{hashlib.md5(each).hexdigest()}", len(each))
        for path, each in content.items()
    )
    for file in MNIST.parts["mnist"]:
        path = paths.downloads() / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.setattr(MNISTUSPS, "datasets", (MNIST, replace(USPS, parts={"usps": files})))
    monkeypatch.setattr(Server, "files", content)
    return content


def ended(store: Store, key: str) -> str:
    deadline = time.monotonic() + 60
    while (state := store.job(key).state) not in ("finished", "failed"):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)
    return state


def test_what_is_asked_for_arrives(published: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    store, told = Store(), list[float]()
    job = ask_for_files(store, "task", "mnist_usps", PARAMS)
    assert store.waits(KIND)
    plain = store.tell_job
    monkeypatch.setattr(Store, "tell_job", lambda _s, key, doing: (told.append(doing["share"]), plain(key, doing)))
    assert fetch_next(store)
    assert store.job(job.key).state == "finished"
    assert told == sorted(told)
    assert told[-1] == 1
    for path, content in published.items():
        assert (paths.downloads() / f"usps{path}").read_bytes() == content
    assert lacking("task", "mnist_usps", PARAMS) == []
    assert not fetch_next(store)
    assert not store.waits(KIND)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_the_worker_fetches_in_a_process_of_its_own(published: dict[str, bytes], home: Path) -> None:
    store, worker = Store(), _Worker(1, ())
    worker._start_gathering()
    assert worker._gatherer is None, "nothing waits"
    job = ask_for_files(store, "task", "mnist_usps", PARAMS)
    worker._start_gathering()
    child = worker._gatherer
    assert child is not None
    assert ended(store, job.key) == "finished"
    child.join(30)
    assert child.exitcode == 0, (home / "gathering.log").read_text()
    assert (paths.downloads() / "usps" / "usps.bz2").read_bytes() == published["/usps.bz2"]


def test_a_broken_link_fails_with_its_sentence_and_goes_on_when_asked_again(published: dict[str, bytes]) -> None:
    store, whole = Store(), published.pop("/usps.t.bz2")
    job = ask_for_files(store, "task", "mnist_usps", PARAMS)
    assert fetch_next(store)
    failed = store.job(job.key)
    assert failed.state == "failed"
    assert "'usps.t.bz2' could not be downloaded" in str(failed.error)
    assert [file["path"] for file in lacking("task", "mnist_usps", PARAMS)] == ["usps/usps.t.bz2"]
    published["/usps.t.bz2"] = whole
    (paths.downloads() / "usps" / "usps.t.bz2.part").write_bytes(whole[:100])
    Server.asked.clear()
    assert ask_for_files(store, "task", "mnist_usps", PARAMS).state == "queued"
    assert fetch_next(store)
    assert store.job(job.key).state == "finished"
    assert Server.asked == ["/usps.t.bz2 bytes=100-"]


def test_what_was_taken_away_is_fetched_again(published: dict[str, bytes]) -> None:
    store = Store()
    for _round in range(2):
        job = ask_for_files(store, "task", "mnist_usps", PARAMS)
        assert job.state == "queued"
        assert ask_for_files(store, "task", "mnist_usps", PARAMS).key == job.key
        assert fetch_next(store)
        (paths.downloads() / "usps" / "usps.bz2").unlink()


def test_what_is_read_depends_on_the_parameters() -> None:
    needed = [file["path"] for file in lacking("task", "office31", {"source": "dslr", "target": "webcam"})]
    assert needed == ["office31/dslr.zip", "office31/webcam.zip"]
    assert fetch_key("task", "office31", {"source": "dslr"}) != fetch_key("task", "office31", {"source": "amazon"})
    assert lacking("task", "digits", {}) == lacking("task", "moons", {}) == []


def test_published_weights_are_told_without_torch(home: Path) -> None:
    (file,) = lacking("backbone", "squeezenet1_1", {"weights": "imagenet"})
    assert file["path"] == "weights/squeezenet1_1-b8a52dc0.pth"
    assert 4_000_000 < file["size"] < 6_000_000
    assert lacking("backbone", "squeezenet1_1", {"weights": "mine.pth"}) == []
    assert lacking("backbone", "lenet", {}) == []
    own = catalogue.create("backbone", "squeezenet1_1")
    path = paths.downloads() / file["path"]
    assert own._published().name == path.name, "what the backbone itself looks for"
    path.parent.mkdir(parents=True)
    path.touch()
    assert own._published().path == path
    assert lacking("backbone", "squeezenet1_1", {"weights": "imagenet"}) == []


def test_shares_are_weighed_by_size_by_hand() -> None:
    files: list[dict[str, Any]] = [{"path": "a/small", "size": 100}, {"path": "a/large", "size": 300}]
    told: list[float] = []
    tell = meter(files, told.append)
    for name, share in (("small", 0.5), ("small", 1.0), ("large", 0.5), ("large", 1.0)):
        tell(name, share)
    assert told == [0.125, 0.25, 1.0], "half of the large one came less than half a second later"
    unknown: list[float] = []
    meter([{"path": "x", "size": 0}], unknown.append)("x", 1.0)
    assert unknown == [1.0]


def test_the_files_that_arrived_are_read(published: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    from dtml.tasks import mnist_usps

    store = Store()
    ask_for_files(store, "task", "mnist_usps", PARAMS)
    assert fetch_next(store)
    part = (np.zeros((50, 28, 28, 1), np.uint8), np.arange(50) % 10)
    monkeypatch.setattr(mnist_usps, "read_mnist", lambda: (part, part))
    transfer: Transfer = catalogue.create("task", "mnist_usps").load(0)
    assert len(transfer.target.splits["test"]) == 30
