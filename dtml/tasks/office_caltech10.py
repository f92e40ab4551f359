"""Office-Caltech10: the ten classes that Office-31 and Caltech-256 share."""

from __future__ import annotations

from typing import Literal

from dtml.catalogue import Params as BaseParams
from dtml.catalogue import param
from dtml.language import Text
from dtml.tasks._class_folders import ClassFolders
from dtml.tasks._published import OFFICE_CALTECH10

Name = Literal["amazon", "dslr", "webcam", "caltech"]


class OfficeCaltech10(ClassFolders):
    """Product photographs (amazon), camera (dslr) and webcam images of ten classes."""

    name = "office_caltech10"
    title = Text("Office-Caltech10", "Office-Caltech10")
    summary = Text(
        "Ten classes of office objects as shop photographs, camera and webcam images.",
        "十类办公物品：商品照片、相机照片与网络摄像头图像。",
    )
    paper = OFFICE_CALTECH10.paper
    datasets = (OFFICE_CALTECH10,)

    class Params(BaseParams):
        """From which domain to which."""

        source: Name = param("amazon", "Source", "源域")
        target: Name = param("webcam", "Target", "目标域")
