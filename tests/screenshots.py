"""Screenshots of every page to look at: `uv run python -m tests.screenshots FOLDER [HOME]`.

Light and dark, English and Chinese, as on a projector (1280×720) and as long as the page is. Without HOME, which
is a `DTML_HOME` with runs, a small home is trained first. Text that is cut and exceptions are listed.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from dtml.experiment import Experiment
from dtml.runs.records import Run
from dtml.runs.store import Store
from tests.serving import FLAGS, chromium, dashboard, settled

PAGES = ("", "tasks", "choose", "launch", "runs", "embeddings", "compare", "methods")
LANGUAGES = ("en", "zh_CN")
QUIET = "() => !document.querySelector('[data-testid=stMain] [data-testid=stProgress]')"
"""Nothing is computed any more."""
CUT = """() => [...document.querySelectorAll('[data-testid="stMain"] *')]
  .filter(e => e.children.length === 0 && e.textContent.trim() && e.scrollWidth > e.clientWidth + 1
               && ['hidden', 'clip'].includes(getComputedStyle(e).overflowX) && e.clientWidth > 0)
  .map(e => e.textContent.trim().slice(0, 60))"""
WIDE = """() => { const m = document.querySelector('[data-testid="stMain"]'); return m.scrollWidth - m.clientWidth }"""


def main(folder: Path, home: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["DTML_HOME"] = str(home)
    run = _newest() or _trained()
    with dashboard(home) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        for scheme in ("light", "dark"):
            visit = browser.new_context(viewport={"width": 1280, "height": 720}, color_scheme=scheme)  # type: ignore[arg-type]
            page = visit.new_page()
            for name in PAGES:
                for language in LANGUAGES:
                    page.goto(f"{address}/{name}?lang={language}&run={run.id}")
                    _shoot(page, folder, f"{name or 'home'}-{scheme}-{language}")
            visit.close()
        browser.close()


def _newest() -> Run | None:
    """The newest finished adapted run."""
    return next((run for run in Store().runs(states=["finished"]) if run.role == "adapted"), None)


def _trained() -> Run:
    """A small home: the digits and two seeds of the moons, each with its references."""
    from dtml.runs.foreground import train_all

    digits = Experiment(task="digits", alignment={"name": "dann", "ceiling": 0.5}, training={"steps": 300})
    moons = Experiment(task="moons", alignment="dann", training={"steps": 300})
    for experiment in (moons, moons.replace(seed=1), digits):
        runs = train_all(Store(), experiment, ["twin", "source_only", "target_only"], lambda _run, _event: None)
    return runs["adapted"]


def _shoot(page: Any, folder: Path, name: str) -> None:
    """The page as a projector shows it, and its whole length; what is wrong with it is printed."""
    page.set_viewport_size({"width": 1280, "height": 720})
    settled(page)
    page.wait_for_timeout(1500)
    page.wait_for_function(QUIET, timeout=180_000)
    settled(page)
    page.wait_for_timeout(1000)
    page.screenshot(path=str(folder / f"{name}.png"))
    length = page.evaluate("""() => document.querySelector('[data-testid="stMainBlockContainer"]').scrollHeight""")
    page.set_viewport_size({"width": 1280, "height": min(6000, max(720, length + 60))})
    page.wait_for_timeout(1500)
    page.screenshot(path=str(folder / f"{name}-long.png"))
    cut, wide = page.evaluate(CUT), page.evaluate(WIDE)
    print(name, f"cut: {cut}" if cut else "", f"wider than the page by {wide} px" if wide > 0 else "")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else Path(temporary))
