"""Any two of five sets of digits, all in colour at 32×32."""

from __future__ import annotations

from typing import Literal

from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.errors import Problem
from dtml.language import Text, mark
from dtml.tasks import Domain, Progress, Task, Transfer
from dtml.tasks._mat import read_mats
from dtml.tasks._mnist import joined, official, read_mnist, resized
from dtml.tasks._published import MNIST, MNIST_M, SVHN, SYNDIGITS, USPS
from dtml.tasks.datasets import Dataset
from dtml.tasks.mnist_mnistm import read_mnistm
from dtml.tasks.mnist_usps import read_usps

SIDE = 32
Name = Literal["mnist", "usps", "mnist_m", "svhn", "syndigits"]
_MATS: dict[str, Dataset] = {"svhn": SVHN, "syndigits": SYNDIGITS}


class DigitDomains(Task):
    """Two of the five sets with which digits are mostly adapted, each with its official test set."""

    name = "digit_domains"
    title = Text("Digits: any two of five sets", "数字：五个数据集任选其二")
    summary = Text(
        "MNIST, USPS, MNIST-M, house numbers (SVHN) and synthetic digits (SynDigits), in colour at 32×32.",
        "MNIST、USPS、MNIST-M、门牌号（SVHN）与合成数字（SynDigits），32×32 彩色图像。",
    )
    paper = Paper(
        "Ganin, Lempitsky", 2015, "Unsupervised Domain Adaptation by Backpropagation",
        "https://arxiv.org/abs/1409.7495", "section 4",
    )  # fmt: skip
    datasets = (MNIST, USPS, MNIST_M, SVHN, SYNDIGITS)
    recommended = {
        "backbone": {"name": "lenet", "width": 32},
        "strategy": "scratch",
        "embedding": {"dim": 128, "activation": "tanh", "dropout": 0.5},
        "training": {"steps": 4000, "batch_size": 64, "optimiser": "adam", "learning_rate": 0.001},
    }

    class Params(BaseParams):
        """From which digits to which, and how many are learned from."""

        source: Name = param("svhn", "Source", "源域")
        target: Name = param("mnist", "Target", "目标域")
        images: int = param(0, "Training images a domain (0: all)", "每个域的训练图像数（0：全部）", ge=0, le=500_000)

    def load(self, seed: int, progress: Progress | None = None) -> Transfer:
        if self.params.source == self.params.target:
            told = mark("Source and target are both '{domain}'; choose two different domains.")
            raise Problem(told, domain=self.params.source)
        self.require()
        sides = []
        for number, name in enumerate((self.params.source, self.params.target)):
            if progress:
                progress(mark("Reading the digits"), number / 2)
            sides.append(self._domain(name, seed, progress))
        (source, remarks), (target, more) = sides
        return Transfer(source, target, [*remarks, *more])

    def _domain(self, name: str, seed: int, progress: Progress | None) -> tuple[Domain, list[Problem]]:
        """A domain, and what is to be remarked about its data."""
        trained = self.params.images or None
        match name:
            case "mnist" | "usps":
                grey = read_mnist() if name == "mnist" else read_usps()
                train, test = ((resized(images, SIDE, 3), labels) for images, labels in grey)
                return official(name.upper(), train, test, trained, seed), []
            case "mnist_m":
                parts, remarks = read_mnistm(progress)
                return official(MNIST_M.title, *parts, trained, seed), remarks
            case _:
                data = _MATS[name]
                train_file, test_file = (file.find() for file in data.parts[name])
                assert train_file is not None
                assert test_file is not None
                return joined(data.title, *read_mats(train_file, test_file), trained, seed), []
