"""How many frames a second the explorer draws, and what its script takes of each, at 20,000 and 100,000 points.

With software WebGL, as in continuous integration, the frames say little about a real graphics card; the script's
milliseconds do not depend on it.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest

from app import explorer_component, payload
from app.picture import _words
from dtml.figures.palette import GREY, PALETTE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGE = """<!doctype html><meta charset="utf-8"><style>%s</style><body style="margin: 0; width: 1200px">
<div id="place" style="--st-background-color: #ffffff; --st-text-color: #31333f"></div></body>"""


def cloud(count: int, states: int = 2) -> bytes:
    """A payload of so many made-up samples: ten clusters that move."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, count)
    middles = rng.normal(size=(states, 10, 2)) * 5
    frames = [
        payload.Frame(str(state), "", (middles[state, labels] + rng.normal(size=(count, 2))).astype(np.float32), chance)
        for state, chance in enumerate(rng.dirichlet(np.ones(10), (states, count)))
    ]
    domains = np.asarray(rng.random(count) < 0.5, np.int8)
    samples = payload.Samples(labels, domains, np.array([f"sample {i}" for i in range(count)]))
    header = {
        "samples": "made up", "view": "moving", "height": 400, "start": 0, "trails": [0, states - 1],
        "states": [{"title": frame.title, "note": ""} for frame in frames],
        "classes": [str(label) for label in range(10)], "palette": list(PALETTE), "grey": GREY,
        "domainColours": list(PALETTE[:2]), "colours": [{"name": "class", "title": "class"}], "words": _words(),
        "alt": "", "sheet": None, "pushed": None,
    }  # fmt: skip
    rows = payload.order(domains, np.arange(count))
    return payload.pack(header, payload.body(frames, samples, rows))


@pytest.mark.parametrize("count", [20_000, 100_000])
def test_points_move(browser: Any, count: int, capsys: pytest.CaptureFixture[str]) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.set_content(PAGE % (explorer_component.HERE / "style.css").read_text("utf-8"))
    page.evaluate("script => { window.script = script; }", explorer_component.script())
    loaded = page.evaluate(
        """async (text) => {
          const url = URL.createObjectURL(new Blob([window.script], { type: "text/javascript" }));
          const explorer = (await import(url)).default;
          const data = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
          const begun = performance.now();
          explorer({ data, parentElement: document.getElementById("place"), setStateValue: () => {} });
          return performance.now() - begun;
        }""",
        base64.b64encode(cloud(count)).decode(),
    )
    root = page.locator("[data-explorer]")
    page.wait_for_function("e => e.explorer.stats.frames > 0", arg=root.element_handle())
    page.locator(".play").click()
    measured = page.evaluate(
        """async () => {
          const root = document.querySelector("[data-explorer]");
          const [begun, before] = [performance.now(), root.explorer.stats];
          await new Promise((done) => setTimeout(done, 1200));
          const { frames, milliseconds } = root.explorer.stats;
          const drawn = frames - before.frames;
          const seconds = (performance.now() - begun) / 1000;
          return { frames_a_second: drawn / seconds, script_ms_a_frame: (milliseconds - before.milliseconds) / drawn };
        }"""
    )
    page.locator(".scrubber").fill("0.5")
    hovered = page.evaluate(
        """() => {
          const canvas = document.querySelector("[data-explorer] canvas");
          const { left, top } = canvas.getBoundingClientRect();
          const begun = performance.now();
          for (let i = 0; i < 100; i++) {
            const at = { clientX: left + 200 + 8 * i, clientY: top + 150, bubbles: true };
            canvas.dispatchEvent(new PointerEvent("pointermove", at));
          }
          return (performance.now() - begun) / 100;
        }"""
    )
    with capsys.disabled():
        told = {"points": count, "load_ms": loaded, **measured, "hover_ms": hovered}
        print("\n" + json.dumps({name: round(float(value), 2) for name, value in told.items()}))
    assert measured["frames_a_second"] > 0
    assert root.get_attribute("data-shown") == str(count)
    page.close()
