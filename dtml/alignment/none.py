"""No alignment: what the twin trains with."""

from __future__ import annotations

from torch import Tensor

from dtml.alignment import Alignment
from dtml.alignment._parts import zero
from dtml.catalogue import Params
from dtml.language import Text
from dtml.losses import Example
from dtml.representation import Representation


class NoAlignment(Alignment):
    """Zero, whatever the domains look like."""

    name = "none"
    title = Text("None", "无")
    summary = Text(
        "The target is in the batches but nothing draws the domains together: the counterfactual.",
        "目标域样本在批次中，但没有任何对齐项：反事实对照。",
    )
    formula = r"\mathcal L = 0"
    claims = frozenset({
        "zero_on_equal_domains", "symmetric", "permutation_invariant", "translation_invariant", "rotation_invariant",
        "blind_to_mean_shift", "non_negative", "bounded",
    })  # fmt: skip
    Params = Params  # type: ignore[assignment]
    examples = (Example(([[0.0], [2.0]], [[1.0], [5.0]]), 0.0, "always 0"),)

    def forward(self, source: Representation, target: Representation, progress: float) -> Tensor:
        return zero(source, target)
