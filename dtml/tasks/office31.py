"""Office-31: the first dataset of visual domain adaptation that is still in use."""

from __future__ import annotations

from typing import Literal

from dtml.catalogue import Params as BaseParams
from dtml.catalogue import param
from dtml.language import Text
from dtml.tasks._class_folders import ClassFolders
from dtml.tasks._published import OFFICE_31

Name = Literal["amazon", "dslr", "webcam"]


class Office31(ClassFolders):
    """Product photographs (amazon), camera (dslr) and webcam images of 31 classes."""

    name = "office31"
    title = Text("Office-31", "Office-31")
    summary = Text(
        "31 classes of office objects as shop photographs, camera and webcam images; 4,110 images.",
        "31 类办公物品：商品照片、相机照片与网络摄像头图像；共 4,110 张。",
    )
    paper = OFFICE_31.paper
    datasets = (OFFICE_31,)

    class Params(BaseParams):
        """From which domain to which."""

        source: Name = param("amazon", "Source", "源域")
        target: Name = param("webcam", "Target", "目标域")
        size: int = param(256, "Side of the images", "图像边长", unit="px", ge=16, le=512)
