"""Two tables become two domains: what is learned of columns comes from the source's training rows alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import dtml
from dtml import Experiment, catalogue
from dtml.errors import Problem
from dtml.frames import Frame
from dtml.tasks import Transfer
from dtml.tasks._columns import Table, encoded, learn, unknown
from dtml.training import Finished, Snapshot
from tests.conftest import QUICK
from tests.test_frames import mutated

pytestmark = pytest.mark.usefixtures("home")


def rows(n: int, seed: int, shift: float = 0.0) -> pd.DataFrame:
    """A number and a category that tell the class, some values missing, and a number that tells nothing."""
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, 2, n)
    return pd.DataFrame(
        {
            "age": np.where(rng.random(n) < 0.1, np.nan, rng.normal(30 + 20 * classes + shift, 5, n).round(2)),
            "town": np.where(rng.random(n) < 0.1, None, np.where(classes, "Ürümqi", "a, b")),
            "pay": rng.normal(0, 1, n),
            "label": np.where(classes, "yes", "no"),
        }
    )


def saved(table: pd.DataFrame, path: Path) -> Path:
    table.to_parquet(path) if path.suffix == ".parquet" else table.to_csv(path, index=False)
    return path


def task(source: Path, target: Path, **params: Any) -> Any:
    return catalogue.create("task", "tables", source=str(source), target=str(target), **params)


def load(source: Path, target: Path, **params: Any) -> Transfer:
    transfer: Transfer = task(source, target, **params).load(0)
    return transfer


def told(transfer: Transfer) -> list[str]:
    return [str(remark) for remark in transfer.remarks]


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    return saved(rows(200, 0), tmp_path / "old.csv"), saved(rows(150, 1, 10.0), tmp_path / "new.parquet")


# -- encoding


def by_hand() -> Table:
    columns = {
        "n": np.array([1.0, 3.0, np.nan, 9.0, 1e9]),
        "c": np.array(["x", "y", "x", "", "z"], dtype=object),
        "gone": np.array(["", "", "", "q", "q"], dtype=object),
    }
    return Table(Frame(Path("a.csv"), columns, np.arange(5)), columns)


def test_columns_as_numbers_by_hand() -> None:
    """Learned from the first three rows: mean 2 and deviation 1 of n, missing once; x and y of c; nothing of gone."""
    learned, remarks = learn(by_hand(), np.array([0, 1, 2]), 50)
    assert [str(remark) for remark in remarks] == [
        "These columns have no values in the source's training rows, so they are left out: 1 (gone)."
    ]
    assert encoded(by_hand(), learned).tolist() == [
        [-1, 0, 1, 0],
        [1, 0, 0, 1],
        [0, 1, 1, 0],
        [7, 0, 0, 0],
        [100, 0, 0, 0],
    ]
    assert encoded(by_hand(), learned).dtype == np.float32
    assert [str(remark) for remark in unknown(by_hand(), learned)] == [
        "a has categories in the column 'c' that are not told apart: 1 (z)."
    ]


def test_a_constant_column_is_centred() -> None:
    table = Table(Frame(Path("a.csv"), {}, np.arange(3)), {"n": np.array([5.0, 5.0, 6.0])})
    learned, _remarks = learn(table, np.array([0, 1]), 50)
    assert encoded(table, learned).tolist() == [[0], [0], [1]]


def test_rare_categories_and_names_of_rows() -> None:
    common = np.array(["a"] * 6 + ["b"] * 4 + ["c", "d"], dtype=object)
    names = np.array([f"row {number}" for number in range(12)], dtype=object)
    table = Table(Frame(Path("a.csv"), {}, np.arange(12)), {"common": common, "names": names})
    learned, remarks = learn(table, np.arange(12), 2)
    assert [each.categories for each in learned] == [("a", "b")]
    assert [str(remark) for remark in remarks] == [
        "The column 'common' has 4 categories; the 2 most frequent are told apart.",
        "The column 'names' has 12 values in 12 rows: it names rows, so it is left out.",
    ]


def test_too_wide_a_table_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dtml.tasks._columns.WIDEST", 2)
    learned, _remarks = learn(by_hand(), np.array([0, 1, 2]), 50)
    with pytest.raises(Problem, match="would become 4 columns of numbers in 5 rows"):
        encoded(by_hand(), learned)


def test_nothing_is_learned_from_other_rows_or_the_target(pair: tuple[Path, Path]) -> None:
    before = load(*pair).source
    saved(rows(150, 1, 500.0), pair[1])
    assert np.array_equal(load(*pair).source.inputs, before.inputs)
    trained = before.inputs[before.splits["train"]]
    assert np.abs(trained[:, -1].mean()) < 1e-6, "pay, standardised by the training rows"
    assert np.abs(before.inputs[:, -1].mean()) > 1e-3
    assert trained[:, -1].std() == pytest.approx(1, abs=1e-5)


# -- domains


def test_two_tables_become_two_domains(pair: tuple[Path, Path]) -> None:
    transfer = load(*pair)
    assert (transfer.source.name, transfer.target.name) == ("old", "new")
    assert transfer.source.classes == ("no", "yes")
    assert transfer.source.inputs.shape == (200, 6)
    assert transfer.target.inputs.shape == (150, 6)
    assert np.isfinite(transfer.target.inputs).all()
    assert sorted(np.concatenate(list(transfer.target.splits.values()))) == list(range(150))
    assert transfer.source.ids[0] == "old:2"
    assert transfer.source.shown is not None
    age, town, pay, _label = pd.read_csv(pair[0], dtype=str).fillna("–").iloc[1]
    assert transfer.source.shown(np.array([1]))[0].decode() == f"age = {age} · town = {town} · pay = {pay}"
    assert told(transfer) == []


def test_csv_and_parquet_give_the_same(tmp_path: Path) -> None:
    table, other = rows(80, 0), saved(rows(80, 1), tmp_path / "b.csv")
    one, two = (load(saved(table, tmp_path / f"a.{kind}"), other) for kind in ("csv", "parquet"))
    assert np.array_equal(one.source.inputs, two.source.inputs)


def test_whole_numbers_as_labels_agree(tmp_path: Path) -> None:
    """A CSV file writes 1, a Parquet file with a missing label holds 1.0."""
    a, b = rows(60, 0), rows(60, 1)
    a["label"], b["label"] = (a["label"] == "yes").astype(int), (b["label"] == "yes").astype(float)
    b.loc[0, "label"] = np.nan
    transfer = load(saved(a, tmp_path / "a.csv"), saved(b, tmp_path / "b.parquet"))
    assert transfer.target.classes == ("0", "1")
    assert transfer.target.labels[0] == -1
    assert told(transfer) == ["1 of 60 rows of b have no label; its accuracy is that of the others."]


def test_equal_rows_share_a_split_and_a_leak_is_told(tmp_path: Path) -> None:
    table = rows(60, 0)
    doubled = pd.concat([table, table.iloc[:20]])
    transfer = load(saved(doubled, tmp_path / "a.csv"), saved(pd.concat([table, rows(60, 1)]), tmp_path / "b.csv"))
    assert "a has 20 rows twice" in told(transfer)[0]
    assert "are also training rows of the source: a leak" in told(transfer)[-1]
    for part in transfer.source.splits.values():
        chosen = set(part.tolist())
        assert all((number in chosen) == (number + 60 in chosen) for number in range(20))


def test_classes_of_one_side_and_rows_without_a_label(tmp_path: Path) -> None:
    a, b = rows(60, 0), rows(60, 1)
    a.loc[:9, "label"] = "maybe"
    a.loc[10:12, "label"] = None
    transfer = load(saved(a, tmp_path / "a.csv"), saved(b, tmp_path / "b.csv"))
    assert told(transfer) == [
        "Only one of the two domains has these classes, so they are left out: maybe.",
        "3 rows of a have no label, so they are left out.",
    ]
    assert min(np.concatenate(list(transfer.source.splits.values()))) == 13


def test_text_among_the_target_s_numbers_and_further_columns(tmp_path: Path) -> None:
    b = rows(60, 1).assign(extra=1)
    b["age"] = b["age"].astype(object)
    b.loc[3, "age"] = "old"
    transfer = load(saved(rows(60, 0), tmp_path / "a.csv"), saved(b, tmp_path / "b.csv"))
    assert told(transfer) == [
        "Only b has the columns extra, so they are left out.",
        "1 values of the column 'age' of b are no numbers, so they count as missing.",
    ]


def test_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for name, seed in (("x", 0), ("y", 1)):
        (tmp_path / name).mkdir()
        saved(rows(60, seed), tmp_path / name / "data.csv")
    transfer = load(tmp_path / "x" / "data.csv", tmp_path / "y" / "data.csv")
    assert (transfer.source.name, transfer.target.name) == ("x/data.csv", "y/data.csv")


# -- without labels of the target


def test_a_target_without_labels_trains_and_its_accuracy_is_not_known(pair: tuple[Path, Path]) -> None:
    saved(rows(150, 1, 10.0).drop(columns="label"), pair[1])
    experiment = Experiment(task={"name": "tables", **paths(pair)}, alignment="dann", training=QUICK)
    started, *events = dtml.train(experiment)
    assert [str(remark) for remark in started.remarks] == [
        "new has no labels, so the accuracy on it will not be known."
    ]
    finished = events[-1]
    assert isinstance(finished, Finished)
    unknown = ("target_test_accuracy", "oracle_target_accuracy", "target_knn_accuracy", "target_prototype_accuracy")
    assert [finished.result[name] for name in unknown] == [None] * 4
    assert finished.result["source_test_accuracy"] > 0.5
    assert all("target_accuracy" not in event.metrics for event in events if isinstance(event, Snapshot))
    for changes, sentence in (
        ({"domains": "target", "alignment": "none"}, "'new' has no labels to learn from"),
        ({"labels": 3}, r"Labels of the target are wanted \(.*\), but 'new' has none"),
    ):
        with pytest.raises(Problem, match=sentence):
            list(dtml.train(experiment.replace(**changes)))


def test_a_target_with_some_labels_is_its_own_reference_by_these(pair: tuple[Path, Path]) -> None:
    table = rows(150, 1, 10.0)
    table.loc[:100, "label"] = None
    saved(table, pair[1])
    started, *_events, finished = dtml.train(
        Experiment(task={"name": "tables", **paths(pair)}, domains="target", training=QUICK)
    )
    labels = load(*pair).target
    assert started.counts["target"] == int((labels.labels[labels.splits["train"]] >= 0).sum())
    assert finished.result["target_test_accuracy"] is not None


def paths(pair: tuple[Path, Path]) -> dict[str, str]:
    return {"source": str(pair[0]), "target": str(pair[1])}


# -- looking before training


def test_what_is_seen_before_training(pair: tuple[Path, Path]) -> None:
    seen = task(*pair).inspect()
    table = rows(200, 0)
    assert seen.source.counts == table["label"].value_counts().to_dict()
    gaps = int(table.isna().to_numpy().sum())
    assert dict(seen.source.facts) == {
        "Rows": "200",
        "Numeric columns": "2 (age, pay)",
        "Categorical columns": "1 (town)",
        "Missing values": f"{gaps} ({gaps / 600:.1%})",
    }
    assert len(seen.source.examples["yes"]) == 4
    assert "town = " in seen.source.examples["yes"][0].text
    assert (seen.setting, seen.obstacles, seen.unreadable) == ("closed", [], [])


def test_what_has_to_be_mended_first_is_an_obstacle(pair: tuple[Path, Path]) -> None:
    saved(rows(150, 1).drop(columns="town"), pair[1])
    seen = task(*pair).inspect()
    assert [str(problem).split(" of ")[0].split("lacks")[1] for problem in seen.obstacles] == [" the columns town"]
    assert seen.target.counts
    seen = task(*pair, label="labl").inspect()
    assert "has no column 'labl'; choose one of age, town, pay, label" in str(seen.obstacles[0])


def test_rows_that_cannot_be_read_stop_a_run_unless_left_out(pair: tuple[Path, Path]) -> None:
    with pair[0].open("a") as file:
        file.write("1,2\n")
    assert task(*pair).inspect().unreadable == [("old.csv, line 202", "2 values, but the header names 4 columns")]
    with pytest.raises(Problem, match="1 rows of .* cannot be read, the first at line 202 .* 'leave_out'"):
        load(*pair)
    assert "1 rows of old cannot be read and are left out" in told(load(*pair, leave_out=True))[0]


# -- bad input, one sentence each


@pytest.mark.parametrize(
    ("source", "target", "sentence"),
    [
        (rows(60, 0).drop(columns="label"), rows(60, 1), "a.csv' has no column 'label'; choose one of age, town, pay"),
        (rows(60, 0), rows(60, 1).drop(columns=["age", "town"]), "lacks the columns age, town of"),
        (rows(60, 0), rows(60, 1).replace({"yes": "oui", "no": "non"}), "have 0 classes in common"),
        (rows(60, 0)[["label"]], rows(60, 1), "has no column to learn from"),
        (rows(60, 0).groupby("label").head(1), rows(60, 1), r"too few rows \(2\)"),
        (rows(60, 0).assign(label="one"), rows(60, 1), "have 0 classes in common"),
        (rows(1001, 0).assign(label=range(1001)), rows(60, 1), "1001 different values, more than 1000"),
    ],
)
def test_what_is_refused(tmp_path: Path, source: pd.DataFrame, target: pd.DataFrame, sentence: str) -> None:
    with pytest.raises(Problem, match=sentence) as caught:
        load(saved(source, tmp_path / "a.csv"), saved(target, tmp_path / "b.csv"))
    assert "\n" not in str(caught.value)


def test_no_path_and_one_file_for_both(pair: tuple[Path, Path]) -> None:
    with pytest.raises(Problem, match="needs the path 'source'"):
        catalogue.create("task", "tables").load(0)
    with pytest.raises(Problem, match="Source and target are both 'old'"):
        load(pair[0], pair[0].parent / "." / pair[0].name)
    with pytest.raises(Problem, match="The task 'tables' needs 'source'"):
        Experiment(task="tables")


def test_mutated_tables_load_or_are_refused_in_a_sentence(pair: tuple[Path, Path]) -> None:
    """Two hundred pairs of a mutated CSV and a mutated Parquet file, looked at and loaded."""
    rng = np.random.default_rng(1)
    originals = [path.read_bytes() for path in pair]
    before = sorted(pair[0].parent.rglob("*"))
    loaded, sentences = 0, list[str]()
    for _ in range(200):
        for path, content in zip(pair, originals, strict=True):
            path.write_bytes(mutated(content, rng) if rng.random() < 0.7 else content)
        for act in (lambda: task(*pair).inspect(), lambda: load(*pair, leave_out=True)):
            try:
                found = act()
                loaded += isinstance(found, Transfer)
            except Problem as problem:
                sentences.append(str(problem))
    assert loaded > 10
    assert not [told for told in sentences if "\n" in told]
    assert sorted(pair[0].parent.rglob("*")) == before


def test_labels_that_look_like_a_measurement_are_remarked(pair: tuple[Path, Path]) -> None:
    told = [str(remark) for remark in task(*pair, label="pay").inspect().remarks]
    assert any("The column 'pay' gives" in each and "if it holds a measurement" in each for each in told)
    assert not any("measurement" in str(remark) for remark in task(*pair).inspect().remarks)
