"""Our metric losses against a well-kept library, on random batches."""

from __future__ import annotations

import pytest
import torch

from dtml import catalogue

oracle = pytest.importorskip("pytorch_metric_learning")


def batch(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(24, 5, generator=generator, dtype=torch.float64)
    return rows, torch.randint(4, (24,), generator=generator)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("squared", [True, False])
def test_triplet(seed: int, squared: bool) -> None:
    from pytorch_metric_learning.distances import LpDistance
    from pytorch_metric_learning.losses import TripletMarginLoss

    rows, labels = batch(seed)
    theirs = TripletMarginLoss(margin=0.7, distance=LpDistance(normalize_embeddings=False, power=2 if squared else 1))
    ours = catalogue.create("metric", "triplet", margin=0.7, squared=squared)
    assert ours(rows, labels).item() == pytest.approx(theirs(rows, labels).item(), rel=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_contrastive(seed: int) -> None:
    from pytorch_metric_learning.distances import LpDistance
    from pytorch_metric_learning.losses import ContrastiveLoss

    rows, labels = batch(seed)
    theirs = ContrastiveLoss(pos_margin=0, neg_margin=2.0, distance=LpDistance(normalize_embeddings=False))
    terms = theirs.compute_loss(rows, labels, None, None, None)
    halves = [terms[name]["losses"].square().mean().item() / 2 for name in ("pos_loss", "neg_loss")]
    ours = catalogue.create("metric", "contrastive", margin=2.0)
    assert ours(rows, labels).item() == pytest.approx(sum(halves), rel=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_hardest_triplets_are_those_of_the_batch_hard_miner(seed: int) -> None:
    from pytorch_metric_learning.distances import LpDistance
    from pytorch_metric_learning.losses import TripletMarginLoss
    from pytorch_metric_learning.miners import BatchHardMiner

    rows, labels = batch(seed)
    distance = LpDistance(normalize_embeddings=False)
    theirs = TripletMarginLoss(margin=0.7, distance=distance)
    value = theirs(rows, labels, BatchHardMiner(distance=distance)(rows, labels))
    ours = catalogue.create("metric", "triplet", margin=0.7, squared=False, mining="hardest")
    assert ours(rows, labels).item() == pytest.approx(value.item(), rel=1e-6)
