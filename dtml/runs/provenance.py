"""Where a result comes from: seed, versions, sampling, device and date."""

from __future__ import annotations

import platform
import time
from importlib.metadata import version

from dtml.language import _
from dtml.runs.records import Run

PACKAGES = ("dtml", "torch", "numpy")


def versions_here() -> dict[str, str]:
    """The versions that compute here; a run keeps those that it was trained with."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def versions(run: Run) -> dict[str, str]:
    """The versions that a run was trained with; none where it is older than their record."""
    return dict(run.info.get("versions") or {})


def sampling(run: Run) -> str:
    """How many samples are drawn, of how many, and how they were chosen."""
    counts = run.info.get("counts") or {}
    if "test_target" not in counts:
        return _("up to {count} test samples a domain, by seed").format(count=run.experiment.training.probe)
    return _("{source} of {all_source} source and {target} of {all_target} target test samples, by seed").format(
        source=f"{counts['probe_source']:,}",
        all_source=f"{counts['test_source']:,}",
        target=f"{counts['probe_target']:,}",
        all_target=f"{counts['test_target']:,}",
    )


def provenance(run: Run) -> str:
    """One line to stand in a picture: run, seed, versions, sampling, date."""
    used = versions(run)
    told = ", ".join(f"{name} {used[name]}" for name in ("dtml", "torch") if name in used)
    when = time.strftime("%Y-%m-%d", time.localtime(run.finished or run.created))
    seed = _("seed {seed}").format(seed=run.experiment.seed)
    return " · ".join(part for part in (run.id, seed, told, sampling(run), when) if part)
