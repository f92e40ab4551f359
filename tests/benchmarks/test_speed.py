"""Choices that were made for speed, each against what it replaced, in one run.

`uv run pytest -n 0 -m slow tests/benchmarks`: compare the rows of a group; nothing is asserted about times.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import dtml
from dtml import Experiment, catalogue

pytestmark = pytest.mark.slow


@pytest.mark.benchmark(group="80 steps of the default task")
@pytest.mark.parametrize("precision", ["fp32", "auto"])
def test_precision(benchmark: Any, precision: str) -> None:
    """bfloat16 with channels-last where the hardware computes in it."""
    experiment = Experiment(
        task="digits", alignment="dann", training={"steps": 80, "snapshots": 1, "precision": precision}
    )
    benchmark.pedantic(lambda: list(dtml.train(experiment)), rounds=3, warmup_rounds=1)


@pytest.mark.benchmark(group="all triplets of a batch of 64")
@pytest.mark.parametrize("form", ["ours", "pytorch-metric-learning"])
def test_triplets(benchmark: Any, form: str) -> None:
    """One broadcast product instead of a mined list of triplets."""
    from pytorch_metric_learning.losses import TripletMarginLoss

    rows, labels = torch.randn(64, 64, requires_grad=True), torch.arange(64) % 10
    loss = catalogue.create("metric", "triplet") if form == "ours" else TripletMarginLoss(margin=0.2)
    benchmark(lambda: loss(rows, labels).backward())


@pytest.mark.benchmark(group="UMAP of 2000 samples, compiled")
@pytest.mark.parametrize("form", ["exact neighbours given", "umap-learn alone"])
def test_projection(benchmark: Any, form: str) -> None:
    """Exact neighbours and a start from principal components, against umap-learn's own."""
    import umap

    rows = np.random.default_rng(0).normal(size=(2000, 64)).astype(np.float32)
    ours = catalogue.create("projection", "umap")
    alone = umap.UMAP(random_state=0, n_jobs=1)
    project = (lambda: ours.fit(rows, 0)) if form == "exact neighbours given" else (lambda: alone.fit_transform(rows))
    benchmark.pedantic(project, rounds=2, warmup_rounds=1)
