"""Every test process has a home of its own, and speaks English."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

HOME = tempfile.TemporaryDirectory(prefix="dtml-tests-", ignore_cleanup_errors=True)
os.environ["DTML_HOME"] = HOME.name
os.environ["DTML_LANG"] = "en"
os.environ.pop("DTML_STORE", None)

import pytest  # noqa: E402

from dtml import Experiment  # noqa: E402
from dtml.runs.launcher import worker_environment  # noqa: E402

os.environ.update(worker_environment())

ROOT = Path(__file__).parent.parent
QUICK = {"steps": 20, "snapshots": 2, "batch_size": 16}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty `DTML_HOME`."""
    monkeypatch.setenv("DTML_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def moons() -> Experiment:
    """A run of a fraction of a second."""
    return Experiment(task={"name": "moons", "samples": 200}, alignment="dann", training=QUICK)


@pytest.fixture
def toml(tmp_path: Path, moons: Experiment) -> Path:
    """The same as a file."""
    path = tmp_path / "moons.toml"
    path.write_text(moons.to_toml(), "utf-8")
    return path
