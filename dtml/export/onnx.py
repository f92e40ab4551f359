"""The model as ONNX, checked sample by sample against what was trained."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dtml import paths
from dtml.errors import Problem
from dtml.export.model import description, finished
from dtml.language import mark
from dtml.runs.folder import RunFolder, read_arrays
from dtml.runs.records import Run

if TYPE_CHECKING:
    from torch import nn

OUTPUTS = ("embedding", "probabilities")
TOLERANCE = 1e-3
"""How far a number may be from torch's: other kernels sum in another order, but a wrong file is off by far more."""
CHECKED = 256
"""Probe samples that the file is checked on."""

Report = Callable[[str, float], None]


@dataclass(frozen=True)
class Check:
    """What the check of a file found: on how many samples, and the largest difference of each output to torch's."""

    samples: int
    differences: dict[str, float]

    @property
    def largest(self) -> float:
        return max(self.differences.values())


def write_onnx(run: Run, path: Path, report: Report = lambda what, share: None) -> Check:
    """Write the model of a finished run to `path`; it appears there only once its numbers are torch's.

    The input `inputs` is what the backbone reads, one sample a row: uint8 images (n, height, width, channels), float32
    rows (n, columns), or int32 numbers of a text's tokens (n, length), -1 where it has no more; what the network
    needs before its first stage is part of the file, and how a text becomes numbers stands in its metadata. The
    outputs are `embedding` (n, d) and `probabilities` (n, c), as the model sees target samples; n is free.

    Raises:
        Problem: for a run that is not finished, where the extra `export` is missing, and for a file that computes
            something else.
    """
    from dtml import catalogue

    folder = finished(run)
    _require()
    report(mark("Building the model"), 0.0)
    probe = read_arrays(folder.probe)
    backbone = catalogue.create("backbone", run.experiment.backbone.name, **run.experiment.backbone.params)
    samples = backbone.encode(spread(probe["inputs"], CHECKED))
    reading = backbone.reading()
    model = portable(run, samples.shape[1:], len(probe["classes"]))
    with paths.replacing(path) as temporary:
        report(mark("Writing the model as ONNX"), 0.2)
        told = description(run, probe["classes"]) | ({"inputs": reading} if reading else {})
        _write(model, samples[:2], temporary, told)
        report(mark("Checking it against the trained model"), 0.8)
        check = compare(model, temporary, samples)
        if not check.largest <= TOLERANCE:
            raise Problem(
                mark(
                    "The ONNX file of '{id}' differs from the model by {difference}, more than {tolerance}, so it is "
                    "not kept; take the weights as safetensors instead."
                ),
                id=run.id,
                difference=f"{check.largest:.2g}",
                tolerance=TOLERANCE,
            )
    report(mark("Checking it against the trained model"), 1.0)
    return check


def portable(run: Run, shape: tuple[int, ...], classes: int) -> nn.Module:
    """The trained network from raw samples (n, *shape) to embedding (n, d) and probabilities (n, c), on the CPU."""
    from safetensors.torch import load_file
    from torch import Tensor, nn

    from dtml.training.model import as_input, build

    model = build(run.experiment, shape, classes, learned=False)
    model.load_state_dict(load_file(RunFolder(run.id).model))

    class Portable(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
            seen = self.model.as_target(self.model(as_input(inputs)))
            return seen.embedding, seen.logits.softmax(1)

    return Portable().eval()


def compare(model: nn.Module, path: Path, samples: NDArray[Any]) -> Check:
    """The largest absolute differences between the file's outputs and the model's on `samples` (n, ...)."""
    import onnxruntime
    import torch

    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    found = session.run(list(OUTPUTS), {"inputs": samples})
    with torch.inference_mode():
        wanted = model(torch.from_numpy(samples))
    pairs = zip(OUTPUTS, found, wanted, strict=True)
    return Check(len(samples), {name: float(np.abs(ours - theirs.numpy()).max()) for name, ours, theirs in pairs})


def spread(inputs: NDArray[Any], count: int) -> NDArray[Any]:
    """Up to `count` of the samples (n, ...), evenly from both domains."""
    rows = np.unique(np.linspace(0, len(inputs) - 1, min(count, len(inputs))).astype(int))
    return np.ascontiguousarray(inputs[rows])


def _write(model: nn.Module, samples: NDArray[Any], path: Path, metadata: dict[str, str]) -> None:
    import onnx
    import torch

    with warnings.catch_warnings(), _quiet():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            model,
            (torch.from_numpy(samples),),
            input_names=["inputs"],
            output_names=list(OUTPUTS),
            dynamic_shapes=({0: torch.export.Dim("samples", min=1)},),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    _told_apart(program.model.graph)
    proto = program.model_proto
    onnx.helper.set_model_props(proto, metadata)
    onnx.save(proto, str(path))


def _told_apart(graph: Any) -> None:
    """Rename what inside the graph is called like its outputs: the exporter names a token's embedding so, too."""
    outputs = set(map(id, graph.outputs))
    for node in graph:
        for value in node.outputs:
            if value.name in OUTPUTS and id(value) not in outputs:
                value.name = f"inner_{value.name}"


class _quiet:  # noqa: N801  # a context, used like a function
    """The exporter tells its own developers a lot."""

    def __enter__(self) -> None:
        self._loggers = {name: logging.getLogger(name).level for name in ("torch.onnx", "onnxscript", "onnx_ir")}
        for name in self._loggers:
            logging.getLogger(name).setLevel(logging.ERROR)

    def __exit__(self, *_exception: object) -> None:
        for name, level in self._loggers.items():
            logging.getLogger(name).setLevel(level)


def _require() -> None:
    from importlib.util import find_spec

    missing = [name for name in ("onnx", "onnxscript", "onnxruntime") if find_spec(name) is None]
    if missing:
        raise Problem(
            mark("A model as ONNX needs {packages}; install dtml with its extra `export`."), packages=", ".join(missing)
        )
