"""Words and pairs of words, hashed, under a multi-layer perceptron: texts without learned weights."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dtml.backbones import Backbone, Network
from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text

ALONE = "\u3400-\u9fff\uf900-\ufaff\u3040-\u30ff"
"""Chinese and Japanese characters, which no spaces part: each is a word of its own."""
WORD = rf"[{ALONE}]|[^\W{ALONE}]+"
KEPT = 1024
"""Different n-grams of a text that are read."""
LENGTH = 16.0
"""The length of a row. With rows of length one the first features all but agree, and a distance between the domains
outweighs the classes: MMD left the reviews at chance, where rows of length 16 gave 77 %."""


class NGrams(Backbone):
    """Which of `2^size` slots a text's n-grams fall into, as a row of one length, then fully connected layers.

    Hashing learns nothing from any text, so nothing leaks from one split or domain to another. An n-gram counts once,
    however often a text has it.
    """

    name = "ngrams"
    title = Text("Hashed n-grams", "哈希 n 元词组")
    summary = Text(
        "Words and groups of words, hashed into one long row, under fully connected layers; trains in seconds.",
        "将词与词组哈希为一个长向量，再接全连接层；几秒即可训练。",
    )
    formula = r"x_j = \frac{16\, b_j}{\lVert b \rVert_2}, \quad b_j = \max_{g \in \mathrm{text}} [\,h(g) = j\,]"
    paper = Paper(
        "Weinberger, Dasgupta, Langford, Smola, Attenberg", 2009, "Feature Hashing for Large Scale Multitask Learning",
        "https://arxiv.org/abs/0902.2206", "section 2",
    )  # fmt: skip
    accepts = ("texts",)

    class Params(BaseParams):
        """What is read of a text, and the size of the layers."""

        size: int = param(14, "Slots, as a power of two", "哈希槽数（2 的幂）", ge=6, le=18)
        longest: int = param(1, "Words of the longest n-gram", "n 元词组的最大词数", ge=1, le=3)
        width: int = param(128, "Units a layer", "每层单元数", ge=1, le=8192)
        depth: int = param(2, "Layers", "层数", ge=1, le=16)
        dropout: float = param(0.5, "Dropout after each layer", "每层之后的 dropout", ge=0, lt=1)

    @cached_property
    def _hasher(self) -> Any:
        from sklearn.feature_extraction.text import HashingVectorizer

        return HashingVectorizer(
            n_features=2**self.params.size,
            ngram_range=(1, self.params.longest),
            token_pattern=WORD,
            binary=True,
            norm=None,
            alternate_sign=False,
            decode_error="replace",
        )

    def encode(self, raw: NDArray[Any]) -> NDArray[Any]:
        """The slots of each text (n, 1024), ascending, then -1."""
        found = self._hasher.transform(raw.tolist())
        slots = np.full((len(raw), KEPT), -1, dtype=np.int32)
        for row, (start, end) in enumerate(zip(found.indptr, found.indptr[1:], strict=False)):
            own = np.sort(found.indices[start:end])[:KEPT]
            slots[row, : len(own)] = own
        return slots

    def reading(self) -> str:
        return (
            f"The text in lower case, its words by the regular expression {WORD} and all groups of up to "
            f"{self.params.longest} words joined by spaces; of each the absolute value of MurmurHash3 (32 bits, "
            f"signed, seed 0) of its UTF-8 modulo {2**self.params.size}; the different ones ascending, at most {KEPT}, "
            "then -1."
        )

    def build(self, shape: tuple[int, ...], pretrained: bool) -> Network:
        size, p = 2**self.params.size, self.params
        widths = [size, *[p.width] * p.depth]
        stages = {
            f"layer{i + 1}": nn.Sequential(nn.Linear(a, b), nn.ReLU(), nn.Dropout(p.dropout))
            for i, (a, b) in enumerate(zip(widths, widths[1:], strict=False))
        }
        return Network(stages, shape, Slots(size))


class Slots(nn.Module):
    """Slots (n, k), -1 where a text has no more → rows (n, size) of one length; zero for an empty text."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, slots: Tensor) -> Tensor:
        there = (slots >= 0).to(torch.float32)
        rows = there.new_zeros((slots.shape[0], self.size)).scatter_add_(1, slots.long().clamp_min(0), there)
        return LENGTH * rows / there.sum(1, keepdim=True).clamp_min(1).sqrt()
