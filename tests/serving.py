"""A dashboard of its own for a test, a benchmark or a screenshot, and the Chromium that looks at it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
]  # fmt: skip


def chromium() -> str | None:
    """The system's Chromium, if there is one."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextmanager
def dashboard(home: Path) -> Iterator[str]:
    """The address of a dashboard on a free loopback port for this home; it and its worker end with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "DTML_HOME": str(home)}
    command = [sys.executable, "-m", "dtml", "--port", str(port), "--no-browser"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_up(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)
        _end_worker(home)


def _wait_until_up(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        assert process.poll() is None, "the dashboard ended by itself"
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=2).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the dashboard did not come up")


def _end_worker(home: Path) -> None:
    """End the worker that the dashboard started; it may just be starting."""
    log, deadline = home / "worker.log", time.monotonic() + 5
    while not (told := log.read_text() if log.exists() else "") and time.monotonic() < deadline:
        time.sleep(0.2)
    for pid in re.findall(r"dtml worker (\d+)", told):
        try:
            os.kill(int(pid), signal.SIGTERM)
        except ProcessLookupError:
            continue


def settled(page: Any, timeout: float = 60_000) -> None:
    """Wait until a page has been drawn, and check that no exception is on it."""
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=timeout)
    page.wait_for_timeout(300)
    assert page.locator('[data-testid="stException"]').count() == 0
