"""The training core: `for event in train(experiment)`, with no files and no store."""

from dtml.training.events import Event, Finished, PhaseStarted, Preparing, Progressed, Snapshot, Started
from dtml.training.loop import train

__all__ = ["Event", "Finished", "PhaseStarted", "Preparing", "Progressed", "Snapshot", "Started", "train"]
