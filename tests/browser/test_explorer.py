"""The explorer in real Chromium: what is drawn around is what is selected, listed and shown."""

from __future__ import annotations

import base64
import io
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from app.neighbours import nearest
from dtml.experiment import Experiment
from dtml.runs.folder import RunFolder, read_arrays, write_arrays
from dtml.runs.foreground import train_all
from dtml.runs.pictures import (
    State,
    ask_for_picture,
    compute_picture,
    compute_quality,
    last_state,
    picture_file,
    picture_key,
    picture_spec,
    read_picture,
)
from dtml.runs.store import Store
from tests.serving import dashboard, settled

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

QUICK = {"steps": 30, "snapshots": 3, "batch_size": 32}


class Trained:
    """An adapted run on digits and its twin, with the pictures of every view."""

    def __init__(self, home: Path) -> None:
        self.home = home
        experiment = Experiment(task={"name": "digits", "copies": 2}, alignment="dann", training=QUICK)
        runs = train_all(Store(), experiment, ["twin"], lambda _run, _event: None)
        self.run, twin = runs["adapted"].id, runs["twin"].id
        self.before, self.after = last_state(twin), last_state(self.run)
        self.probe = read_arrays(RunFolder(self.run).probe)
        steps = RunFolder(self.run).steps()
        self.side = self._lay_out([self.before, self.after])
        self.moving = self._lay_out([(twin, 0), self.before, self.after])
        self.training = self._lay_out([(self.run, step) for step in steps])

    @staticmethod
    def _lay_out(states: list[State]) -> list[NDArray[np.float32]]:
        """Principal components, kept for the default projection, too: which one it is does not matter here."""
        compute_picture(picture_spec(states, "pca"))
        places = read_picture(picture_spec(states, "pca"))
        assert places is not None
        write_arrays(picture_file(picture_spec(states)), **{f"state{i}": each for i, each in enumerate(places)})
        compute_quality(picture_spec(states))
        ask_for_picture(Store(), picture_spec(states))
        Store().end_job(picture_key(picture_spec(states)))  # else the worker would draw its own over it
        return places


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    home = tmp_path_factory.mktemp("home")
    patch = pytest.MonkeyPatch()
    patch.setenv("DTML_HOME", str(home))
    yield Trained(home)
    patch.undo()


@pytest.fixture(scope="module")
def server(trained: Trained) -> Iterator[str]:
    with dashboard(trained.home) as address:
        yield address


