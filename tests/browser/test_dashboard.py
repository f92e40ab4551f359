"""The main job in real Chromium: start the app, launch the default task by clicking, watch, look."""

from __future__ import annotations

import os
import re
import time
from typing import Any

import pytest

from dtml.experiment import Experiment
from tests.serving import settled

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def keep(page: Any, name: str) -> None:
    """A screenshot for a person to look at, where `DTML_SCREENSHOTS` names a folder."""
    folder = os.environ.get("DTML_SCREENSHOTS")
    if folder:
        page.mouse.move(700, 4)  # no hover on the picture
        page.wait_for_timeout(1500)
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_the_experiment_downloads_as_a_file_that_can_be_run_again(page: Any) -> None:
    page.get_by_role("link", name="Launch", exact=True).first.click()
    page.get_by_role("heading", name="Launch a run").wait_for()
    settled(page)
    page.get_by_text("The experiment as a file").click()
    settled(page)
    with page.expect_download(timeout=90_000) as waiting:
        page.get_by_role("button", name=re.compile("Download$")).click()
    experiment = Experiment.from_toml(waiting.value.path())
    assert waiting.value.suggested_filename == f"{experiment.task.name}.toml"
    shown = page.locator('[data-testid="stCode"]').first.inner_text()
    assert all(alignment.name in shown for alignment in experiment.alignment)


def test_launch_watch_look(page: Any) -> None:
    keep(page, "home-empty")
    page.get_by_role("link", name="Launch", exact=True).first.click()
    page.get_by_role("heading", name="Launch a run").wait_for()
    settled(page)
    keep(page, "launch")
    page.get_by_role("button", name=re.compile("Launch$")).last.click()
    page.get_by_role("heading", name="Runs", exact=True).wait_for(timeout=60_000)

    shares = _watch(page)
    assert len(shares) >= 3, f"the progress moved through {shares}"
    assert shares == sorted(shares)
    page.get_by_text("Target test accuracy, last checkpoint").wait_for(timeout=120_000)
    settled(page)

    page.get_by_role("button", name=re.compile("Look at the embeddings")).click()
    page.get_by_role("heading", name="Embeddings before and after adaptation").wait_for()
    page.locator("[data-explorer][data-key]").wait_for(timeout=120_000)
    settled(page)
    text = page.locator("[data-explorer] .titles").inner_text()
    assert "Before" in text
    assert "After" in text
    assert int(page.locator("[data-explorer]").get_attribute("data-shown")) > 1000
    keep(page, "embeddings")

    page.get_by_text("PCA", exact=False).first.click()
    page.locator("[data-explorer][data-key]").wait_for(timeout=60_000)
    settled(page)
    keep(page, "embeddings-pca")
    page.get_by_role("link", name="Runs", exact=True).first.click()
    page.get_by_text("Target test accuracy, last checkpoint").wait_for(timeout=60_000)
    settled(page)
    keep(page, "runs")


def _watch(page: Any) -> list[int]:
    """The percentages that the progress bar shows until the run has finished."""
    seen: list[int] = []
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        if page.get_by_role("button", name=re.compile("Look at the embeddings")).count():
            return seen
        bar = page.locator('[data-testid="stProgress"]').first
        told = bar.inner_text(timeout=1000) if bar.count() else ""
        found = re.search(r"(\d+) %", told)
        if found and (not seen or int(found[1]) != seen[-1]):
            seen.append(int(found[1]))
            if len(seen) == 3:
                keep(page, "runs-live")
        page.wait_for_timeout(400)
    raise AssertionError("the run did not finish")


@pytest.mark.parametrize("name", ["Home", "Launch", "Runs", "Embeddings", "Compare", "Methods"])
def test_every_page_speaks_both_languages(page: Any, name: str) -> None:
    if name != "Home":
        page.get_by_role("link", name=name, exact=True).first.click()
        settled(page)
    english = page.locator('[data-testid="stMain"]').inner_text()
    page.get_by_text("简体中文").first.click()
    page.wait_for_timeout(500)
    settled(page)
    chinese = page.locator('[data-testid="stMain"]').inner_text()
    keep(page, f"{name.lower()}-zh")
    assert not re.search(r"[\u4e00-\u9fff]", english.replace("简体中文", ""))
    assert len(re.findall(r"[\u4e00-\u9fff]", chinese)) > 20
    if name == "Launch":
        chosen = page.locator('[data-testid="stSelectbox"] input').first.input_value()
        assert "手写数字" in chosen, "what was chosen is told in the new language, too"
    page.reload()
    settled(page)
    assert re.search(r"[\u4e00-\u9fff]", page.locator("h1").first.inner_text()), "the address keeps the language"
