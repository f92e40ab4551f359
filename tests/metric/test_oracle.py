"""Our metric losses against a well-kept library: values and gradients on random batches in float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from dtml import catalogue

oracle = pytest.importorskip("pytorch_metric_learning")
from pytorch_metric_learning import losses, miners  # noqa: E402
from pytorch_metric_learning.distances import DotProductSimilarity, LpDistance  # noqa: E402

Function = Callable[[Tensor, Tensor], Tensor]

BATCHES = range(4)
TOLERANCE = {"rtol": 1e-6, "atol": 1e-9}
"""The library adds small numbers to denominators; everything is in float64."""


def batch(seed: int) -> tuple[Tensor, Tensor]:
    """24 rows of 4 classes of different sizes; those of later seeds lie in clusters."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(24, 5, generator=generator, dtype=torch.float64)
    labels = torch.randint(4, (24,), generator=generator)
    labels[:4] = torch.arange(4)
    rows[torch.arange(24), labels] += 0.8 * seed
    return rows, labels


def euclidean(power: int = 1) -> LpDistance:
    return LpDistance(normalize_embeddings=False, power=power)


def assert_equal(ours: Function, theirs: Function, seed: int, *parameters: tuple[Tensor, Tensor]) -> None:
    """The same value, and the same gradient to the rows and to each pair of parameters (one may be transposed)."""
    rows, labels = batch(seed)
    results = []
    for side, function in enumerate((ours, theirs)):
        inputs = [rows.clone().requires_grad_(True), *(pair[side] for pair in parameters)]
        value = function(inputs[0], labels)
        results.append([value.detach(), *torch.autograd.grad(value, inputs)])
    assert results[0][1].abs().max() > 0
    for mine, other in zip(*results, strict=True):
        torch.testing.assert_close(mine, other if mine.shape == other.shape else other.T, **TOLERANCE)  # type: ignore[arg-type]


def made(name: str, **params: Any) -> Any:
    """One of our losses for batches of `batch`."""
    torch.manual_seed(1)
    loss = catalogue.create("metric", name, **params)
    loss.build(dim=5, classes=4)
    return loss.double()


@pytest.mark.parametrize("seed", BATCHES)
@pytest.mark.parametrize("squared", [True, False])
@pytest.mark.parametrize("mined", [True, False])
def test_triplet(seed: int, squared: bool, mined: bool) -> None:
    """With the miner, too: it finds the active triplets, and the mean is over those either way."""
    distance = euclidean(2 if squared else 1)
    theirs = losses.TripletMarginLoss(margin=0.7, distance=distance)
    miner = miners.TripletMarginMiner(margin=0.7, distance=distance)
    assert_equal(
        made("triplet", margin=0.7, squared=squared),
        (lambda rows, labels: theirs(rows, labels, miner(rows, labels))) if mined else theirs,
        seed,
    )


@pytest.mark.parametrize("seed", BATCHES)
def test_semihard_triplets_are_the_hardest_of_the_miner_s(seed: int) -> None:
    """The miner gives all negatives beyond the positive; of these the nearest one of each pair."""
    distance = euclidean(2)
    loss = losses.TripletMarginLoss(margin=0.7, distance=distance)
    miner = miners.TripletMarginMiner(margin=0.7, distance=distance, type_of_triplets="semihard")

    def theirs(rows: Tensor, labels: Tensor) -> Tensor:
        apart = torch.cdist(rows.detach(), rows.detach())
        nearest: dict[tuple[int, int], int] = {}
        for a, p, n in zip(*(side.tolist() for side in miner(rows, labels)), strict=True):
            if (a, p) not in nearest or apart[a, n] < apart[a, nearest[a, p]]:
                nearest[a, p] = n
        triplets = torch.tensor([(a, p, n) for (a, p), n in nearest.items()]).T
        return loss(rows, labels, tuple(triplets))

    assert_equal(made("triplet", margin=0.7, mining="semihard"), theirs, seed)


@pytest.mark.parametrize("seed", BATCHES)
def test_hardest_triplets_are_those_of_the_batch_hard_miner(seed: int) -> None:
    theirs = losses.TripletMarginLoss(margin=0.7, distance=euclidean())
    miner = miners.BatchHardMiner(distance=euclidean())
    assert_equal(
        made("triplet", margin=0.7, squared=False, mining="hardest"),
        lambda rows, labels: theirs(rows, labels, miner(rows, labels)),
        seed,
    )


@pytest.mark.parametrize("seed", BATCHES)
def test_contrastive(seed: int) -> None:
    loss = losses.ContrastiveLoss(pos_margin=0, neg_margin=2.0, distance=euclidean())

    def theirs(rows: Tensor, labels: Tensor) -> Tensor:
        terms = loss.compute_loss(rows, labels, None, rows, labels)
        return sum(terms[name]["losses"].square().mean() / 2 for name in ("pos_loss", "neg_loss"))  # type: ignore[return-value]

    assert_equal(made("contrastive", margin=2.0), theirs, seed)


@pytest.mark.parametrize("seed", BATCHES)
def test_n_pair(seed: int) -> None:
    theirs = losses.NPairsLoss(distance=DotProductSimilarity(normalize_embeddings=False))
    assert_equal(made("n_pair", regularisation=0), theirs, seed)


@pytest.mark.parametrize("seed", BATCHES)
@pytest.mark.parametrize("temperature", [0.07, 0.5])
def test_ntxent(seed: int, temperature: float) -> None:
    assert_equal(made("ntxent", temperature=temperature), losses.NTXentLoss(temperature), seed)


@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_two_views_are_the_self_supervised_form(temperature: float) -> None:
    from dtml.metric.ntxent import nt_xent

    views = torch.randn(2, 6, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    theirs = losses.SelfSupervisedLoss(losses.NTXentLoss(temperature))(*views)
    ours = nt_xent(views.flatten(0, 1), torch.arange(6).repeat(2), temperature)
    torch.testing.assert_close(ours, theirs, **TOLERANCE)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", BATCHES)
@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_supcon(seed: int, temperature: float) -> None:
    assert_equal(made("supcon", temperature=temperature), losses.SupConLoss(temperature), seed)


@pytest.mark.parametrize("seed", BATCHES)
@pytest.mark.parametrize("mining", [True, False])
def test_multi_similarity(seed: int, mining: bool) -> None:
    theirs, miner = losses.MultiSimilarityLoss(alpha=2, beta=50, base=0.5), miners.MultiSimilarityMiner(epsilon=0.1)
    assert_equal(
        made("multi_similarity", mining=mining),
        (lambda rows, labels: theirs(rows, labels, miner(rows, labels))) if mining else theirs,
        seed,
    )


@pytest.mark.parametrize("seed", BATCHES)
def test_proxy_anchor(seed: int) -> None:
    ours = made("proxy_anchor")
    theirs = losses.ProxyAnchorLoss(num_classes=4, embedding_size=5).double()
    theirs.proxies.data = ours.proxies.detach().clone()
    assert_equal(ours, theirs, seed, (ours.proxies, theirs.proxies))


@pytest.mark.parametrize("seed", BATCHES)
@pytest.mark.parametrize("margin", [0.5, 1.4])
def test_arcface(seed: int, margin: float) -> None:
    """With the larger margin some angles would pass π."""
    ours = made("arcface", margin=margin, scale=16.0)
    theirs = losses.ArcFaceLoss(num_classes=4, embedding_size=5, margin=math.degrees(margin), scale=16).double()
    theirs.W.data = ours.proxies.detach().T.clone()
    assert_equal(ours, theirs, seed, (ours.proxies, theirs.W))
