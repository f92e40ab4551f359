"""A run's folder: arrays and weights, each written whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtml import paths


@dataclass(frozen=True)
class RunFolder:
    """Every path of one run."""

    id: str

    @property
    def path(self) -> Path:
        return paths.home() / "runs" / self.id

    @property
    def experiment(self) -> Path:
        """The experiment as TOML; `dtml train` repeats the run from it."""
        return self.path / "experiment.toml"

    @property
    def probe(self) -> Path:
        """Inputs, labels, domains, ids and classes of the probe samples; what is shown of them, where that differs."""
        return self.path / "probe.npz"

    @property
    def checkpoint(self) -> Path:
        """What a lost run resumes from, and a longer one goes on from."""
        return self.path / "checkpoint.pt"

    @property
    def model(self) -> Path:
        """The trained weights."""
        return self.path / "model.safetensors"

    @property
    def predictions(self) -> Path:
        """Predicted and true classes of both test splits."""
        return self.path / "predictions.npz"

    @property
    def pictures(self) -> Path:
        """Images that the newest snapshot offered for looking at, by name."""
        return self.path / "pictures.npz"

    @property
    def log(self) -> Path:
        """What the run's process printed."""
        return self.path / "log.txt"

    def snapshot(self, step: int) -> Path:
        """Embeddings and probabilities of the probe after `step` steps, and in the plane the decision boundary."""
        return self.path / "snapshots" / f"{step:08d}.npz"

    def steps(self) -> list[int]:
        """The steps that there are snapshots of, in order."""
        return sorted(int(path.stem) for path in (self.path / "snapshots").glob("[0-9]*.npz"))


def write_arrays(path: Path, **arrays: NDArray[Any]) -> None:
    """Write named arrays to a compressed file."""
    with paths.replacing(path) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **arrays)


def read_arrays(path: Path) -> Mapping[str, NDArray[Any]]:
    """The named arrays of a file."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def copy(path: Path, to: Path) -> None:
    """Copy a file."""
    with paths.replacing(to) as temporary:
        shutil.copyfile(path, temporary)


def write_text(path: Path, text: str) -> None:
    """Write a text file."""
    with paths.replacing(path) as temporary:
        temporary.write_text(text, "utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=1))
