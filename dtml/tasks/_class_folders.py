"""What public datasets of class folders share: a domain is a folder, or a zip archive, of one folder a class."""

from __future__ import annotations

from pathlib import Path

from dtml.tasks import Progress, Task, Transfer
from dtml.tasks.folders import RECOMMENDED, load_folders


class ClassFolders(Task):
    """Two domains of one dataset, as its parameters `source` and `target` name them.

    Each domain is split 60/10/30 into training, validation and test by seed, images that are there twice in
    one split; published figures mostly train on all source and test on all target images.
    """

    recommended = RECOMMENDED

    @property
    def pair(self) -> tuple[str, str]:
        """The parts of the dataset that are source and target."""
        return self.params.source, self.params.target

    @property
    def side(self) -> int:
        """The side of the images, in pixels."""
        return int(getattr(self.params, "size", 256))

    def load(self, seed: int, progress: Progress | None = None) -> Transfer:
        self.require()
        source, target = map(self.place, self.pair)
        return load_folders(source, target, self.side, True, seed, progress)

    def place(self, part: str) -> Path:
        """Where the images of a domain are."""
        path = self.datasets[0].find(part)
        assert path is not None, "the task looks for missing data first"
        return path
