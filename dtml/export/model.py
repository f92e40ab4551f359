"""The trained weights with what is needed to read them: experiment, classes and versions."""

from __future__ import annotations

import json
from collections.abc import Iterable

from dtml.errors import Problem
from dtml.language import mark
from dtml.runs.folder import RunFolder, read_arrays
from dtml.runs.provenance import versions
from dtml.runs.records import Run


def finished(run: Run) -> RunFolder:
    """The folder of a run whose model is there.

    Raises:
        Problem: for a run that has not finished, or whose weights are gone.
    """
    if run.state != "finished":
        from dtml import vocabulary

        raise Problem(
            mark("The run '{id}' is {state}; only a finished run has something to take away."),
            id=run.id,
            state=vocabulary.state(run.state),
        )
    folder = RunFolder(run.id)
    gone = next((path for path in (folder.model, folder.probe) if not path.exists()), None)
    if gone:
        raise Problem(mark("'{path}' is gone, so the run cannot be exported; train it again."), path=gone)
    return folder


def safetensors(run: Run) -> bytes:
    """The weights of a finished run as a safetensors file; `description` is its metadata."""
    from safetensors.numpy import load_file, save

    folder = finished(run)
    classes = read_arrays(folder.probe)["classes"]
    return bytes(save(load_file(folder.model), metadata={"format": "pt", **description(run, classes)}))


def description(run: Run, classes: Iterable[str]) -> dict[str, str]:
    """What stands in a model's file beside its numbers, as text: run, experiment, classes and versions as JSON."""
    return {
        "run": run.id,
        "experiment": run.experiment.to_json(),
        "classes": json.dumps([str(name) for name in classes], ensure_ascii=False),
        "versions": json.dumps(versions(run)),
    }
