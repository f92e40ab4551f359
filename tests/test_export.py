"""What leaves a run: weights, ONNX, tables, script and pictures say the same as the run."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from typer.testing import CliRunner

from dtml import Experiment, catalogue
from dtml.cli import app
from dtml.errors import Problem
from dtml.export import onnx as portable
from dtml.export import tables
from dtml.export.files import FORMATS, Wanted, file_name
from dtml.export.jobs import ask_for_onnx, checked, export_next, onnx_file
from dtml.export.model import safetensors
from dtml.export.script import script
from dtml.figures.stated import figure_config, stated
from dtml.projection.pca import PCA
from dtml.projection.umap import UMAP
from dtml.runs.folder import RunFolder, read_arrays
from dtml.runs.foreground import train_all
from dtml.runs.provenance import provenance
from dtml.runs.records import Run
from dtml.runs.store import Store
from dtml.runs.story import Story, tell
from tests.conftest import QUICK
from tests.serving import chromium
from tests.tasks.test_texts import texts


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Run]]:
    """A home with an adapted run on points and its references, and an adapted run on images."""
    patch = pytest.MonkeyPatch()
    patch.setenv("DTML_HOME", str(tmp_path_factory.mktemp("home")))
    patch.setattr(UMAP, "fit", PCA.fit)  # as quick as that
    points = Experiment(task={"name": "moons", "samples": 200}, alignment="dann", training=QUICK, title='Two "moons"')
    images = Experiment(task="digits", alignment="coral", training=QUICK | {"probe": 60})
    found: dict[str, Run] = {}
    for experiment, roles in ((points, ["twin", "source_only"]), (images, [])):
        runs = train_all(Store(), experiment, roles, lambda _run, _event: None)
        assert all(run.state == "finished" for run in runs.values())
        found |= {f"{experiment.task.name}-{role}": run for role, run in runs.items()}
    yield found
    patch.undo()


@pytest.fixture
def story(trained: dict[str, Run]) -> Story:
    """The story of the run on points, its picture by PCA."""
    return tell(Store(), trained["moons-adapted"])


# -- model


def test_safetensors_holds_the_weights_and_what_reads_them(trained: dict[str, Run]) -> None:
    from safetensors import safe_open
    from safetensors.numpy import load, load_file

    run = trained["digits-adapted"]
    content = safetensors(run)
    wanted = load_file(RunFolder(run.id).model)
    assert set(load(content)) == set(wanted)
    assert all(np.array_equal(array, wanted[name]) for name, array in load(content).items())
    path = RunFolder(run.id).path / "copy.safetensors"
    path.write_bytes(content)
    with safe_open(path, "np") as file:
        told = file.metadata()
    assert Experiment(**json.loads(told["experiment"])) == run.experiment
    assert json.loads(told["classes"]) == list("0123456789")
    assert json.loads(told["versions"])["torch"]


@pytest.mark.parametrize("name", ["moons-adapted", "digits-adapted"])
def test_onnx_computes_what_the_model_computes_for_any_number_of_samples(
    trained: dict[str, Run], name: str, tmp_path: Path
) -> None:
    import onnxruntime

    run = trained[name]
    check = portable.write_onnx(run, tmp_path / "model.onnx")
    assert check.largest < 1e-4
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    folder = RunFolder(run.id)
    inputs, seen = read_arrays(folder.probe)["inputs"], read_arrays(folder.snapshot(20))
    for count in (1, 7):
        embedding, probabilities = session.run(["embedding", "probabilities"], {"inputs": inputs[:count]})
        assert embedding.shape == (count, run.experiment.embedding.dim)
        # The snapshot was taken in bfloat16 where the machine has it: three significant digits.
        np.testing.assert_allclose(embedding, seen["embeddings"][:count], atol=0.03)
        np.testing.assert_allclose(probabilities, seen["probabilities"][:count], atol=0.03)
    assert inputs.dtype == (np.uint8 if name.startswith("digits") else np.float32)


def test_onnx_of_a_model_for_texts_reads_the_slots_of_their_n_grams(tmp_path: Path, trained: dict[str, Run]) -> None:
    import onnx
    import onnxruntime

    for seed, name in enumerate(("a.csv", "b.csv")):
        texts(60, seed, "book").to_csv(tmp_path / name, index=False)
    experiment = Experiment(
        task={"name": "texts", "source": str(tmp_path / "a.csv"), "target": str(tmp_path / "b.csv")},
        backbone={"name": "ngrams", "size": 8, "width": 8},
        training=QUICK,
    )
    (run,) = train_all(Store(), experiment, [], lambda _run, _event: None).values()
    assert portable.write_onnx(run, tmp_path / "model.onnx").largest < 1e-4
    raw = read_arrays(RunFolder(run.id).probe)["inputs"][:3]
    slots = catalogue.create("backbone", **experiment.backbone.model_dump()).encode(raw)
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    (found,) = session.run(["embedding"], {"inputs": slots})
    seen = read_arrays(RunFolder(run.id).snapshot(20))["embeddings"][:3]
    np.testing.assert_allclose(found, seen, atol=1e-4)
    told = {entry.key: entry.value for entry in onnx.load(tmp_path / "model.onnx").metadata_props}
    assert "MurmurHash3" in told["inputs"]
    assert "modulo 256" in told["inputs"]


def test_an_onnx_file_that_computes_something_else_is_not_kept(
    trained: dict[str, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = portable._write

    def other_weights(model: object, *arguments: object) -> None:
        import copy

        import torch

        wrong = copy.deepcopy(model)
        with torch.no_grad():
            wrong.model.classifier.bias += 1.0 * torch.arange(2)  # type: ignore[attr-defined]
        honest(wrong, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(portable, "_write", other_weights)
    with pytest.raises(Problem, match="differs from the model by"):
        portable.write_onnx(trained["moons-adapted"], tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_the_worker_makes_the_onnx_file_that_was_asked_for(trained: dict[str, Run]) -> None:
    store, run = Store(), trained["moons-twin"]
    assert checked(run.id) == ""
    key = ask_for_onnx(store, run).key
    assert export_next(store)
    assert not export_next(store)
    assert (store.job(key).state, store.job(key).error) == ("finished", None)
    assert onnx_file(run.id).exists()
    assert re.search(r"Checked on \d+ samples: at most [\de-]+ away", checked(run.id))


# -- tables


def test_the_table_of_samples_says_what_the_snapshots_say(story: Story) -> None:
    frame = pd.read_csv(io.BytesIO(tables.as_csv(tables.samples(story))))
    before, after = (read_arrays(RunFolder(run).snapshot(step)) for run, step in story.states)
    assert list(frame["sample"]) == list(story.probe["ids"])
    assert list(frame["domain"]) == [("source", "target")[domain] for domain in story.probe["domains"]]
    np.testing.assert_array_equal(
        frame[["after_x", "after_y"]].to_numpy(np.float32), np.asarray(story.coordinates[1], np.float32)
    )
    for name, state in (("before", before), ("after", after)):
        guesses = story.probe["classes"][state["probabilities"].argmax(1)]
        assert list(frame[f"{name}_predicted"]) == list(guesses)
        assert list(frame[f"{name}_correct"]) == list(guesses == frame["label"])
        np.testing.assert_allclose(frame[f"{name}_confidence"], state["probabilities"].max(1), rtol=1e-6)


def test_unknown_labels_are_empty(story: Story) -> None:
    story.probe["labels"][3] = -1
    frame = tables.samples(story)
    assert frame["label"].isna().tolist() == [row == 3 for row in range(len(frame))]
    assert frame["after_correct"].isna().sum() == 1


def test_parquet_reads_back_the_same_and_says_where_it_comes_from(story: Story) -> None:
    frame = tables.curves(story)
    again = pd.read_parquet(io.BytesIO(tables.as_parquet(frame)))
    pd.testing.assert_frame_equal(again, frame)
    assert again.attrs["provenance"] == provenance(story.run)
    assert set(again["role"]) == {"adapted", "twin", "source_only"}
    recorded = {step: values for step, values in Store().metrics(story.run.id) if "target_accuracy" in values}
    mine = again[(again["role"] == "adapted") & again["target_accuracy"].notna()].set_index("step")["target_accuracy"]
    assert mine.to_dict() == {step: values["target_accuracy"] for step, values in recorded.items()}


# -- experiment


def test_the_script_repeats_the_run_to_the_digit(trained: dict[str, Run], tmp_path: Path) -> None:
    run = trained["moons-adapted"]
    path = tmp_path / "again.py"
    path.write_text(script(run), "utf-8")
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True)
    for name in ("source_test_accuracy", "target_test_accuracy"):
        assert f"{name}: {run.result[name]!r} (the run had {run.result[name]!r})" in done.stdout


# -- pictures


def test_a_figure_states_where_it_comes_from_in_a_band_of_its_own(trained: dict[str, Run]) -> None:
    run = trained["moons-adapted"]
    figure = stated(go.Figure(layout={"height": 400, "margin": {"t": 44}}), provenance(run))
    (note,) = figure.layout.annotations
    told = note.text.replace("<br>", " ")
    assert run.id in told
    assert "seed 0" in told
    assert "torch" in told
    assert "80 of 80 source and 80 of 80 target test samples, by seed" in told
    lines = note.text.count("<br>") + 1
    assert figure.layout.margin.t - 44 == figure.layout.height - 400 >= 12 * lines
    assert note.yshift >= 40, "above what stands there already"


def test_the_note_leaves_room_for_a_legend_above() -> None:
    legend = {"y": 1, "yanchor": "bottom", "orientation": "h"}
    figure = go.Figure([go.Scatter(x=[0], y=[0], name="a" * 30) for _ in range(6)])
    figure.update_layout(height=300, margin={"t": 8}, legend=legend)
    assert stated(figure, "seed 0").layout.annotations[0].yshift >= 44


def test_the_camera_saves_what_was_chosen() -> None:
    options = figure_config("digits-dann/1 embeddings", "svg")["toImageButtonOptions"]
    assert (options["format"], options["filename"]) == ("svg", "digits-dann-1-embeddings")


@pytest.mark.browser
def test_pictures_hold_their_provenance(trained: dict[str, Run], tmp_path: Path) -> None:
    if chromium() is None and not os.environ.get("DTML_TEST_NEEDS_BROWSER"):
        pytest.skip("no Chromium was found on this machine")
    from PIL import Image

    run = trained["moons-adapted"]
    for name in ("embeddings", "accuracy"):
        output = export(run.id, "--to", "svg", "--part", name, "--output", str(tmp_path))
        drawn = (tmp_path / f"{run.id}-{name}.svg").read_text("utf-8")
        assert str(tmp_path) in output.replace("\n", "")
        assert "seed 0" in drawn
        assert "http://" not in drawn.replace("http://www.w3.org", "")
    export(run.id, "--to", "png", "--dark", "--output", str(tmp_path / "a.png"))
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.width == 2400
        assert picture.convert("RGB").getpixel((2, 2)) == (15, 20, 28)
    with pytest.raises(Problem, match="no figure 'embedings'"):
        export(run.id, "--to", "svg", "--part", "embedings", "--output", str(tmp_path))


# -- the command


def export(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["export", *arguments], catch_exceptions=False)
    if result.exception:
        raise result.exception
    return result.output


def test_files_are_named_after_the_run(
    trained: dict[str, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = trained["moons-adapted"].id
    for format_ in ("html", "safetensors", "csv", "parquet", "toml", "script"):
        export(run, "--to", format_)
    export(run, "--to", "csv", "--part", "curves")
    export(run, trained["digits-adapted"].id)
    suffixes = [".html", ".safetensors", "-samples.csv", "-samples.parquet", ".toml", ".py", "-curves.csv"]
    assert {path.name for path in tmp_path.iterdir()} == {run + end for end in suffixes} | {"comparison-of-2-runs.html"}
    assert Experiment.from_toml(tmp_path / f"{run}.toml") == trained["moons-adapted"].experiment
    assert len({file_name([trained["moons-adapted"]], Wanted(name)) for name in FORMATS}) == len(FORMATS)


def test_a_file_that_is_there_is_not_replaced_silently(trained: dict[str, Run], tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("precious", "utf-8")
    run = trained["moons-adapted"].id
    with pytest.raises(Problem, match="is there already"):
        export(run, "--to", "toml", "--output", str(path))
    assert path.read_text("utf-8") == "precious"
    export(run, "--to", "toml", "--output", str(path), "--force")
    assert Experiment.from_toml(path) == trained["moons-adapted"].experiment


BAD = [
    (("nothing",), "There is no run 'nothing'"),
    (("{run}", "--to", "hmtl"), "no format named 'hmtl'; did you mean 'html'"),
    (("{run}", "--to", "csv", "--part", "curve"), "no part named 'curve'; did you mean 'curves'"),
    (("{run}", "--to", "toml", "--part", "curves"), "The format 'toml' has no parts"),
    (("{run}", "{other}", "--to", "onnx"), "The format 'onnx' holds one run, but 2 were named"),
    (("{run}", "--output", "nowhere/a.html"), "There is no folder 'nowhere'"),
]


@pytest.mark.parametrize(("arguments", "sentence"), BAD)
def test_what_cannot_be_is_one_sentence(trained: dict[str, Run], arguments: tuple[str, ...], sentence: str) -> None:
    named = {"run": trained["moons-adapted"].id, "other": trained["moons-twin"].id}
    with pytest.raises(Problem, match=re.escape(sentence)):
        export(*(argument.format(**named) for argument in arguments))


def test_an_unfinished_run_has_nothing_to_take_away(trained: dict[str, Run], tmp_path: Path) -> None:
    waiting = Store().submit(trained["moons-adapted"].experiment.replace(seed=9))
    for format_ in FORMATS:
        with pytest.raises(Problem, match="is queued; only a finished run"):
            export(waiting.id, "--to", format_, "--output", str(tmp_path))
    assert list(tmp_path.iterdir()) == []
    Store().cancel(waiting.id)


def test_what_the_dashboard_makes_at_the_click_needs_no_torch(trained: dict[str, Run]) -> None:
    code = (
        "import sys\n"
        "from dtml.export.files import Wanted, content\n"
        "from dtml.runs.store import Store\n"
        "store = Store(); run = store.run(sys.argv[1])\n"
        "for wanted in ('html', 'csv', 'parquet', 'toml', 'script', 'safetensors'):\n"
        "    assert len(content(store, [run], Wanted(wanted), compute=False)) > 100\n"
        "print(sorted({'torch', 'umap', 'sklearn', 'numba'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, trained["moons-adapted"].id], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
