"""The model as ONNX, asked for by anyone and made once by the worker: the dashboard never imports torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dtml.language import _, mark
from dtml.runs.folder import RunFolder, write_json
from dtml.runs.jobs import next_job
from dtml.runs.records import Job, Run
from dtml.runs.store import Store

KIND = "export"


def onnx_file(identity: str) -> Path:
    """Where a run's ONNX file is, once made."""
    return RunFolder(identity).path / "exports" / "model.onnx"


def onnx_key(identity: str) -> str:
    """The name of its job."""
    return hashlib.sha256(f"onnx {identity}".encode()).hexdigest()[:20]


def ask_for_onnx(store: Store, run: Run) -> Job:
    """Have a worker make it."""
    return store.request(KIND, onnx_key(run.id), {"run": run.id})


def checked(identity: str) -> str:
    """What the check of the file found, in one sentence; "" where there is no file."""
    path = _check_file(identity)
    if not (path.exists() and onnx_file(identity).exists()):
        return ""
    found = json.loads(path.read_text("utf-8"))
    return _("Checked on {count} samples: at most {difference} away from the trained model.").format(
        count=found["samples"], difference=f"{max(found['differences'].values()):.1g}"
    )


def make_onnx(spec: dict[str, Any], report: Callable[[float], None]) -> None:
    """Write the file that a job describes, and what its check found."""
    from dtml.export.onnx import write_onnx

    run = Store().run(spec["run"])
    check = write_onnx(run, onnx_file(run.id), lambda _what, share: report(share))
    write_json(_check_file(run.id), {"samples": check.samples, "differences": check.differences})


def export_next(store: Store) -> bool:
    """Make the oldest file that was asked for; False where none was."""
    told = mark("Writing the model as ONNX")
    failed = mark("The ONNX file could not be made ({error}); take the weights as safetensors instead.")
    return next_job(store, KIND, make_onnx, told, failed)


def _check_file(identity: str) -> Path:
    return onnx_file(identity).with_suffix(".json")
