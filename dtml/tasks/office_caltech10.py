"""Office-Caltech10: the ten classes that Office-31 and Caltech-256 share."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from dtml import paths
from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.errors import Problem
from dtml.language import Text, mark
from dtml.tasks import Progress, Task, Transfer
from dtml.tasks.folders import RECOMMENDED, load_folders

Name = Literal["amazon", "dslr", "webcam", "caltech"]


class OfficeCaltech10(Task):
    """Product photographs (amazon), camera (dslr) and webcam images of ten classes.

    Each domain is split 60/10/30 into training, validation and test by seed, images that are there twice in
    one split; published figures mostly train on all source and test on all target images.
    """

    name = "office_caltech10"
    title = Text("Office-Caltech10", "Office-Caltech10")
    summary = Text(
        "Ten classes of office objects as shop photographs, camera and webcam images.",
        "十类办公物品：商品照片、相机照片与网络摄像头图像。",
    )
    paper = Paper(
        "Gong, Shi, Sha, Grauman", 2012, "Geodesic Flow Kernel for Unsupervised Domain Adaptation",
        "https://doi.org/10.1109/CVPR.2012.6247911", "section 4.1",
    )  # fmt: skip
    recommended = RECOMMENDED

    class Params(BaseParams):
        """From which domain to which."""

        source: Name = param("amazon", "Source", "源域")
        target: Name = param("webcam", "Target", "目标域")

    def load(self, seed: int, progress: Progress | None = None) -> Transfer:
        problem = self.missing()
        if problem:
            raise problem
        source, target = (_place(name) for name in (self.params.source, self.params.target))
        return load_folders(source, target, 256, True, seed, progress)  # type: ignore[arg-type]

    def missing(self) -> Problem | None:
        absent = [name for name in (self.params.source, self.params.target) if _place(name) is None]
        if not absent:
            return None
        return Problem(
            mark(
                "Office-Caltech10's '{domain}' is not on disk and is not published for direct download; put "
                "'{domain}.zip' or its class folders below '{place}' in DTML_DATA."
            ),
            domain=absent[0],
            place="office_caltech10",
        )


def _place(name: str) -> Path | None:
    return paths.find_data("office_caltech10", f"{name}.zip") or paths.find_data("office_caltech10", name)
