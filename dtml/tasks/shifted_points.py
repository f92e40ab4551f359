"""Points or table rows of any task, and such with a covariate, prior or concept shift of chosen strength."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from dtml import corruptions
from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text
from dtml.tasks import Domain
from dtml.tasks._shifts import Shifted, part
from dtml.tasks.moons import Moons


class ShiftedPoints(Shifted):
    """The source domain of a task on rows in two halves: one as it is, one shifted in one factor of p(x, y).

    Covariate: of the target's rows 1 − s/2 stay, drawn with weights exp(3 s z), z being the standardised position
    along the source's first principal direction: p(x) changes. Prior: class k of K keeps the share 50^(−s k/(K−1)):
    p(y) changes. Concept: the share s/2 with the largest positions gets the next class: p(y | x) changes.
    """

    name = "shifted_points"
    title = Text("Points with a controlled shift", "可控偏移的点与表格")
    summary = Text(
        "Half of a task's rows as they are, the other half with another p(x), p(y) or p(y | x): the size of the "
        "shift is a slider.",
        "任务源域的一半数据保持原样，另一半改变 p(x)、p(y) 或 p(y | x)：偏移大小由滑块控制。",
    )
    formula = r"p_t(x) \propto e^{3 s z(x)} p_s(x)\quad|\quad p_t(y_k) \propto 50^{-sk/(K-1)} p_s(y_k)\quad|\quad " + (
        r"y_t = (y_s + 1) \bmod K \text{ where } z(x) \text{ is among the largest } s/2"
    )
    paper = Paper(
        "Moreno-Torres, Raeder, Alaiz-Rodriguez, Chawla, Herrera", 2012,
        "A Unifying View on Dataset Shift in Classification", "https://doi.org/10.1016/j.patcog.2011.06.019",
        "section 4",
    )  # fmt: skip
    inputs = "points"
    recommended = Moons.recommended

    class Params(BaseParams):
        """Which rows, which factor changes, and how much."""

        of: str = param("moons", "Task whose source is shifted", "被偏移的任务（取其源域）")
        shift: Literal["covariate", "prior", "concept"] = param("covariate", "What changes", "偏移类型")
        strength: float = param(0.5, "Strength of the shift", "偏移强度", slider=True, ge=0, le=1)
        settings: str = param(
            "", "Parameters of that task: key=value, commas between several", "该任务的参数：key=value，以逗号分隔"
        )

    def shift(self, source: Domain, target: Domain, seed: int) -> Domain:
        kind, strength = self.params.shift, self.params.strength
        name = f"{target.name}, {kind} shift {strength:g}"
        if not strength:
            return replace(target, name=name)
        rng = np.random.default_rng((seed, 3))
        own = source.inputs[np.sort(np.concatenate(list(source.splits.values())))]
        positions = corruptions.principal_positions(target.inputs, own)
        if kind == "concept":
            labels = corruptions.concept(target.labels, positions, len(target.classes), strength)
            return replace(target, name=name, labels=labels)
        kept = {
            split: members[
                corruptions.covariate(positions[members], strength, rng)
                if kind == "covariate"
                else corruptions.prior(target.labels[members], strength, rng)
            ]
            for split, members in target.splits.items()
        }
        return replace(part(target, kept), name=name)