class Explorer:
    """The explorer on a page, as a person and as a test see it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.root = page.locator("[data-explorer][data-key]")
        self.root.wait_for(timeout=60_000)
        settled(page)
        page.wait_for_function("() => !document.querySelector('[data-testid=stProgress]')", timeout=120_000)
        settled(page)  # nothing that is still measured moves the picture under the pointer
        page.wait_for_function("e => e.dataset.frame !== undefined", arg=self.root.element_handle())

    def data(self, name: str) -> str:
        return str(self.root.get_attribute(f"data-{name}"))

    def until(self, name: str, value: str, timeout: float = 20_000) -> None:
        self.page.wait_for_function(
            "([e, name, value]) => e.dataset[name] === value",
            arg=[self.root.element_handle(), name, value],
            timeout=timeout,
        )

    @property
    def selected(self) -> list[int]:
        return list(self.root.evaluate("e => e.explorer.selected"))

    @property
    def camera(self) -> dict[str, float]:
        return dict(self.root.evaluate("e => e.explorer.camera"))

    def place(self, row: int, panel: int = 0) -> NDArray[np.float64]:
        return np.array(self.root.evaluate("(e, [row, panel]) => e.explorer.place(row, panel)", [row, panel]))

    def on_page(self, place: NDArray[Any], panel: int = 0) -> tuple[float, float]:
        at = [float(place[0]), float(place[1]), panel]
        x, y = self.root.evaluate("(e, [x, y, panel]) => e.explorer.locate(x, y, panel)", at)
        return x, y

    def draw_around(self, middle: NDArray[Any], across: float, tall: float, panel: int = 0) -> list[list[float]]:
        """Draws an oval lasso of so many pixels about a data place; returns its corners in the data."""
        x, y = self.on_page(middle, panel)
        corners = [(x + across * math.cos(t), y + tall * math.sin(t)) for t in np.linspace(0, 6.1, 30)]
        self.page.mouse.move(*corners[0])
        self.page.mouse.down()
        for corner in corners[1:]:
            self.page.mouse.move(*corner)
        self.page.mouse.up()
        return list(self.root.evaluate("e => e.explorer.lasso.polygon"))

    def pixels(self) -> NDArray[np.uint8]:
        return np.asarray(Image.open(io.BytesIO(self.page.screenshot())).convert("RGB"))


@pytest.fixture
def explorer(page: Any, server: str, trained: Trained) -> Explorer:
    page.goto(f"{server}/embeddings?run={trained.run}")
    settled(page)
    return Explorer(page)


def inside(polygon: list[list[float]], points: NDArray[np.float32]) -> list[int]:
    """Rows of the points inside a polygon, by the winding number."""
    corners = np.array(polygon)
    rays = corners[None] - points[:, None].astype(np.float64)
    ahead = np.roll(rays, -1, axis=1)
    cross = rays[..., 0] * ahead[..., 1] - rays[..., 1] * ahead[..., 0]
    turned = np.arctan2(cross, (rays * ahead).sum(-1)).sum(1)
    return [int(row) for row in np.flatnonzero(np.abs(turned) > math.pi)]


def keep(page: Any, name: str) -> None:
    """A screenshot for a person to look at, where `DTML_SCREENSHOTS` names a folder."""
    if os.environ.get("DTML_SCREENSHOTS"):
        page.screenshot(path=f"{os.environ['DTML_SCREENSHOTS']}/{name}.png")


def cards(page: Any) -> dict[int, Any]:
    """The listed samples by row."""
    page.locator(".dtml-sample").first.wait_for(timeout=20_000)
    settled(page)
    return {int(card.get_attribute("data-row")): card for card in page.locator(".dtml-sample").all()}


def image_of(card: Any) -> NDArray[np.uint8]:
    source = card.locator(".own img").get_attribute("src").split(",", 1)[1]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source))))


def test_the_lasso_selects_what_it_surrounds_and_lists_the_right_images(explorer: Explorer, trained: Trained) -> None:
    page = explorer.page
    page.get_by_role("button", name=re.compile("Lasso")).click()
    polygon = explorer.draw_around(np.median(trained.side[0], axis=0), 70, 50)
    expected = inside(polygon, trained.side[0])
    assert 3 < len(expected) < len(trained.side[0]) / 2
    assert explorer.selected == expected
    keep(page, "explorer-lasso")

    page.get_by_text(f"{len(expected)} selected", exact=True).last.wait_for()
    listed = cards(page)
    assert list(listed) == expected[:6]
    for row, card in listed.items():
        own = trained.probe["inputs"][row]
        assert np.array_equal(image_of(card), own[..., 0] if own.shape[2] == 1 else own), row
        assert str(trained.probe["ids"][row]) in card.inner_text()
    keep(page, "explorer-list")


def test_a_sample_is_listed_with_its_neighbours_in_both_states(explorer: Explorer, trained: Trained) -> None:
    row = int(np.argmax(trained.side[1][:, 0]))
    explorer.page.mouse.click(*explorer.on_page(trained.side[1][row], 1))
    assert explorer.selected == [row]
    near = [int(f.get_attribute("data-row")) for f in cards(explorer.page)[row].locator("figure").all()]
    expected = [
        nearest(read_arrays(RunFolder(run).snapshot(step))["embeddings"], [row], 6)[0].tolist()
        for run, step in (trained.before, trained.after)
    ]
    assert near == expected[0] + expected[1]


def test_what_is_selected_on_one_side_stands_out_on_the_other(explorer: Explorer, trained: Trained) -> None:
    loneliest = lonely(trained.side[1], trained.probe["domains"] == 0)
    chosen, other = loneliest[0], loneliest[1]
    explorer.page.mouse.click(*explorer.on_page(trained.side[0][chosen], 0))
    explorer.until("selected", "1")
    chosen = explorer.selected[0]
    explorer.page.mouse.move(5, 400)
    explorer.page.wait_for_timeout(300)
    shot = explorer.pixels()
    bright, faded = (
        vividness(shot, explorer.on_page(trained.side[1][row], 1)) for row in (chosen, other if other != chosen else 0)
    )
    assert bright > 60
    assert faded < bright / 2


def lonely(points: NDArray[np.float32], allowed: NDArray[np.bool_]) -> list[int]:
    """The allowed rows, the one farthest from its nearest other point first."""
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    return [int(row) for row in np.argsort(-np.where(allowed, apart.min(1), -1))]


def vividness(shot: NDArray[np.uint8], at: tuple[float, float]) -> float:
    """How far from grey the middle of a point is."""
    x, y = round(at[0]), round(at[1])
    patch = shot[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3).astype(float)
    return float((patch.max(1) - patch.min(1)).max())


def test_the_list_leads_the_picture(explorer: Explorer, trained: Trained) -> None:
    explorer.page.keyboard.down("Shift")
    explorer.draw_around(np.median(trained.side[0], axis=0), 70, 50)
    explorer.page.keyboard.up("Shift")
    rows = list(cards(explorer.page))
    assert len(rows) == 6
    explorer.page.locator(f".st-key-alone-{rows[2]} button").click()
    explorer.until("selected", "1")
    assert explorer.selected == [rows[2]]
    explorer.page.locator(".st-key-samples-clear button").click()
    explorer.until("selected", "0")
    explorer.page.get_by_text("Click a sample, or draw around several").wait_for()


def test_the_scrubber_moves_the_points(explorer: Explorer, trained: Trained) -> None:
    explorer.page.get_by_text("Moving", exact=True).click()
    explorer.until("view", "moving")
    scrubber = explorer.page.locator("[data-explorer] .scrubber")
    start, before, after = trained.moving
    for frame, expected in [("0", start), ("1", before), ("2", after), ("1.5", (before + after) / 2)]:
        scrubber.fill(frame)
        explorer.until("frame", f"{float(frame):.2f}")
        for row in (0, 17, len(start) - 1):
            assert np.allclose(explorer.place(row), expected[row], atol=1e-4), (frame, row)
    keep(explorer.page, "explorer-moving")


def test_play_goes_through_training_to_the_end(explorer: Explorer, trained: Trained) -> None:
    explorer.page.get_by_text("Through training", exact=True).click()
    explorer.until("view", "training")
    explorer.page.locator("[data-explorer] .scrubber").fill("1.9")
    explorer.page.get_by_role("button", name="Play", exact=True).click()
    explorer.page.get_by_role("button", name="Pause", exact=True).wait_for()
    last = len(trained.training) - 1
    explorer.until("frame", f"{last:.2f}", timeout=60_000)
    explorer.until("playing", "false")
    assert np.allclose(explorer.place(5), trained.training[last][5], atol=1e-4)
    step = RunFolder(trained.run).steps()[-1]
    assert explorer.page.locator("[data-explorer] .titles").inner_text() == f"Step {step}"


def test_trails_can_be_drawn(explorer: Explorer) -> None:
    explorer.page.get_by_text("Moving", exact=True).click()
    explorer.until("view", "moving")
    explorer.page.mouse.move(5, 400)
    without = explorer.pixels()
    explorer.page.get_by_label("Trails").check()
    explorer.until("trails", "true")
    explorer.page.wait_for_timeout(200)
    assert (np.abs(explorer.pixels().astype(int) - without).sum(2) > 30).sum() > 2000
    keep(explorer.page, "explorer-trails")


def test_the_words_of_the_legend_are_switches(explorer: Explorer, trained: Trained) -> None:
    labels, domains = trained.probe["labels"], trained.probe["domains"]
    legend = explorer.page.locator("[data-explorer] .legend")
    three = legend.get_by_role("button", name="3", exact=True)
    three.click()
    explorer.until("shown", str(int((labels != 3).sum())))
    assert three.get_attribute("aria-pressed") == "false"
    three.click()
    three.dblclick()
    explorer.until("shown", str(int((labels == 3).sum())))
    legend.get_by_role("button", name="target").click()
    explorer.until("shown", str(int(((labels == 3) & (domains == 0)).sum())))

    explorer.page.keyboard.down("Shift")
    box = explorer.page.locator("[data-explorer] .stage").bounding_box()
    polygon = explorer.draw_around(np.array([explorer.camera["x"], explorer.camera["y"]]), box["width"] / 4.1, 180)
    explorer.page.keyboard.up("Shift")
    seen = [row for row in inside(polygon, trained.side[0]) if labels[row] == 3 and domains[row] == 0]
    assert seen
    assert explorer.selected == seen, "what is hidden cannot be selected"


def test_search_finds_classes_and_names(explorer: Explorer, trained: Trained) -> None:
    field = explorer.page.get_by_role("searchbox")
    field.fill("patch 1")
    named = [row for row, name in enumerate(trained.probe["ids"]) if "patch 1" in name]
    explorer.until("found", str(len(named)))
    assert explorer.selected == []
    field.press("Enter")
    explorer.until("selected", str(len(named)))
    assert explorer.selected == named
    field.fill("no such sample")
    explorer.until("found", "0")
    field.press("Escape")
    explorer.until("found", "")
    assert explorer.selected == named


def test_the_keyboard_does_it_all(explorer: Explorer, trained: Trained) -> None:
    page = explorer.page
    page.get_by_text("Moving", exact=True).click()
    explorer.until("view", "moving")
    page.locator("[data-explorer] .colour").focus()
    reached = []
    for _unused in range(9):
        reached.append(page.evaluate("() => document.activeElement.shadowRoot.activeElement.className"))
        page.keyboard.press("Tab")
    assert reached == ["colour", "search", "icon lasso", "icon", "icon play", "scrubber", "trails", "", "switch"]

    page.locator("[data-explorer] canvas").focus()
    begun = explorer.camera
    page.keyboard.press("ArrowRight")
    assert explorer.camera["x"] > begun["x"]
    page.keyboard.press("ArrowUp")
    assert explorer.camera["y"] > begun["y"]
    page.keyboard.press("+")
    assert explorer.camera["scale"] > begun["scale"]
    page.keyboard.press("0")
    assert explorer.camera == begun
    explorer.until("frame", "1.00")
    page.keyboard.press("Space")
    explorer.until("playing", "true")
    page.keyboard.press("Space")
    explorer.until("playing", "false")
    x, y = explorer.on_page(explorer.place(3))
    page.mouse.click(x, y)
    assert len(explorer.selected) == 1
    page.keyboard.press("Escape")
    assert explorer.selected == []


def test_the_wheel_scrolls_the_page_until_the_picture_has_the_focus(explorer: Explorer) -> None:
    page = explorer.page
    begun = explorer.camera
    middle = np.array([begun["x"], begun["y"]])
    page.mouse.move(*explorer.on_page(middle, 0))
    page.mouse.wheel(0, -100)
    page.wait_for_timeout(200)
    assert explorer.camera["scale"] == begun["scale"]
    page.locator("[data-explorer] canvas").focus()
    page.mouse.move(*explorer.on_page(middle, 0))
    page.mouse.wheel(0, -300)
    page.wait_for_timeout(200)
    assert explorer.camera["scale"] > begun["scale"] * 1.2
    x, y = explorer.on_page(middle, 0)
    other, _y = explorer.on_page(middle, 1)
    box = page.locator("[data-explorer] .stage").bounding_box()
    assert other - x == pytest.approx((box["width"] + 10) / 2, abs=1), "both panels are zoomed alike"


def test_hovering_shows_the_samples_own_thumbnail(explorer: Explorer, trained: Trained) -> None:
    inputs, wrong = trained.probe["inputs"].astype(float), []
    for row in lonely(trained.side[0], trained.probe["domains"] >= 0)[:4]:
        explorer.page.mouse.move(*explorer.on_page(trained.side[0][row], 0))
        explorer.until("hovered", str(row))
        explorer.page.wait_for_timeout(200)
        assert str(trained.probe["ids"][row]) in explorer.page.locator("[data-explorer] .hover").inner_text()
        shot = explorer.page.locator("[data-explorer] .thumbnail").screenshot()
        shown = Image.open(io.BytesIO(shot)).convert("RGB").resize((28, 28), Image.Resampling.BOX)
        apart = np.abs(inputs - np.asarray(shown, float)).mean((1, 2, 3))
        wrong += [] if int(apart.argmin()) == row else [row]
    assert wrong == []
    keep(explorer.page, "explorer-hover")


def test_colours_can_tell_right_from_wrong(explorer: Explorer) -> None:
    choice = explorer.page.locator("[data-explorer] .colour")
    choice.select_option("correctness")
    explorer.until("colour", "correctness")
    assert "right" in explorer.page.locator("[data-explorer] .legend").inner_text()
    for name in ("domain_probability", "kept", "distrust"):
        before = explorer.pixels()
        choice.select_option(name)
        explorer.until("colour", name)
        assert (explorer.pixels() != before).any(), name
    keep(explorer.page, "explorer-distrust")


def test_the_last_step_stays_chosen_when_the_controls_open_late(explorer: Explorer, trained: Trained) -> None:
    """The slider is mounted with the popover, after the page has been drawn several times."""
    page = explorer.page
    page.get_by_text("PCA", exact=True).first.click()
    page.wait_for_timeout(1500)
    settled(page)
    page.get_by_role("button", name=re.compile("More")).click()
    slider = page.get_by_role("slider").first
    slider.wait_for()
    assert str(trained.after[1]) in (
        slider.get_attribute("aria-valuetext") or page.get_by_test_id("stSlider").inner_text()
    )
    page.get_by_text("Untrained start").click()
    settled(page)
    assert "untrained=True" in page.url
    assert "after=" not in page.url


def test_the_simple_figure_stands_in_on_request(explorer: Explorer) -> None:
    explorer.page.get_by_role("button", name=re.compile("More")).click()
    explorer.page.get_by_text("Simple figure").click()
    explorer.page.locator(".st-key-embeddings .js-plotly-plot").wait_for(timeout=60_000)
    settled(explorer.page)
    assert explorer.page.locator("[data-explorer]").count() == 0


def test_the_simple_figure_stands_in_without_webgl(page: Any, server: str, trained: Trained) -> None:
    page.add_init_script(
        "const real = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...more) {"
        "  return kind === 'webgl2' ? null : real.call(this, kind, ...more); };"
    )
    page.goto(f"{server}/embeddings?run={trained.run}")
    page.get_by_text("This browser offers no WebGL").wait_for(timeout=60_000)
    page.locator(".st-key-embeddings .js-plotly-plot").wait_for(timeout=60_000)
    settled(page)


def test_the_context_goes_back_when_the_page_is_left(page: Any, server: str, trained: Trained) -> None:
    page.add_init_script(
        "const real = HTMLCanvasElement.prototype.getContext; window.made = [];"
        "HTMLCanvasElement.prototype.getContext = function (...given) {"
        "  const got = real.apply(this, given);"
        "  if (given[0] === 'webgl2' && !window.made.includes(got)) window.made.push(got); return got; };"
    )
    page.goto(f"{server}/embeddings?run={trained.run}")
    Explorer(page)
    assert page.evaluate("() => window.made.map(gl => gl.isContextLost())") == [False], "one context for both panels"
    page.get_by_role("link", name="Methods", exact=True).first.click()
    page.get_by_role("heading", name="Methods").first.wait_for()
    settled(page)
    assert page.evaluate("() => window.made.map(gl => gl.isContextLost())") == [True]
