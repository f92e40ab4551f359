"""A dashboard with an empty home, and pages of fresh browsers that must not complain."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.serving import FLAGS, chromium, dashboard, settled

HARMLESS = re.compile(r"/(_stcore/health|_stcore/host-config)$")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    path = chromium()
    if path is None:
        reason = "no Chromium was found on this machine"
        pytest.fail(reason) if os.environ.get("DTML_TEST_NEEDS_BROWSER") else pytest.skip(reason)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The dashboard on a free loopback port with an empty home, and the worker it starts."""
    with dashboard(tmp_path_factory.mktemp("home")) as address:
        yield address


@pytest.fixture
def page(browser: Any, server: str) -> Iterator[Any]:
    """A page of a fresh visit; at the end there must have been no error and no foreign request."""
    complaints: list[str] = []
    visit = browser.new_context(viewport={"width": 1360, "height": 900}, locale="en-GB", accept_downloads=True)
    page = visit.new_page()
    page.on("pageerror", lambda error: complaints.append(f"page error: {error}"))
    page.on("console", lambda message: _complain(message, complaints))
    page.on("request", lambda request: _local_only(request.url, server, complaints))
    page.goto(server)
    settled(page)
    yield page
    visit.close()
    assert complaints == []


def _complain(message: Any, complaints: list[str]) -> None:
    if message.type == "error" and not HARMLESS.search(message.location.get("url", "")):
        complaints.append(f"console: {message.text} {message.location}")


def _local_only(url: str, server: str, complaints: list[str]) -> None:
    if not url.startswith((server, "data:", "blob:")):
        complaints.append(f"a request left the machine: {url}")
