"""The explorer's Python side: payload, sampling, thumbnails, neighbours, the list of selected samples."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from streamlit.testing.v1 import AppTest

from app import explorer_component, payload, picture, selection, thumbnails
from app.neighbours import nearest
from dtml import Experiment
from dtml.runs.folder import RunFolder, read_arrays
from dtml.runs.foreground import train_all
from dtml.runs.pictures import compute_picture, last_state, picture_spec
from dtml.runs.records import Run
from dtml.runs.store import Store
from tests.conftest import QUICK, ROOT


def unpack(data: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and sections, read as the browser reads them."""
    assert data[:4] == b"DTML"
    size = int.from_bytes(data[4:8], "little")
    header = json.loads(data[8 : 8 + size])
    content = data[8 + size :]
    sections: dict[str, Any] = {}
    for name, (kind, offset, count) in header["sections"].items():
        assert (8 + size + offset) % 4 == 0
        if kind in ("lines", "image"):
            raw = content[offset : offset + count]
            sections[name] = raw.decode().split("\n") if kind == "lines" else raw
        else:
            sections[name] = np.frombuffer(content, kind, count, offset)
    return header, sections


def cloud(count: int = 7) -> tuple[list[payload.Frame], payload.Samples]:
    rng = np.random.default_rng(0)
    frames = [
        payload.Frame(title, "", rng.normal(size=(count, 2)).astype(np.float32), rng.dirichlet(np.ones(3), count))
        for title in ("before", "after")
    ]
    samples = payload.Samples(
        labels=np.array([0, 1, 2, -1, 0, 1, 2])[:count],
        domains=np.array([0, 0, 1, 1, 1, 0, 1], np.int8)[:count],
        ids=np.array(["a", "b\nb", "ç", "d", "e", "数字", "g"])[:count],
        extras={"distrust": np.linspace(0, 1, count), "kept": rng.random((2, count))},
    )
    return frames, samples


def test_what_is_packed_can_be_read_again() -> None:
    frames, samples = cloud()
    rows = payload.order(samples.domains, np.array([0, 2, 3, 5, 6]))
    header, found = unpack(payload.pack({"words": {"a": "“é”"}}, payload.body(frames, samples, rows, b"sheet")))
    assert found["rows"].tolist() == [2, 3, 6, 0, 5], "target first, each domain in its order"
    assert np.array_equal(found["coordinates"].reshape(2, 5, 2), np.stack([f.coordinates[rows] for f in frames]))
    assert found["labels"].tolist() == [2, -1, 2, 0, 1]
    assert found["domains"].tolist() == [1, 1, 1, 0, 0]
    assert found["names"] == ["ç", "d", "g", "a", "数字"]
    assert found["sheet"] == b"sheet"
    assert header["words"] == {"a": "“é”"}
    assert found["predicted"].reshape(2, 5).tolist() == [f.probabilities[rows].argmax(1).tolist() for f in frames]
    most = np.stack([f.probabilities[rows].max(1) for f in frames])
    assert np.abs(found["confidence"].reshape(2, 5) / 65535 - most).max() < 1e-5
    both = found["distrust"].reshape(2, 5)
    assert np.array_equal(both[0], both[1]), "a number that is the same in every state"
    assert np.abs(both[0] / 254 - samples.extras["distrust"][rows]).max() <= 0.5 / 254
    assert np.abs(found["kept"].reshape(2, 5) / 254 - samples.extras["kept"][:, rows]).max() <= 0.5 / 254


def test_a_name_of_several_lines_stays_one_name() -> None:
    frames, samples = cloud()
    _header, found = unpack(payload.pack({}, payload.body(frames, samples, np.arange(7))))
    assert found["names"][:3] == ["a", "b b", "ç"]


def test_the_key_tells_what_is_drawn_and_not_what_is_selected() -> None:
    frames, samples = cloud()
    packed = payload.body(frames, samples, np.arange(7))
    other = payload.body(frames, samples, np.arange(6))

    def key(header: dict[str, Any], body: payload.Body) -> str:
        return str(unpack(payload.pack(header, body))[0]["key"])

    drawn = key({"view": "side", "pushed": None}, packed)
    assert key({"view": "side", "pushed": {"rows": [1]}}, packed) == drawn
    assert key({"view": "moving", "pushed": None}, packed) != drawn
    assert key({"view": "side", "pushed": None}, other) != drawn


