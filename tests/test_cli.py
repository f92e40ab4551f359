"""The command line: what it prints, and that a person sees sentences."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dtml import Experiment
from dtml.cli import app
from dtml.cli_arguments import numbers, roles
from dtml.errors import Problem
from dtml.runs.store import Store
from tests.conftest import QUICK
from tests.images.archives import climbing, good, members, packed
from tests.tasks.test_folders import make
from tests.tasks.test_tables import rows


def dtml(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return subprocess.run([sys.executable, "-m", "dtml", *arguments], capture_output=True, text=True, check=False)


def run(*arguments: str) -> str:
    """The command in this process; raises what it raises."""
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_last_line_of_train_is_one_json_object(home: Path, toml: Path) -> None:
    done = dtml("train", str(toml), "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["state"] == "finished"
    assert {"run", "source_test_accuracy", "target_test_accuracy", "seconds", "twin"} <= set(told)
    assert told["twin"]["state"] == "finished"
    assert Store().run(told["run"]).state == "finished"


def test_train_shows_a_table_with_all_references(home: Path, toml: Path) -> None:
    output = run("train", str(toml), "--references", "all", "--seed", "3")
    assert "source only" in output
    assert "target only" in output
    assert {run_.experiment.seed for run_ in Store().runs()} == {3}


def test_a_failed_run_is_a_sentence_and_an_exit_code(home: Path, tmp_path: Path) -> None:
    wild = Experiment(
        task="moons",
        embedding={"activation": "none"},
        training={"steps": 200, "optimiser": "sgd", "learning_rate": 1e6},
    )
    path = tmp_path / "wild.toml"
    path.write_text(wild.to_toml(), "utf-8")
    done = dtml("train", str(path), "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["state"] == "failed"
    assert "not a finite number at step" in told["error"]
    assert "Traceback" not in done.stderr


def test_sweep_pairs_by_seed_and_trains_nothing_twice(home: Path, toml: Path) -> None:
    told = json.loads(run("sweep", str(toml), "--seeds", "0-2", "--references", "twin", "--json").splitlines()[-1])
    assert told["seeds"] == [0, 1, 2]
    assert told["difference"]["twin"]["half_width"] is not None
    count = len(Store().runs())
    table = run("sweep", str(toml), "--seeds", "0-2", "--references", "twin")
    assert "±" in table
    assert len(Store().runs()) == count == 6


BAD = [
    (("train", "nothing.toml"), "There is no file 'nothing.toml'"),
    (("show", "alignment", "corall"), "did you mean 'coral'?"),
    (("show", "alignments", "coral"), "did you mean 'alignment'?"),
    (("list", "metrics"), "did you mean 'metric'?"),
    (("get", "task", "mnist_usp"), "did you mean 'mnist_usps'?"),
]


@pytest.mark.parametrize(("arguments", "sentence"), BAD)
def test_bad_input_is_one_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    done = dtml(*arguments)
    assert done.returncode == 1
    assert sentence in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_what_was_noticed_in_the_data_is_told(home: Path, tmp_path: Path, toml: Path) -> None:
    source, target = make(tmp_path / "a", {"cat": 9, "cow": 3, "dog": 9}), make(tmp_path / "b", {"cat": 9, "dog": 9}, 1)
    file = tmp_path / "folders.toml"
    file.write_text(
        f"task = {{ name = 'folders', source = '{source}', target = '{target}', size = 32 }}\nbackbone = 'lenet'\n"
        "strategy = 'scratch'\nalignment = 'coral'\ntraining = { steps = 3, snapshots = 1 }",
        "utf-8",
    )
    done = dtml("train", str(file), "--json")
    sentence = "Only one of the two domains has these classes, so they are left out: cow."
    assert json.loads(done.stdout.splitlines()[-1])["remarks"] == [sentence]
    assert " ".join(done.stderr.split()).count(sentence) == 1


def test_the_number_of_threads_is_checked(home: Path, toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DTML_THREADS", "many")
    done = dtml("train", str(toml))
    assert done.returncode == 1
    assert "DTML_THREADS is 'many'" in " ".join(done.stderr.split())


def test_a_home_or_store_that_cannot_be_used(tmp_path: Path, toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("DTML_HOME", str(file))
    done = dtml("doctor")
    assert "set DTML_HOME to a folder of your own" in " ".join(done.stderr.split())
    monkeypatch.setenv("DTML_HOME", str(tmp_path))
    monkeypatch.setenv("DTML_STORE", "nonsense")
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "correct DTML_STORE" in " ".join(result.output.split())


def test_the_command_line_speaks_chinese(home: Path, toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DTML_LANG", "zh_CN")
    assert "列出最新的运行" in dtml("--help").stdout
    assert "对称" in dtml("show", "alignment", "coral").stdout
    assert "没有名为“corall”的对齐" in dtml("show", "alignment", "corall").stderr


def test_list_and_show_tell_what_can_be_chosen() -> None:
    assert "coral" in run("list")
    shown = run("show", "alignment", "dann")
    assert "ceiling" in shown
    assert "arxiv.org/abs/1505.07818" in shown


def test_show_tells_where_a_dataset_comes_from_and_how_it_is_laid_out() -> None:
    shown = " ".join(run("show", "task", "office31").split())
    for told in ("faculty.cc.gatech.edu", "No licence is stated", "Adapting Visual Category Models", "about 80 MB",
                 "office31/amazon/images/<class>/<image>", "not published for direct download"):  # fmt: skip
        assert told in shown
    assert "train_32x32.mat md5:e26dedcc434d2e4c54c9b2d4a06d8373" in " ".join(
        run("show", "task", "digit_domains").split()
    )


def test_runs_lists_the_newest(home: Path, moons: Experiment) -> None:
    identity = Store().submit(moons).id
    assert identity in run("runs")


def test_doctor_tells_where_things_are(home: Path) -> None:
    output = run("doctor")
    assert str(home) in output.replace("\n", "")
    assert "task moons: ready" in output


def test_doctor_tells_how_to_mend(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DTML_DATA", str(home / "nowhere"))
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "correct DTML_DATA or unset it" in result.output


def test_a_device_that_is_not_there(home: Path, toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DTML_DEVICE", "abacus")
    done = dtml("train", str(toml))
    assert done.returncode == 1
    assert "DTML_DEVICE is 'abacus'" in " ".join(done.stderr.split())


def test_seeds_and_references_as_text() -> None:
    assert numbers("0-4") == [0, 1, 2, 3, 4]
    assert numbers("1,5") == [1, 5]
    with pytest.raises(Problem, match="'5-2' names no seeds"):
        numbers("5-2")
    assert roles("all") == ["twin", "source_only", "target_only"]
    assert roles("none") == []
    with pytest.raises(Problem, match="names no seeds"):
        numbers("a few")
    with pytest.raises(Problem, match="did you mean 'twin'"):
        roles("twins")


def test_own_tasks_from_the_command_line(home: Path, tmp_path: Path) -> None:
    good(tmp_path / "a.zip")
    good(tmp_path / "b.zip", seed=1)
    sides = ["--source", str(tmp_path / "a.zip"), "--target", str(tmp_path / "b.zip"), "--set", "size=16"]
    told = run("tasks", "add", "My shop", *sides, "--yes")
    assert "Closed set" in told
    assert 'task = "My shop"' in told
    assert "confirmed" in run("tasks")
    assert "Closed set" in run("tasks", "show", "My shop")
    run("tasks", "remove", "My shop")
    with pytest.raises(Problem, match="no kind named 'films'"):
        run("tasks", "add", "x", *sides, "--kind", "films")
    assert list((home / "tasks").iterdir()) == []


def test_what_is_refused_of_an_own_task_leaves_nothing(home: Path, tmp_path: Path) -> None:
    good(tmp_path / "a.zip")
    sides = ["--source", str(tmp_path / "a.zip"), "--target", str(tmp_path / "b.zip"), "--set", "size=16"]
    climbing(tmp_path / "b.zip")
    with pytest.raises(Problem, match="leads out of the archive"):
        run("tasks", "add", "evil", *sides, "--yes")
    packed(tmp_path / "b.zip", {**members(seed=1), "cat/text.png": b"milk"})
    with pytest.raises(Problem, match="--skip"):
        run("tasks", "add", "broken", *sides, "--yes")
    assert list((home / "tasks").iterdir()) == []
    run("tasks", "add", "broken", *sides, "--yes", "--skip")
    assert [path.name for path in (home / "tasks").iterdir()] == ["broken"]


def test_a_target_without_labels_is_not_guessed_at(home: Path, tmp_path: Path) -> None:
    for seed, name in enumerate(("a.csv", "b.csv")):
        rows(60, seed).drop(columns="label" if seed else []).to_csv(tmp_path / name, index=False)
    experiment = Experiment(
        task={"name": "tables", "source": str(tmp_path / "a.csv"), "target": str(tmp_path / "b.csv")},
        alignment="dann",
        training=QUICK,
    )
    path = tmp_path / "tables.toml"
    path.write_text(experiment.to_toml(), "utf-8")
    output = run("train", str(path), "--references", "twin,source_only")
    assert output.count("not known") == 3
    assert "nan" not in output
    with pytest.raises(Problem, match="The target accuracy of .* is not known: its target has no labels"):
        run("sweep", str(path), "--seeds", "0", "--references", "twin")
    with pytest.raises(Problem, match="'b' has no labels to learn from"):
        run("sweep", str(path), "--seeds", "0", "--references", "target_only")
