"""VisDA-2017: rendered objects, and photographs of them."""

from __future__ import annotations

from dtml.catalogue import Params as BaseParams
from dtml.catalogue import param
from dtml.language import Text
from dtml.tasks._class_folders import ClassFolders
from dtml.tasks._published import VISDA_2017


class VisDA2017(ClassFolders):
    """The classification track: its training domain is the source, its validation domain the target."""

    name = "visda2017"
    title = Text("VisDA-2017: synthetic → real", "VisDA-2017：合成 → 真实")
    summary = Text(
        "Twelve classes: 152,397 renderings of 3-D models, and 55,388 photographs.",
        "十二个类别：152,397 张三维模型渲染图与 55,388 张照片。",
    )
    paper = VISDA_2017.paper
    datasets = (VISDA_2017,)

    class Params(BaseParams):
        """How large the images are made."""

        size: int = param(
            128,
            "Side of the images (all take 3 · side² bytes each on disk)",
            "图像边长（每张在磁盘上占 3·边长² 字节）",
            unit="px",
            ge=16,
            le=512,
        )

    @property
    def pair(self) -> tuple[str, str]:
        return "train", "validation"
