"""DomainNet: 345 classes in six looks, with official training and test images."""

from __future__ import annotations

from typing import Literal

from dtml.catalogue import Params as BaseParams
from dtml.catalogue import param
from dtml.language import Text
from dtml.tasks import Progress, Transfer
from dtml.tasks._class_folders import ClassFolders
from dtml.tasks._mnist import not_whole
from dtml.tasks._published import DOMAINNET
from dtml.tasks.folders import Listed, load_folders

Name = Literal["clipart", "infograph", "painting", "quickdraw", "real", "sketch"]


class DomainNet(ClassFolders):
    """Two of six domains. Of the official training images one in ten validates; the official test images test."""

    name = "domainnet"
    title = Text("DomainNet", "DomainNet")
    summary = Text(
        "345 classes as clip art, infographics, paintings, quick drawings, photographs and sketches; 586,575 images.",
        "345 个类别：剪贴画、信息图、油画、速写、照片与素描；共 586,575 张。",
    )
    paper = DOMAINNET.paper
    datasets = (DOMAINNET,)

    class Params(BaseParams):
        """From which domain to which."""

        source: Name = param("real", "Source", "源域")
        target: Name = param("clipart", "Target", "目标域")
        size: int = param(
            128,
            "Side of the images (all take 3 · side² bytes each on disk)",
            "图像边长（每张在磁盘上占 3·边长² 字节）",
            unit="px",
            ge=16,
            le=512,
        )

    def load(self, seed: int, progress: Progress | None = None) -> Transfer:
        self.require()
        source, target = map(self.place, self.pair)
        listed = self._listed(self.params.source), self._listed(self.params.target)
        return load_folders(source, target, self.side, True, seed, progress, listed=listed)

    def _listed(self, domain: str) -> Listed:
        """The official training and test images of a domain, by "class/file"."""
        train, test = (self._names(number, domain) for number in (1, 2))
        return {"train": train, "test": test}

    def _names(self, number: int, domain: str) -> frozenset[str]:
        """The images of a list: "domain/class/file label" a line."""
        path = self.datasets[0].parts[domain][number].find()
        assert path is not None, "the task looks for missing data first"
        try:
            lines = path.read_text("utf-8").splitlines()
            return frozenset(line.rsplit(" ", 1)[0].split("/", 1)[1] for line in lines if line.strip())
        except (UnicodeDecodeError, IndexError):
            raise not_whole(path) from None
