"""PACS: photographs, art paintings, cartoons and sketches."""

from __future__ import annotations

from typing import Literal

from dtml.catalogue import Params as BaseParams
from dtml.catalogue import param
from dtml.language import Text
from dtml.tasks._class_folders import ClassFolders
from dtml.tasks._published import PACS as DATA

Name = Literal["photo", "art_painting", "cartoon", "sketch"]


class PACS(ClassFolders):
    """Four styles of seven classes."""

    name = "pacs"
    title = Text("PACS", "PACS")
    summary = Text(
        "Seven classes as photographs, art paintings, cartoons and sketches; 9,991 images.",
        "七个类别：照片、油画、卡通与素描；共 9,991 张。",
    )
    paper = DATA.paper
    datasets = (DATA,)

    class Params(BaseParams):
        """From which domain to which."""

        source: Name = param("photo", "Source", "源域")
        target: Name = param("art_painting", "Target", "目标域")
        size: int = param(256, "Side of the images", "图像边长", unit="px", ge=16, le=512)
