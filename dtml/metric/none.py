"""No metric loss: the classifier alone shapes the embedding."""

from __future__ import annotations

from torch import Tensor

from dtml.catalogue import Params
from dtml.language import Text
from dtml.losses import Example
from dtml.metric import Metric


class NoMetric(Metric):
    """Zero, whatever the embeddings look like."""

    name = "none"
    title = Text("None", "无")
    summary = Text("Only the classifier shapes the embedding.", "仅由分类器塑造嵌入空间。")
    formula = r"\mathcal L = 0"
    claims = frozenset({
        "permutation_invariant", "translation_invariant", "rotation_invariant", "non_negative", "bounded",
    })  # fmt: skip
    Params = Params  # type: ignore[assignment]
    examples = (Example(([[0.0], [2.0], [5.0]], [0, 0, 1]), 0.0, "always 0"),)

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        return 0 * embeddings.sum()