def test_a_sample_has_the_same_share_of_every_domain_and_class() -> None:
    rng = np.random.default_rng(3)
    domains = (rng.random(20_000) < 0.3).astype(np.int8)
    labels = rng.choice([-1, 0, 1, 2], 20_000, p=[0.5, 0.3, 0.1999, 0.0001])
    rows = payload.sample(domains, labels, 1_000)
    assert len(rows) == 1_000
    assert np.array_equal(rows, np.unique(rows)), "in order, none twice"
    assert np.array_equal(rows, payload.sample(domains, labels, 1_000)), "by seed"
    assert not np.array_equal(rows, payload.sample(domains, labels, 1_000, seed=1))
    for domain in (0, 1):
        for label in (-1, 0, 1, 2):
            group = (domains == domain) & (labels == label)
            drawn = (domains[rows] == domain) & (labels[rows] == label)
            assert drawn.sum() >= min(1, group.sum()), "the rarest class is there"
            assert abs(drawn.sum() - group.sum() / 20) <= 1.5


def test_few_samples_are_all_drawn() -> None:
    assert payload.sample(np.array([0, 1, 1]), np.array([0, 0, 1]), 3).tolist() == [0, 1, 2]


def pictures(count: int, side: int, channels: int) -> NDArray[np.uint8]:
    """Images that are told apart by their brightness, with a darker right half."""
    images = np.empty((count, side, side, channels), np.uint8)
    images[:] = (40 + 200 * np.arange(count) // count)[:, None, None, None]
    images[:, :, side // 2 :] //= 2
    return images


@pytest.mark.parametrize(("side", "channels"), [(28, 1), (8, 3), (100, 3)])
def test_each_tile_of_the_sheet_is_its_sample(side: int, channels: int) -> None:
    images = pictures(7, side, channels)
    sheet, tile = thumbnails.sheet(images)
    whole = np.asarray(Image.open(io.BytesIO(sheet)).convert("RGB"))
    w, h, columns = tile["width"], tile["height"], tile["columns"]
    assert max(w, h) <= 48
    for i in range(7):
        top, left = i // columns * h, i % columns * w
        own = whole[top : top + h, left : left + w].mean(2)
        expected = thumbnails.shrunk(images)[i].mean(2)
        assert np.abs(own - expected).mean() < 6, i


def test_a_listed_image_is_exact() -> None:
    image = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    told = thumbnails.picture(image, '"><b>', 40)
    source = re.search(r'src="data:image/png;base64,([^"]+)"', told)
    assert source
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(source[1])))), image)
    assert "<b>" not in told


def test_rows_of_a_table_are_told_by_their_values() -> None:
    assert thumbnails.picture(np.array([0.25, -3.0], np.float32), "a", 40) == '<code title="a">0.25, -3</code>'
    assert thumbnails.values(np.arange(14.0).reshape(2, 7))[1] == "7, 8, 9, 10, 11, 12 …"


def test_neighbours_are_the_nearest_in_the_embedding() -> None:
    points = np.random.default_rng(1).normal(size=(60, 5)).astype(np.float32)
    found = nearest(points, [3, 59], 4)
    for row, near in zip([3, 59], found, strict=True):
        distances = np.linalg.norm(points.astype(float) - points[row], axis=1)
        assert near.tolist() == [i for i in np.argsort(distances) if i != row][:4]


def test_equally_near_neighbours_go_by_row() -> None:
    points = np.array([[0, 0], [1, 0], [0, 1], [-1, 0], [0, 0]], np.float32)
    assert nearest(points, [0], 9).tolist() == [[4, 1, 2, 3]]


def test_the_script_is_one_module() -> None:
    script = explorer_component.script()
    assert not re.search(r"^import ", script, re.MULTILINE)
    assert re.findall(r"^export .*?\(", script, re.MULTILINE) == ["export default function explorer("]
    on_disk = {path.stem for path in explorer_component.HERE.glob("*.js")}
    assert on_disk == set(explorer_component.MODULES)


# -- on the page --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Run]]:
    """A home with an adapted run, its twin and the pictures of every view."""
    patch = pytest.MonkeyPatch()
    patch.setenv("DTML_HOME", str(tmp_path_factory.mktemp("home")))
    experiment = Experiment(task={"name": "moons", "samples": 200}, alignment="dann", training=QUICK)
    runs = dict(train_all(Store(), experiment, ["twin"], lambda _run, _event: None))
    before, after = (last_state(runs[role].id) for role in ("twin", "adapted"))
    through = [(runs["adapted"].id, step) for step in RunFolder(runs["adapted"].id).steps()]
    for states in ([before, after], [(before[0], 0), before, after], through):
        compute_picture(picture_spec(states, "pca"))
    yield runs
    patch.undo()


def open_page(run: Run, **state: Any) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app" / "ui.py"), default_timeout=60)
    app.session_state["method"] = "pca"
    for key, value in state.items():
        app.session_state[key] = value
    app.run()
    app.switch_page("../pages/embeddings.py")
    app.query_params["run"] = run.id
    app.run()
    assert not app.exception, app.exception
    return app


