"""Inter-twinning moons: two half circles, and the same two turned by an angle."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import make_moons

from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text
from dtml.tasks import Domain, Progress, Split, Task, Transfer, stratified

SHARES: dict[Split, float] = {"train": 0.5, "validation": 0.1, "test": 0.4}


class Moons(Task):
    """Two-dimensional points whose target is the source's distribution, rotated about its centre."""

    name = "moons"
    title = Text("Two moons, rotated", "旋转的双月")
    summary = Text(
        "Two interleaved half circles; the target is turned by an angle. A run takes seconds.",
        "两个交错的半圆；目标域旋转了一个角度。一次训练只需几秒。",
    )
    formula = r"x_t = R_\theta\,(x_s - \bar x) + \bar x"
    paper = Paper(
        "Germain, Habrard, Laviolette, Morvant",
        2013,
        "A PAC-Bayesian Approach for Domain Adaptation with Specialization to Linear Classifiers",
        "https://proceedings.mlr.press/v28/germain13.html",
        "section 6.1",
    )
    inputs = "points"
    recommended = {
        "backbone": {"name": "mlp", "width": 64, "depth": 2},
        "strategy": "scratch",
        "embedding": {"dim": 64, "activation": "tanh"},
        "training": {
            "steps": 800,
            "batch_size": 64,
            "optimiser": "adam",
            "learning_rate": 0.003,
            "schedule": "constant",
            "weight_decay": 0.0,
        },
    }

    class Params(BaseParams):
        """How large the shift is and how hard the classes are to tell apart."""

        angle: float = param(35.0, "Rotation of the target", "目标域旋转角度", unit="°", ge=0, le=180)
        noise: float = param(0.1, "Standard deviation of the noise", "噪声标准差", ge=0, le=1)
        samples: int = param(1000, "Samples a domain", "每个域的样本数", ge=40, le=100_000)

    def load(self, seed: int, progress: Progress | None = None) -> Transfer:
        return Transfer(
            self._domain("moons", 0.0, 2 * seed), self._domain("rotated moons", self.params.angle, 2 * seed + 1)
        )

    def _domain(self, name: str, angle: float, seed: int) -> Domain:
        points, labels = make_moons(self.params.samples, noise=self.params.noise, random_state=seed)
        centred = points - np.array([0.5, 0.25])
        turn = np.deg2rad(angle)
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        labels = labels.astype(np.int64)
        return Domain(
            name=name,
            inputs=(centred @ rotation.T).astype(np.float32),
            labels=labels,
            classes=("upper moon", "lower moon"),
            splits=stratified(labels, SHARES, seed),
            ids=np.array([f"{name} {i}" for i in range(len(labels))]),
        )
