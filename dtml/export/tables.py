"""Samples and curves of a run as tables, and tables as CSV or Parquet."""

from __future__ import annotations

from typing import Any

import pandas as pd

from dtml.runs.provenance import provenance
from dtml.runs.story import Story

DOMAINS = ("source", "target")


def samples(story: Story) -> pd.DataFrame:
    """One row a probe sample: who it is, where each state has it, and what each state takes it for.

    Columns: domain, sample, label (empty where unknown), then for each state of the picture its step, x, y, predicted,
    confidence and correct (empty where the label is unknown), each named after the state: `before_x`, `after_x`.
    """
    seen = story.probe
    known = seen["labels"] >= 0
    labels = pd.Series(seen["classes"][seen["labels"]].astype(str)).where(known)
    columns: dict[str, Any] = {
        "domain": [DOMAINS[domain] for domain in seen["domains"]],
        "sample": seen["ids"].astype(str),
        "label": labels,
    }
    for name, number in zip(state_names(story), range(len(story.states)), strict=True):
        guesses = story.predicted(number)
        columns |= {
            f"{name}_step": story.states[number][1],
            f"{name}_x": story.coordinates[number][:, 0],
            f"{name}_y": story.coordinates[number][:, 1],
            f"{name}_predicted": seen["classes"][guesses].astype(str),
            f"{name}_confidence": story.snapshots[number]["probabilities"].max(1),
            f"{name}_correct": pd.Series(guesses == seen["labels"], dtype="boolean").where(known),
        }
    frame = pd.DataFrame(columns)
    frame.attrs |= {"provenance": provenance(story.run), "projection": story.spec["method"]}
    return frame


def curves(story: Story) -> pd.DataFrame:
    """One row a step of each run of the family: run, role, seed, step, and every number that was recorded at it."""
    rows = [
        {"run": run.id, "role": role, "seed": run.experiment.seed, "step": step, **values}
        for role, run in story.family.items()
        for step, values in story.metrics[role]
    ]
    frame = pd.DataFrame(rows, columns=None if rows else ["run", "role", "seed", "step"])
    frame = frame.groupby(["run", "role", "seed", "step"], as_index=False, sort=False).first()
    frame.attrs |= {"provenance": provenance(story.run)}
    return frame


def as_csv(frame: pd.DataFrame) -> bytes:
    """The table as CSV in UTF-8, numbers in the shortest form that reads back the same."""
    return frame.to_csv(index=False).encode()


def as_parquet(frame: pd.DataFrame) -> bytes:
    """The table as Parquet; its attributes (provenance, projection) are in the file's metadata."""
    return bytes(frame.to_parquet(index=False))


def state_names(story: Story) -> list[str]:
    """A short name for each state of the picture, for columns: start, before, after."""
    names = []
    for number, (run, step) in enumerate(story.states):
        last = number == len(story.states) - 1
        names.append("after" if last else "start" if step == 0 else "before" if run != story.run.id else f"step{step}")
    return names
