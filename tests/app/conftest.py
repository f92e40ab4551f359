"""Pages ask for a worker; here nobody answers."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _nothing_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks hears that a worker is alive."""
    monkeypatch.setattr("dtml.runs.launcher.worker_alive", lambda: True)
