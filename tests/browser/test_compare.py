"""Compare runs and see what changed, in real Chromium: sort, pin, move the boundary, find the flow, sweep."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from dtml import Experiment
from dtml.runs.foreground import train_all
from dtml.runs.records import Run
from dtml.runs.store import Store
from tests.conftest import QUICK
from tests.serving import dashboard, settled

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Run]]:
    """A home with DANN and CORAL, two seeds each, and their twins."""
    patch = pytest.MonkeyPatch()
    patch.setenv("DTML_HOME", str(tmp_path_factory.mktemp("home")))
    runs = []
    for alignment in ("dann", "coral"):
        for seed in (0, 1):
            each = Experiment(
                task={"name": "moons", "samples": 200}, alignment=alignment, seed=seed, training={**QUICK, "steps": 60}
            )
            runs.append(train_all(Store(), each, ["twin"], lambda _run, _event: None, again=False)["adapted"])
    yield runs
    patch.undo()


@pytest.fixture(scope="module")
def server(trained: list[Run]) -> Iterator[str]:
    from dtml import paths

    with dashboard(paths.home()) as address:
        yield address


def column(page: Any, table: int, number: int) -> list[str]:
    """A column of a table as it is told to a screen reader, from the top."""
    grid = page.locator('[data-testid="stDataFrame"]').nth(table)
    rows = grid.locator(f'td[aria-colindex="{number}"]').all()
    return [row.text_content() for row in rows]


def test_sort_the_table_and_pin_a_baseline(page: Any, server: str, trained: list[Run]) -> None:
    page.goto(f"{server}/compare?runs={','.join(run.id for run in trained)}")
    page.get_by_text("Methods over their seeds").wait_for()
    settled(page)
    page.locator('[data-testid="stDataFrame"]').nth(1).scroll_into_view_if_needed()
    page.wait_for_timeout(800)
    headings = page.locator('[data-testid="stDataFrame"]').nth(1).locator("th").all_text_contents()
    place = next(i for i, text in enumerate(headings, 1) if "Target accuracy" in text)
    first = [float(text.rstrip(" %")) for text in column(page, 1, place)]
    assert len(first) == 4
    assert first == sorted(first, reverse=True), "the best stands first"
    _click_heading(page, 1, headings, "Target accuracy")
    page.wait_for_timeout(800)
    assert [float(text.rstrip(" %")) for text in column(page, 1, place)] == sorted(first)

    page.get_by_role("combobox", name="Baseline").click()
    page.get_by_role("option", name="Deep CORAL").click()
    page.wait_for_function("location.search.includes('baseline=')")
    settled(page)
    page.wait_for_timeout(800)
    page.reload()
    page.get_by_text("Methods over their seeds").wait_for()
    settled(page)
    pinned = page.locator('[data-testid="stDataFrame"]').first.locator("td", has_text="the baseline")
    pinned.wait_for(state="attached")  # the address keeps what is pinned
    curves = page.locator(".js-plotly-plot").filter(has_text="target accuracy (probe)")
    assert curves.locator(".scatterlayer .trace").count() >= 6, "two seeds and a mean of two methods"


def _click_heading(page: Any, table: int, headings: list[str], name: str) -> None:
    """Click where the heading is drawn: the table is one canvas, its columns about as wide as each other."""
    grid = page.locator('[data-testid="stDataFrame"]').nth(table)
    grid.scroll_into_view_if_needed()
    box = grid.bounding_box()
    share = (next(i for i, text in enumerate(headings) if name in text) + 0.5) / len(headings)
    page.mouse.click(box["x"] + box["width"] * share, box["y"] + 16)


def test_what_changed_is_shown_below_the_picture(page: Any, server: str, trained: list[Run]) -> None:
    page.goto(f"{server}/embeddings?run={trained[0].id}")
    page.get_by_role("heading", name="What changed").wait_for(timeout=120_000)
    settled(page)
    flow = page.locator(".js-plotly-plot .sankey")
    flow.first.wait_for(timeout=60_000)
    assert page.locator(".sankey-link").count() >= 2
    assert "upper moon" in flow.first.text_content()
    page.get_by_text("Proxy A-distance").wait_for(timeout=180_000)  # the worker has measured

    plot = page.locator(".js-plotly-plot").filter(has=page.locator(".slider-container"))
    plot.scroll_into_view_if_needed()
    ground = plot.locator(".imagelayer image, .im image").first
    last = ground.get_attribute("href") or ground.get_attribute("xlink:href")
    assert "step 60" in plot.locator(".slider-container").text_content()
    plot.locator(".slider-rail-touch-rect").click(position={"x": 4, "y": 4}, force=True)
    page.wait_for_timeout(1500)
    assert "step 0" in plot.locator(".slider-container").text_content()
    moved = ground.get_attribute("href") or ground.get_attribute("xlink:href")
    assert moved != last, "another boundary is drawn"
    plot.get_by_text("Play").click()
    page.wait_for_timeout(4000)
    assert re.search(r"step (30|60)", plot.locator(".slider-container").text_content())


def test_a_sweep_is_launched_and_followed(page: Any, server: str, trained: list[Run]) -> None:
    page.goto(f"{server}/compare?runs={trained[0].id}")
    page.get_by_text("Launch a sweep").click()
    page.get_by_text("About", exact=False).first.wait_for()
    settled(page)
    seeds = page.get_by_role("spinbutton", name="Seeds")
    seeds.fill("3")
    seeds.press("Enter")
    page.wait_for_timeout(500)
    settled(page)
    for name in ("source only", "target only"):
        page.get_by_role("button", name=name).click()
        page.wait_for_timeout(500)
        settled(page)
    page.get_by_role("button", name=re.compile(r"Queue \d+ runs")).click()
    page.wait_for_function("decodeURIComponent(location.search).split('runs=')[1].includes(',')", timeout=60_000)
    chosen = page.evaluate("new URLSearchParams(location.search).get('runs').split(',')")
    assert trained[-1].id in chosen, "what has finished already is not trained again"
    assert len(chosen) == 3
    deadline = 60
    while deadline and any(not Store().run(identity).ended for identity in chosen):
        page.wait_for_timeout(2000)
        deadline -= 1
    assert {Store().run(identity).state for identity in chosen} == {"finished"}
    page.wait_for_timeout(3000)
    settled(page)
    assert page.locator('[data-testid="stProgress"]').filter(has_text="have ended").count() == 0