def drawn(app: AppTest) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the explorer on the page got."""
    return unpack(app.get("bidi_component")[0].proto.bytes)


def listed(app: AppTest) -> list[int]:
    """The rows of the samples that are listed."""
    cards = [str(block.proto.body) for block in app.get("html")]
    return [int(found[1]) for card in cards if (found := re.match(r'<div class="dtml-sample" data-row="(\d+)"', card))]


def test_side_by_side_shows_before_and_after(trained: dict[str, Run]) -> None:
    header, found = drawn(open_page(trained["adapted"]))
    assert [state["title"].split(":")[0] for state in header["states"]] == ["Before", "After"]
    probe = read_arrays(RunFolder(trained["adapted"].id).probe)
    assert found["names"] == probe["ids"][found["rows"]].tolist()
    assert found["values"] == thumbnails.values(probe["inputs"])[found["rows"]].tolist()
    after = read_arrays(RunFolder(trained["adapted"].id).snapshot(20))["probabilities"].argmax(1)
    target = probe["domains"] == 1
    share = np.mean(after[target] == probe["labels"][target])
    assert f"target {100 * share:.1f} %" in header["states"][1]["note"]


@pytest.mark.parametrize(("view", "states"), [("moving", 3), ("training", 3)])
def test_the_other_views_have_their_states(trained: dict[str, Run], view: str, states: int) -> None:
    header, found = drawn(open_page(trained["adapted"], view=view))
    assert header["view"] == view
    assert len(header["states"]) == states
    assert len(found["coordinates"]) == states * 2 * len(found["rows"])
    assert header["trails"] == ([1, 2] if view == "moving" else [0, 2])


def test_only_the_chosen_domain_is_sent(trained: dict[str, Run]) -> None:
    _header, found = drawn(open_page(trained["adapted"], domains="target"))
    assert set(found["domains"].tolist()) == {1}


def test_a_colouring_that_is_not_there_says_why(trained: dict[str, Run]) -> None:
    header, _found = drawn(open_page(trained["adapted"]))
    reasons = {colouring["name"]: colouring.get("reason") for colouring in header["colours"]}
    assert reasons["confidence"] is None
    assert reasons["distrust"] == "not computed"


def test_selected_samples_are_listed_with_their_neighbours(trained: dict[str, Run]) -> None:
    run = trained["adapted"]
    app = open_page(run, **{selection.KEY: {run.id: [2, 60, 5]}})
    assert sorted(listed(app)) == [2, 5, 60]
    card = next(
        str(block.proto.body) for block in app.get("html") if 'class="dtml-sample" data-row="5"' in block.proto.body
    )
    before, after = (
        read_arrays(RunFolder(r.id).snapshot(20))["embeddings"].astype(np.float32) for r in (trained["twin"], run)
    )
    near = [int(row) for row in re.findall(r'<figure data-row="(\d+)"', card)]
    assert near == [*nearest(before, [5], 6)[0], *nearest(after, [5], 6)[0]]
    assert any("3 selected" in str(block.value) for block in app.markdown)


def test_many_selected_samples_are_paged(trained: dict[str, Run]) -> None:
    run = trained["adapted"]
    app = open_page(run, **{selection.KEY: {run.id: list(range(20))}})
    assert listed(app) == list(range(6))


def test_the_list_leads_the_picture(trained: dict[str, Run]) -> None:
    run = trained["adapted"]
    app = open_page(run, **{selection.KEY: {run.id: [2, 60]}})
    assert drawn(app)[0]["pushed"] is None
    app.button(key="alone-60").click().run()
    assert listed(app) == [60]
    assert drawn(app)[0]["pushed"] == {"run": run.id, "stamp": 1, "rows": [60]}
    app.button(key="samples-clear").click().run()
    assert listed(app) == []
    assert drawn(app)[0]["pushed"] == {"run": run.id, "stamp": 2, "rows": []}


def test_a_selection_belongs_to_its_run(trained: dict[str, Run]) -> None:
    app = open_page(trained["adapted"], **{selection.KEY: {"another": [2]}})
    assert listed(app) == []


def test_only_rows_that_exist_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, Any] = {}
    monkeypatch.setattr("app.selection.st.session_state", state)
    selection.take("a", [3, -1, 10, 9, "x", None, 3, 1.5], 10)
    assert selection.rows("a") == [3, 9]
    assert selection.rows("b") == []
    selection.take("a", None, 10)
    assert selection.rows("a") == []


def test_without_webgl_the_simple_figure_stands_in(trained: dict[str, Run]) -> None:
    app = open_page(trained["adapted"], **{selection.MISSING: True})
    assert "embeddings" in [chart.key for chart in app.get("plotly_chart")]
    assert len(app.get("bidi_component")) == 1, "the sentence that says so"


def test_a_colour_that_cannot_be_offered_says_why() -> None:
    reasons = {
        each["name"]: each.get("reason") for each in picture._colourings({"kept": np.ones((2, 3))}, labelled=False)
    }
    assert reasons["class"] is None
    assert reasons["kept"] is None
    assert reasons["distrust"] == reasons["domain_probability"] == "not computed"
    assert reasons["correctness"] == "no labels"
