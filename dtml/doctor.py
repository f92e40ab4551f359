"""What is installed, which device, where things are kept, what is wrong and how to mend it."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from dtml import catalogue, own, paths, vocabulary
from dtml.errors import Problem
from dtml.language import _

PACKAGES = ("streamlit", "torch", "torchvision", "umap-learn", "plotly", "scikit-learn", "pydantic", "SQLAlchemy")
LOW_DISK = 2 << 30


@dataclass(frozen=True)
class Finding:
    """One fact; `mend` says what to do where it is wrong, `absent` that something optional is not there."""

    what: str
    value: str
    mend: str = ""
    absent: bool = False


def examine() -> Iterator[Finding]:
    """Look at everything, the quick things first."""
    yield Finding("dtml", version("dtml"))
    yield Finding("Python", f"{platform.python_version()}, {platform.platform()}")
    yield from map(_package, PACKAGES)
    yield from _device()
    yield from _places()
    yield from _safely(_("store"), _worker)
    yield from _tasks()


def _package(name: str) -> Finding:
    try:
        return Finding(name, version(name))
    except PackageNotFoundError:
        return Finding(name, _("missing"), _("Run `uv sync`."))


def _device() -> Iterator[Finding]:
    import torch

    from dtml.training.device import fast_type, pick_device

    try:
        device = pick_device()
    except Problem as problem:
        yield Finding(_("device"), os.environ.get("DTML_DEVICE", ""), str(problem))
        return
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    precision = str(fast_type(device, "auto", images=True) or torch.float32).removeprefix("torch.")
    told = _("{device} ({name}), {cores} cores, {precision}")
    yield Finding(_("device"), told.format(device=device, name=name, cores=cores, precision=precision))


def _safely(what: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What `look` finds, or what hinders it."""
    try:
        yield from look()
    except Problem as problem:
        yield Finding(what, _("cannot be used"), str(problem))


def _places() -> Iterator[Finding]:
    home = paths.home()
    free = shutil.disk_usage(home).free
    low = _("Free some space, or set DTML_HOME to a larger disk.") if free < LOW_DISK else ""
    told = _("{home}, {free:.1f} GiB free")
    yield Finding(_("runs, store and caches (DTML_HOME)"), told.format(home=home, free=free / 2**30), low)
    if not os.access(home, os.W_OK):
        yield Finding(_("writing to DTML_HOME"), _("not allowed"), _("Set DTML_HOME to a folder of your own."))
    given = os.environ.get("DTML_DATA")
    if given and not os.path.isdir(given):
        yield Finding("DTML_DATA", given, _("There is no such folder; correct DTML_DATA or unset it."))
    else:
        yield Finding(_("datasets on disk (DTML_DATA)"), given or _("not set"))


def _worker() -> Iterator[Finding]:
    from dtml.runs.launcher import log_file, worker_alive
    from dtml.runs.store import Store

    yield Finding(_("store"), Store().engine.url.render_as_string(hide_password=True))
    alive = worker_alive()
    counts = Store().counts()
    told = ", ".join(f"{n} {vocabulary.state(state)}" for state, n in sorted(counts.items())) or _("no runs yet")
    waiting = counts.get("queued", 0) and not alive
    yield Finding(_("worker"), _("alive") if alive else _("not running; the dashboard starts it when needed"))
    yield Finding(_("runs"), told, _("Start `dtml worker`, or open the dashboard.") if waiting else "")
    yield Finding(_("the worker's log"), str(log_file()))


def _tasks() -> Iterator[Finding]:
    """Which tasks can run at once: their data is here."""
    for name, cls in catalogue.components("task").items():
        if not cls.own:  # type: ignore[attr-defined]  # each of a person's own tasks is told below
            missing = cls().missing()  # type: ignore[attr-defined]
            told = str(missing) if missing else _("ready")
            yield Finding(_("task {name}").format(name=name), told, absent=missing is not None)
    for name, mine in own.tasks().items():
        state = _("ready") if mine.confirmed else _("to be looked at and confirmed")
        yield Finding(_("your task {name}").format(name=name), state, absent=not mine.confirmed)
