"""Images of any task, and the same kind of images after a corruption of chosen strength."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from dtml import corruptions
from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.errors import Problem
from dtml.language import Text, mark
from dtml.tasks import Domain
from dtml.tasks._shifts import Shifted, part
from dtml.tasks.digits import Digits, photograph_patches


class ShiftedImages(Shifted):
    """The source domain of an image task in two halves: one as it is, one changed by a corruption.

    With strength 0 both are drawn from one distribution, so that whatever is measured between them is chance.
    """

    name = "shifted"
    title = Text("Images with a controlled shift", "可控偏移的图像")
    summary = Text(
        "Half of any image task's source as it is, the other half blurred, noisy, faded, recoloured, turned, on "
        "photographs or with rarer classes: the size of the shift is a slider.",
        "任一图像任务源域的一半保持原样，另一半被模糊、加噪、降低对比度、变色、旋转、加上照片背景或减少某些类别：偏移大小由滑块控制。",
    )
    formula = r"x_t = c_s(x),\quad s \in [0, 1],\quad c_0(x) = x"
    paper = Paper(
        "Hendrycks, Dietterich", 2019,
        "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations",
        "https://arxiv.org/abs/1903.12261", "section 4.1",
    )  # fmt: skip
    inputs = "images"
    recommended = Digits.recommended

    class Params(BaseParams):
        """Which images, what is done to the target's, and how much of it."""

        of: str = param("digits", "Task whose source is shifted", "被偏移的任务（取其源域）")
        corruption: Literal["blur", "noise", "contrast", "colour", "rotation", "background", "label_prior"] = param(
            "rotation", "What shifts the target", "目标域的偏移方式"
        )
        strength: float = param(0.5, "Strength of the shift", "偏移强度", slider=True, ge=0, le=1)
        settings: str = param(
            "", "Parameters of that task: key=value, commas between several", "该任务的参数：key=value，以逗号分隔"
        )

    def shift(self, source: Domain, target: Domain, seed: int) -> Domain:
        kind, strength = self.params.corruption, self.params.strength
        rng = np.random.default_rng((seed, 3))
        name = f"{target.name}, {kind} {strength:g}"
        if not strength:
            return replace(target, name=name)
        images = target.inputs
        match kind:
            case "label_prior":
                kept = {
                    split: members[corruptions.prior(target.labels[members], strength, rng)]
                    for split, members in target.splits.items()
                }
                return replace(part(target, kept), name=name)
            case "noise":
                changed = corruptions.noise(images, strength, rng)
            case "background":
                changed = self._on_photographs(target, rng)
            case "colour" if images.shape[-1] != 3:
                raise Problem(
                    mark("'colour' turns hues, but the images of '{task}' are grey; choose another corruption."),
                    task=self.params.of,
                )
            case _:
                plain = {
                    "blur": corruptions.blur,
                    "contrast": corruptions.contrast,
                    "colour": corruptions.colour,
                    "rotation": corruptions.rotation,
                }
                changed = plain[kind](images, strength)
        return replace(target, name=name, inputs=changed)

    def _on_photographs(self, target: Domain, rng: np.random.Generator) -> corruptions.Images:
        """Patches of training and test come from different halves of the photographs."""
        changed = np.empty_like(target.inputs)
        for split, members in target.splits.items():
            patches = photograph_patches(len(members), split == "test", rng, target.shape[0])
            changed[members] = corruptions.background(target.inputs[members], self.params.strength, patches)
        return changed
