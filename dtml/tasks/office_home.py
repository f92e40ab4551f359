"""Office-Home: everyday objects as art, clip art, product photographs and photographs from life."""

from __future__ import annotations

from typing import Literal

from dtml.catalogue import Params as BaseParams
from dtml.catalogue import param
from dtml.language import Text
from dtml.tasks._class_folders import ClassFolders
from dtml.tasks._published import OFFICE_HOME

Name = Literal["art", "clipart", "product", "real_world"]


class OfficeHome(ClassFolders):
    """Four looks of 65 classes."""

    name = "office_home"
    title = Text("Office-Home", "Office-Home")
    summary = Text(
        "65 classes of everyday objects as art, clip art, product photographs and photographs from life; about 15,500 "
        "images.",
        "65 类日常物品：艺术画、剪贴画、商品照片与真实照片；约 15,500 张。",
    )
    paper = OFFICE_HOME.paper
    datasets = (OFFICE_HOME,)

    class Params(BaseParams):
        """From which domain to which."""

        source: Name = param("art", "Source", "源域")
        target: Name = param("real_world", "Target", "目标域")
        size: int = param(256, "Side of the images", "图像边长", unit="px", ge=16, le=512)
