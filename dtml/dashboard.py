"""Starts the dashboard's server. The pages themselves are no part of this package."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from threading import Timer

from dtml.runs.launcher import start_worker, worker_alive

WARM_AFTER = 2.0
"""Seconds after which the worker is started: its imports and those of the first page would hinder each other."""


def _warm_up() -> None:
    if not worker_alive():
        start_worker()


def root() -> Path:
    """The folder that holds `app/`, `pages/` and `assets/`: inside an installed package, beside it in a clone."""
    package = Path(__file__).parent
    return package / "_ui" if (package / "_ui").exists() else package.parent


def serve(port: int, browser: bool) -> None:
    """Serve the dashboard on the loopback address until stopped; its worker warms up once the first page is there."""
    from streamlit.web import cli

    warming = Timer(WARM_AFTER, _warm_up)
    warming.daemon = True
    warming.start()
    options = [f"--server.port={port or free_port()}", f"--server.headless={str(not browser).lower()}"]
    sys.argv = ["streamlit", "run", str(root() / "app" / "main.py"), *options]
    cli.main()


def free_port(preferred: int = 8501) -> int:
    """Streamlit's usual port where nothing listens there, else a free one."""
    for candidate in (preferred, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port on the loopback address")
