"""All active triplets of a batch of 512 samples of 10 classes, against pytorch-metric-learning with its miner.

`uv run pytest -n 0 -s -m slow tests/benchmarks/test_metric_speed.py` prints the ratio.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from dtml import catalogue

pytestmark = pytest.mark.slow

ROUNDS = 7
AT_LEAST = 20


def test_all_triplets_of_512() -> None:
    """Rounds in turn in one process: what else the machine does falls on all."""
    from pytorch_metric_learning.distances import LpDistance
    from pytorch_metric_learning.losses import TripletMarginLoss
    from pytorch_metric_learning.miners import TripletMarginMiner

    rows, labels = torch.randn(512, 64, generator=torch.Generator().manual_seed(0)), torch.arange(512) % 10
    distance = LpDistance(normalize_embeddings=False, power=2)
    theirs = TripletMarginLoss(margin=0.2, distance=distance)
    miner = TripletMarginMiner(margin=0.2, distance=distance)
    forms: dict[str, Callable[[Tensor], Tensor]] = {
        "ours": lambda x: loss(x, labels),
        "theirs, mined": lambda x: theirs(x, labels, miner(x, labels)),
        "theirs, unmined": lambda x: theirs(x, labels),
    }
    loss = catalogue.create("metric", "triplet")
    seconds: dict[str, list[float]] = {name: [] for name in forms}
    for _round in range(ROUNDS):
        for name, form in forms.items():
            inputs = rows.clone().requires_grad_(True)
            begin = time.perf_counter()
            form(inputs).backward()  # type: ignore[no-untyped-call]
            seconds[name].append(time.perf_counter() - begin)
    medians = {name: statistics.median(each) for name, each in seconds.items()}
    for name, median in medians.items():
        print(f"{name}: {1000 * median:.1f} ms, {median / medians['ours']:.1f} times ours")
    assert medians["theirs, mined"] > AT_LEAST * medians["ours"]
