"""The exported file in real Chromium, from disk, with the network cut."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dtml import Experiment
from dtml.figures import embeddings as scatter
from dtml.report import report
from dtml.runs.foreground import train_all
from dtml.runs.store import Store
from dtml.runs.story import tell
from tests.browser.test_dashboard import keep
from tests.conftest import QUICK

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """A report on one run, one whose embeddings are drawn by WebGL, and a comparison."""
    patch = pytest.MonkeyPatch()
    folder = tmp_path_factory.mktemp("home")
    patch.setenv("DTML_HOME", str(folder))
    experiment = Experiment(task={"name": "moons", "samples": 200}, alignment="dann", training=QUICK)
    runs = [
        train_all(Store(), each, ["twin"], lambda _run, _event: None)["adapted"]
        for each in (experiment, experiment.replace(seed=1))
    ]
    stories = [tell(Store(), run) for run in runs]
    written = {name: folder / f"{name}.html" for name in ("run", "webgl", "comparison")}
    written["run"].write_text(report(stories[:1]), "utf-8")
    written["comparison"].write_text(report(stories), "utf-8")
    patch.setattr(scatter, "MANY", 10)
    written["webgl"].write_text(report(stories[:1]), "utf-8")
    yield written
    patch.undo()


@contextmanager
def opened(browser: Any, path: Path, scheme: str) -> Iterator[Any]:
    """The file without a network; at the end there must have been no error, and no request but for itself."""
    complaints: list[str] = []
    visit = browser.new_context(viewport={"width": 1280, "height": 720}, color_scheme=scheme, accept_downloads=True)
    visit.set_offline(True)
    page = visit.new_page()
    page.on("pageerror", lambda error: complaints.append(f"page error: {error}"))
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on(
        "request", lambda r: complaints.append(r.url) if not r.url.startswith(("file:", "data:", "blob:")) else None
    )
    page.goto(path.as_uri())
    page.wait_for_function("[...document.querySelectorAll('.figure')].every(f => f.querySelector('.main-svg'))")
    page.wait_for_timeout(500)
    yield page
    visit.close()
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("name", "figures"), [("run", 3), ("comparison", 3)])
def test_it_opens_offline_and_draws(browser: Any, files: dict[str, Path], name: str, figures: int, scheme: str) -> None:
    with opened(browser, files[name], scheme) as page:
        assert page.locator(".figure").count() >= figures
        assert page.locator(".figure .scatterlayer .trace .points path").count() > 300
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(15, 20, 28)"}[scheme]
        drawn = page.evaluate(
            "[...document.querySelectorAll('.figure')].map(f => f.layout.template.layout.paper_bgcolor)"
        )
        assert set(drawn) == {{"light": "#ffffff", "dark": "#0f141c"}[scheme]}
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280
        keep(page, f"report-{name}-{scheme}")


def test_it_follows_the_scheme_while_it_is_open(browser: Any, files: dict[str, Path]) -> None:
    with opened(browser, files["run"], "light") as page:
        page.emulate_media(color_scheme="dark")
        page.wait_for_function("document.querySelector('.figure').layout.template.layout.paper_bgcolor == '#0f141c'")


def test_a_legend_hides_a_class_in_both_panels(browser: Any, files: dict[str, Path]) -> None:
    with opened(browser, files["run"], "light") as page:
        figure = page.locator(".figure").first
        before = figure.locator(".scatterlayer .trace .points path").count()
        figure.locator(".legend .legendtoggle").first.click()
        page.wait_for_timeout(800)
        after = figure.locator(".scatterlayer .trace .points path").count()
        assert after < 0.6 * before


def test_webgl_draws_too(browser: Any, files: dict[str, Path]) -> None:
    """Plotly compiles drawing code at run time, which the file's own policy has to allow."""
    with opened(browser, files["webgl"], "light") as page:
        canvas = page.locator(".figure").first.locator("canvas.gl-canvas-context")
        assert canvas.count() == 1
        data = page.evaluate(
            "Plotly.toImage(document.querySelector('.figure'), {format: 'png'}).then(url => url.length)"
        )
        assert data > 20_000


def test_pictures_come_out_as_png_and_svg(browser: Any, files: dict[str, Path]) -> None:
    with opened(browser, files["run"], "light") as page:
        figure = page.locator(".figure").first
        figure.hover()
        for title, suffix in (("Download plot as", "png"), ("Download as SVG", "svg")):
            with page.expect_download() as waiting:
                figure.locator(
                    f'.modebar-btn[data-title^="{title}"], .modebar-btn[aria-label^="{title}"]'
                ).first.click()
            assert waiting.value.suggested_filename.endswith(f"-embeddings.{suffix}")
            content = Path(waiting.value.path()).read_bytes()
            if suffix == "svg":
                assert b"seed 0" in content
            else:
                assert content.startswith(b"\x89PNG")
