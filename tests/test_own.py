"""A person's own tasks: looked at before they are used; what is refused leaves nothing behind."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from dtml import Experiment, own
from dtml.errors import Problem
from dtml.runs.looking import ask_to_look, look_key, look_next
from dtml.runs.naming import task_title
from dtml.runs.store import Store
from tests.images import archives
from tests.images.archives import good, members, packed

pytestmark = pytest.mark.usefixtures("home")
BOTH = {"source": "source.zip", "target": "target.zip", "size": 16}


def uploaded(tmp_path: Path, **made: Callable[[Path], Path]) -> dict[str, io.BytesIO]:
    """Archives as a browser gives them."""
    wanted = {"source": good, "target": lambda path: good(path, seed=1), **made}
    return {f"{side}.zip": io.BytesIO(make(tmp_path / f"{side}.zip").read_bytes()) for side, make in wanted.items()}


def test_a_task_is_added_looked_at_confirmed_and_used(tmp_path: Path) -> None:
    own.add("My shop", "folders", BOTH, uploaded(tmp_path))
    with pytest.raises(Problem, match="'My shop' was not confirmed yet"):
        Experiment(task="My shop")
    with pytest.raises(Problem, match="Nobody has looked"):
        own.confirm("My shop")
    seen = own.look("My shop")
    assert (seen.setting, seen.source.counts, seen.obstacles) == ("closed", {"cat": 4, "dog": 4}, [])
    own.confirm("My shop")
    experiment = Experiment(task="My shop")
    assert experiment.task.params["source"] == str(own.folder("My shop") / "source.zip")
    assert task_title(experiment) == "My shop"
    assert Experiment.stored(experiment.to_json()) == experiment


def test_one_archive_with_two_folders(tmp_path: Path) -> None:
    contents = {
        f"{side}/{name}": content for seed, side in enumerate("ab") for name, content in members(seed=seed).items()
    }
    upload = {"both.zip": io.BytesIO(packed(tmp_path / "x.zip", contents).read_bytes())}
    own.add("one", "folders", {"source": "both.zip/a", "target": "both.zip/b", "size": 16}, upload)
    assert own.look("one").source.samples == 8


@pytest.mark.parametrize(
    "hostile",
    [archives.climbing, archives.absolute, archives.with_link, archives.encrypted, archives.bomb, archives.of_windows],
)
def test_a_hostile_upload_leaves_nothing_behind(home: Path, tmp_path: Path, hostile: Callable[[Path], Path]) -> None:
    uploads = uploaded(tmp_path, target=hostile)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(Problem, match="is refused"):
        own.add("evil", "folders", BOTH, uploads)
    assert own.tasks() == {}
    assert sorted(path for path in (home / "tasks").rglob("*")) == []
    assert [path for path in tmp_path.rglob("*") if path not in before and "cache" not in path.parts] == [
        home / "tasks"
    ]


def test_a_large_upload_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "MOST_UPLOADED", 1000)
    with pytest.raises(Problem, match="is larger than"):
        own.add("large", "folders", BOTH, uploaded(tmp_path))
    assert own.tasks() == {}


@pytest.mark.parametrize("name", ["", "..", "a/b", "../x", ".hidden", "a" * 61, "digits", "x\ny", "-", "a\\b"])
def test_a_name_that_cannot_be_used(tmp_path: Path, name: str) -> None:
    with pytest.raises(Problem, match="name"):
        own.add(name, "folders", BOTH, uploaded(tmp_path))


@pytest.mark.parametrize("name", ["猫和狗", "a", "My shop 2", "été", "x-y_z"])
def test_names_that_can(tmp_path: Path, name: str) -> None:
    own.add(name, "folders", BOTH, uploaded(tmp_path))
    assert own.task(name).name == name
    with pytest.raises(Problem, match="already"):
        own.add(name, "folders", BOTH, uploaded(tmp_path))
    own.remove(name)
    assert own.tasks() == {}
    with pytest.raises(Problem, match="You have no task named"):
        own.task(name)


def test_what_cannot_be_read_stops_the_confirmation_until_it_is_left_out(tmp_path: Path) -> None:
    broken = lambda path: packed(path, {**members(seed=1), "cat/text.png": b"milk"})  # noqa: E731
    own.add("broken", "folders", BOTH, uploaded(tmp_path, target=broken))
    assert own.look("broken").unreadable[0][0] == "cat/text.png"
    with pytest.raises(Problem, match="1 files or rows of 'broken' cannot be read"):
        own.confirm("broken")
    own.confirm("broken", skip=True)
    assert Experiment(task="broken").task.params["leave_out"] is True


def test_an_obstacle_stops_the_confirmation(tmp_path: Path) -> None:
    own.add("apart", "folders", BOTH, uploaded(tmp_path, target=lambda path: good(path, 1, ("cow", "emu"))))
    assert "have no class in common" in str(own.look("apart").obstacles[0])
    with pytest.raises(Problem, match="no class in common"):
        own.confirm("apart", skip=True)


def test_partial_and_open_set_are_named(tmp_path: Path) -> None:
    wide = lambda path: good(path, 0, ("cat", "cow", "dog"))  # noqa: E731
    own.add("partial", "folders", BOTH, uploaded(tmp_path, source=wide))
    assert own.look("partial").setting == "partial"
    own.add("open", "folders", BOTH, uploaded(tmp_path, target=lambda path: good(path, 1, ("cat", "cow", "dog"))))
    assert own.look("open").setting == "open_set"


def test_a_target_without_class_folders_is_unlabelled(tmp_path: Path) -> None:
    loose = lambda path: packed(path, {name.replace("/", "-"): c for name, c in members(seed=1).items()})  # noqa: E731
    own.add("loose", "folders", BOTH, uploaded(tmp_path, target=loose))
    seen = own.look("loose")
    assert (seen.setting, seen.target.unlabelled, seen.target.counts) == ("unknown", 8, {})


def test_duplicates_are_found_by_content_and_by_look(tmp_path: Path) -> None:
    again = members()["cat/00.png"]
    own.add(
        "twice",
        "folders",
        BOTH,
        uploaded(tmp_path, target=lambda p: packed(p, {**members(seed=1), "cat/x.png": again})),
    )
    told = [str(remark) for remark in own.look("twice").remarks]
    assert any("1 images of target are also in source (cat/x.png)" in each for each in told)


def test_a_worker_looks_where_a_page_asks(tmp_path: Path) -> None:
    store, mine = Store(), own.add("asked", "folders", BOTH, uploaded(tmp_path))
    job = ask_to_look(store, mine)
    assert look_next(store)
    assert store.job(job.key).state == "finished"
    assert own.task("asked").inspection() is not None
    assert look_key(mine) != job.key, "looking again is another job"
    assert not look_next(store)


def test_a_worker_tells_why_it_cannot_look(tmp_path: Path) -> None:
    store = Store()
    empty = own.add("empty", "folders", BOTH, uploaded(tmp_path, target=lambda path: packed(path, {"x.txt": b""})))
    job = ask_to_look(store, empty)
    assert look_next(store)
    assert "holds no images" in str(store.job(job.key).error)


def test_a_damaged_task_is_as_if_it_were_not_there(home: Path, tmp_path: Path) -> None:
    own.add("good", "folders", BOTH, uploaded(tmp_path))
    for name, content in (("a", b"\xff"), ("b", b"name ="), ("c", b"x = 1")):
        (home / "tasks" / name).mkdir()
        (home / "tasks" / name / "task.toml").write_bytes(content)
    assert list(own.tasks()) == ["good"]


def test_of_what_is_refused_after_a_look_no_pixel_stays(home: Path, tmp_path: Path) -> None:
    decoded = lambda: sorted((home / "cache" / "images").glob("*/images.npy"))  # noqa: E731
    own.add("kept", "folders", BOTH, uploaded(tmp_path))
    own.look("kept")
    own.confirm("kept")
    before = decoded()
    assert len(before) == 2
    other = uploaded(tmp_path, source=lambda path: good(path, 2), target=lambda path: good(path, 3))
    own.add("refused", "folders", BOTH, other)
    own.look("refused")
    assert len(decoded()) == 4
    own.remove("refused")
    assert decoded() == before
    own.add("again", "folders", BOTH, uploaded(tmp_path))
    own.look("again")
    own.remove("again")
    assert decoded() == before, "a run of the confirmed task may be reading them"
