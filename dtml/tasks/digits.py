"""The default task, with nothing to download: handwritten digits, and digits blended with photographs."""

from __future__ import annotations

from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits, load_sample_images

from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text, mark
from dtml.tasks import Domain, Progress, Split, Task, Transfer, stratified

SIDE = 28
SHARES: dict[Split, float] = {"train": 0.6, "validation": 0.1, "test": 0.3}
CLASSES = tuple("0123456789")

Images = NDArray[np.uint8]


class Digits(Task):
    """scikit-learn's digits on black → other digits of the same set, blended with patches of photographs.

    No digit is in both domains. Each target digit appears `copies` times, every time on another patch;
    its copies are all in one split, and the patches of training and test come from different halves of
    the photographs.
    """

    name = "digits"
    title = Text("Digits → digits on photographs", "手写数字 → 照片背景上的手写数字")
    summary = Text(
        "Real handwritten digits from scikit-learn; the target's are blended with patches of photographs. Nothing "
        "has to be downloaded.",
        "来自 scikit-learn 的真实手写数字；目标域的数字与照片块混合。无需下载任何数据。",
    )
    formula = (
        r"x_t = \begin{cases}\max(x,\ s\,p) & \text{over}\\ \bigl|\,x - s\,p\,\bigr| & \text{difference}\\ "
        r"(1 - s)\,x + s\,p & \text{mix}\end{cases}"
    )
    paper = Paper(
        "Ganin, Ustinova, Ajakan, Germain, Larochelle, Laviolette, Marchand, Lempitsky", 2016,
        "Domain-Adversarial Training of Neural Networks", "https://arxiv.org/abs/1505.07818", "section 5.2.4",
    )  # fmt: skip
    inputs = "images"
    recommended = {
        "backbone": {"name": "lenet", "width": 16},
        "strategy": "scratch",
        "embedding": {"dim": 64, "activation": "tanh", "dropout": 0.5},
        "training": {
            "steps": 1000, "batch_size": 64, "optimiser": "adam", "learning_rate": 0.003, "schedule": "inverse",
        },
    }  # fmt: skip

    class Params(BaseParams):
        """Kind and strength of the shift."""

        blend: Literal["difference", "over", "mix"] = param(
            "over", "How a digit and a patch are blended", "数字与照片块的混合方式"
        )
        strength: float = param(0.8, "Brightness of the photographs", "照片的亮度", ge=0, le=1)
        copies: int = param(8, "Patches for each target digit", "每个目标域数字对应的照片块数", ge=1, le=50)

    def load(self, seed: int, progress: Progress | None = None) -> Transfer:
        if progress:
            progress(mark("Blending digits with photographs"), 0.0)
        digits, labels = enlarged_digits()
        halves = stratified(labels, {"train": 0.5, "test": 0.5}, seed)
        source = _plain(digits, labels, halves["train"], seed)
        return Transfer(source, self._blended(digits, labels, halves["test"], seed))

    def _blended(self, digits: Images, labels: NDArray[np.int64], chosen: NDArray[np.int64], seed: int) -> Domain:
        """The digits `chosen`, each on `copies` patches."""
        rng = np.random.default_rng((seed, 1))
        splits = stratified(labels[chosen], SHARES, seed)
        copies = self.params.copies
        images = np.empty((len(chosen), copies, SIDE, SIDE, 1), np.uint8)
        for split, members in splits.items():
            patches = photograph_patches(len(members) * copies, unseen=split == "test", rng=rng)
            patches = patches.reshape(len(members), copies, SIDE, SIDE, 1)
            images[members] = blend(digits[chosen[members]][:, None], patches, self.params.blend, self.params.strength)
        return Domain(
            name="digits on photographs",
            inputs=images.reshape(-1, SIDE, SIDE, 1),
            labels=np.repeat(labels[chosen], copies),
            classes=CLASSES,
            splits={
                split: (members[:, None] * copies + np.arange(copies)).ravel() for split, members in splits.items()
            },
            ids=np.array([f"digit {i} on patch {k}" for i in chosen for k in range(copies)]),
        )


def _plain(digits: Images, labels: NDArray[np.int64], chosen: NDArray[np.int64], seed: int) -> Domain:
    return Domain(
        name="digits",
        inputs=digits[chosen],
        labels=labels[chosen],
        classes=CLASSES,
        splits=stratified(labels[chosen], SHARES, seed),
        ids=np.array([f"digit {i}" for i in chosen]),
    )


@cache
def enlarged_digits() -> tuple[Images, NDArray[np.int64]]:
    """scikit-learn's 1797 digits of 8×8, enlarged to 28×28, and their labels."""
    from PIL import Image

    small, labels = load_digits(return_X_y=True)
    pictures = (small.reshape(-1, 8, 8) * (255 / 16)).round().astype(np.uint8)
    size = (SIDE, SIDE)
    large = [np.asarray(Image.fromarray(p).resize(size, Image.Resampling.BICUBIC)) for p in pictures]
    return np.stack(large)[..., None], labels.astype(np.int64)


@cache
def _photographs() -> tuple[Images, ...]:
    """scikit-learn's two photographs in grey."""
    return tuple((image @ [0.299, 0.587, 0.114]).astype(np.uint8) for image in load_sample_images().images)


def photograph_patches(count: int, unseen: bool, rng: np.random.Generator, size: int = SIDE) -> Images:
    """`count` patches (count, size, size, 1) of random extent from the left part of the photographs, or the right."""
    from PIL import Image

    patches = []
    for number in rng.integers(len(_photographs()), size=count):
        photograph = _photographs()[number]
        side = int(rng.integers(SIDE, 4 * SIDE))
        half = photograph.shape[1] // 2
        top = rng.integers(photograph.shape[0] - side)
        left = rng.integers(half - side) + (half if unseen else 0)
        patch = Image.fromarray(photograph[top : top + side, left : left + side])
        resampling = Image.Resampling.BOX if side >= size else Image.Resampling.BILINEAR
        patches.append(np.asarray(patch.resize((size, size), resampling)))
    return np.stack(patches)[..., None]


def blend(digits: Images, patches: Images, kind: str, strength: float) -> Images:
    """Digits on patches: |digit − strength·patch|, the brighter of both, or a weighted mean."""
    a, b = digits.astype(np.float32), patches * np.float32(strength)
    match kind:
        case "difference":
            blended = np.abs(a - b)
        case "over":
            blended = np.maximum(a, b)
        case _:
            blended = a * (1 - strength) + b
    return blended.round().astype(np.uint8)
