"""Adversarial alignments: the schedule of λ, what their terms are worth, and an encoder moved the right way."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from dtml import catalogue
from dtml.alignment.adda import mapping_loss
from dtml.alignment.cdan import LARGEST, outer, randomised, sureness
from dtml.alignment.mada import GroupedLinear, by_class
from dtml.alignment.mcd import discrepancy
from dtml.alignment.mdd import departed, disparity
from dtml.representation import Representation
from tests.conformance.claims import represented

REVERSED = ("cdan", "mada", "mdd")
CENTRES = torch.tensor([[2.0, 0.0], [-2.0, 0.0]])
SHIFT = torch.tensor([0.0, 2.0])


def domains(seed: int = 0, n: int = 64) -> tuple[Tensor, Tensor, Tensor]:
    """Two classes along the first axis; the target is the source, drawn anew and moved along the second axis."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 2
    source, target = (CENTRES[labels] + 0.5 * torch.randn(n, 2, generator=generator) for _domain in range(2))
    return source, target + SHIFT, labels


def play(name: str, steps: int = 300, rate: float = 0.02, **params: Any) -> dict[str, tuple[float, float]]:
    """The game as the training loop plays it, where the encoder may move the target as a whole.

    Batches are drawn anew; the classifier is fixed and right on both domains.
    Returns, before and over the last 50 steps: the distance `gap` of the target from where it belongs, and the
    numbers that the loss watches.
    """
    torch.manual_seed(0)
    loss = catalogue.create("alignment", name, **params)
    loss.build(2, 2)
    move = torch.zeros(2, requires_grad=True)
    of_encoder = torch.optim.Adam([move], lr=rate)
    of_loss = torch.optim.Adam(loss.parameters(), lr=0.01)
    history: list[dict[str, float]] = []
    for step in range(steps):
        rows, unlabelled, labels = domains(step)
        source = represented(rows, rows @ CENTRES.T, labels)
        target = represented(unlabelled + move, (unlabelled + move) @ CENTRES.T, torch.full_like(labels, -1))
        if loss.has_opponent:
            of_loss.zero_grad()
            loss.opponent(source.detach(), target.detach(), 0.5).backward()
            of_loss.step()
        loss.requires_grad_(not loss.has_opponent)
        of_encoder.zero_grad()
        of_loss.zero_grad()
        loss(source, target, 0.5).backward()
        of_encoder.step()
        if not loss.has_opponent:
            of_loss.step()
        loss.requires_grad_(True)
        watched = {key: value.item() for key, value in loss.watched.items()}
        history.append({"gap": (SHIFT + move.detach()).norm().item(), **watched})
    return {key: (history[0][key], float(np.mean([each[key] for each in history[-50:]]))) for key in history[0]}


@pytest.mark.parametrize("name", ["cdan", "mada", "adda", "mdd", "mcd"])
def test_the_target_is_moved_to_the_source(name: str) -> None:
    """To less than half the gap: the game circles around the meeting of the domains, it does not rest there."""
    before, after = play(name)["gap"]
    assert before > 1.9
    assert after < 1


@pytest.mark.parametrize("name", ["cdan", "mada", "adda"])
def test_the_discriminator_is_confused_in_the_end(name: str) -> None:
    assert play(name)["domain_accuracy"][1] < 0.65


def test_the_classifiers_of_mcd_agree_in_the_end() -> None:
    before, after = play("mcd")["discrepancy"]
    assert after < before / 3


def test_mcd_takes_the_disagreement_away() -> None:
    torch.manual_seed(0)
    source, target, labels = domains()
    loss = catalogue.create("alignment", "mcd", discrepancy=1.0)
    loss.build(2, 2)
    known = represented(source, labels=labels)
    optimiser = torch.optim.Adam(loss.parameters(), lr=0.01)
    for _step in range(200):
        optimiser.zero_grad()
        loss.opponent(known, represented(target), 0.5).backward()
        optimiser.step()
    first, second = loss.classifiers
    before = discrepancy(first(target), second(target))
    assert before > 0.2, "the opponent makes the classifiers disagree on the target"
    assert cross_entropy(first(source), labels) < 0.1, "while both are right on the source"
    loss.requires_grad_(False)
    free = target.clone().requires_grad_(True)
    encoder = torch.optim.Adam([free], lr=0.05)
    for _step in range(100):
        encoder.zero_grad()
        loss(known, represented(free), 0.5).backward()
        encoder.step()
    assert discrepancy(first(free), second(free)) < before / 3


@pytest.mark.parametrize("name", REVERSED)
@pytest.mark.parametrize(("progress", "share"), [(0.0, 0.0), (0.1, 0.462117), (0.5, 0.986614)])
def test_strength_follows_the_schedule_to_its_ceiling(name: str, progress: float, share: float) -> None:
    loss = catalogue.create("alignment", name)
    rows = torch.randn(5, 4, requires_grad=True)
    value = loss(
        represented(rows, logits=torch.randn(5, 3)), represented(torch.randn(5, 4), torch.randn(5, 3)), progress
    )
    assert loss.watched["strength"].item() == pytest.approx(share * loss.params.ceiling, abs=1e-6)
    (gradient,) = torch.autograd.grad(value, rows)
    assert (gradient.abs().max() > 0) == (share > 0)


@pytest.mark.parametrize("name", REVERSED)
def test_the_encoder_gets_minus_lambda_times_the_gradient(name: str) -> None:
    torch.manual_seed(0)
    loss = catalogue.create("alignment", name).double()
    loss.build(3, 3)
    loss.double()
    source, target = torch.randn(2, 6, 3, dtype=torch.float64)
    direction = torch.randn(6, 3, dtype=torch.float64)
    logits = torch.randn(6, 3, dtype=torch.float64)

    def value(rows: Tensor) -> Tensor:
        return loss(represented(rows, logits), represented(target, logits), 0.5)

    rows = source.clone().requires_grad_(True)
    along = (torch.autograd.grad(value(rows), rows)[0] * direction).sum()
    rise = (value(source + 1e-6 * direction) - value(source - 1e-6 * direction)) / 2e-6
    assert along.item() == pytest.approx(-loss.watched["strength"].item() * rise.item(), rel=1e-4)


@pytest.mark.parametrize(
    ("name", "value"),
    [("cdan", math.log(2)), ("mada", 3 * math.log(2)), ("mdd", 4 * math.log(3) + math.log(3) - math.log(2))],
)
def test_an_undecided_opponent_costs_what_it_must(name: str, value: float) -> None:
    """log 2 a discriminator; for MDD of three classes γ·log 3 and −log(1 − ⅓)."""
    loss = catalogue.create("alignment", name)
    loss.build(4, 3)
    for parameter in loss.parameters():
        nn.init.zeros_(parameter)
    rows = [represented(torch.randn(n, 4), logits=torch.randn(n, 3)) for n in (5, 7)]
    assert loss(*rows, 1.0).item() == pytest.approx(value, rel=1e-5)


# -- CDAN -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entropy", [True, False])
def test_cdans_discriminator_learns(entropy: bool) -> None:
    """λ = 0: the game without the encoder's move."""
    assert play("cdan", 100, ceiling=0.0, entropy=entropy)["domain_accuracy"][1] > 0.9


def test_cdan_sees_a_difference_that_only_exists_within_the_classes() -> None:
    """Both domains have the same points, with the classes exchanged: DANN has nothing to go by, CDAN has."""
    rows = torch.tensor([[1.0, 0.0], [-1.0, 0.0]]).repeat(16, 1)
    one, other = represented(rows, logits=9 * rows), represented(rows, logits=-9 * rows)
    values = {}
    for name in ("dann", "cdan"):
        torch.manual_seed(0)
        loss = catalogue.create("alignment", name)
        loss.build(2, 2)
        optimiser = torch.optim.Adam(loss.parameters(), lr=0.01)
        for _step in range(100):
            optimiser.zero_grad()
            value = loss(one, other, 0.5)
            value.backward()
            optimiser.step()
        values[name] = value.item()
    assert values["dann"] == pytest.approx(math.log(2), abs=0.01)
    assert values["cdan"] < 0.05


def test_the_product_is_every_pair() -> None:
    embeddings, probabilities = torch.tensor([[2.0, 3.0]]), torch.tensor([[0.25, 0.75, 0.0]])
    assert outer(embeddings, probabilities).tolist() == [[0.5, 1.5, 0.0, 0.75, 2.25, 0.0]]


def test_the_random_product_keeps_inner_products() -> None:
    """⟨f⊗g, f'⊗g'⟩ = ⟨f, f'⟩⟨g, g'⟩; of 200,000 projections the mean is within a few standard errors (1/√r ≈ .002)."""
    generator = torch.Generator().manual_seed(0)
    f, g = torch.tensor([[1.0, 2.0], [0.5, -1.0]]), torch.tensor([[0.2, 0.8, 0.0], [0.6, 0.3, 0.1]])
    first, second = (torch.randn(n, 200_000, generator=generator) for n in (2, 3))
    projected = randomised(f, g, first, second)
    assert (projected @ projected.T - (f @ f.T) * (g @ g.T)).abs().max() < 0.1


def test_a_large_product_is_projected_and_a_small_one_is_not() -> None:
    loss = catalogue.create("alignment", "cdan", random_dim=32)
    loss.build(64, LARGEST // 64)
    assert not list(loss.buffers())
    loss.build(64, LARGEST // 64 + 1)
    assert [tuple(buffer.shape) for buffer in loss.buffers()] == [(64, 32), (65, 32)]
    rows = represented(torch.randn(5, 64), logits=torch.randn(5, 65))
    assert loss(rows, rows, 0.5).isfinite()


def test_sure_samples_weigh_up_to_twice_as_much() -> None:
    """A certain sample has w = 2, one of 2 equal classes w = 1.5; the mean is 1.75."""
    log_p = torch.tensor([[0.0, -80.0], [-math.log(2), -math.log(2)]])
    assert sureness(log_p).tolist() == pytest.approx([2 / 1.75, 1.5 / 1.75])


# -- ADDA -------------------------------------------------------------------------------------------


def test_adda_maps_only_after_the_start_and_only_the_target() -> None:
    loss = catalogue.create("alignment", "adda", start=0.4)
    rows = [torch.randn(5, 4, requires_grad=True) for _domain in range(2)]
    source, target = (represented(each) for each in rows)
    early = loss(source, target, 0.39)
    assert early == 0
    assert all(gradient.abs().max() == 0 for gradient in torch.autograd.grad(early, rows))
    assert loss.opponent(source.detach(), target.detach(), 0.0) > 0
    untouched, moved = torch.autograd.grad(loss(source, target, 0.4), rows, allow_unused=True)
    assert untouched is None
    assert moved.abs().max() > 0


def test_the_mapping_wants_the_target_taken_for_the_source() -> None:
    assert mapping_loss(torch.tensor([[0.0], [math.log(3)]])).item() == pytest.approx(
        (math.log(2) + math.log(4 / 3)) / 2
    )


# -- MCD, MDD, MADA ---------------------------------------------------------------------------------


def test_discrepancy_worked_by_hand() -> None:
    """(¾, ¼) against (½, ½): ½; equal rows: 0; the mean of both is ¼."""
    first = torch.tensor([[math.log(3), 0.0], [1.0, 2.0]])
    second = torch.tensor([[0.0, 0.0], [1.0, 2.0]])
    assert discrepancy(first, second).item() == pytest.approx(0.25)


def test_mcd_needs_the_sources_labels() -> None:
    loss = catalogue.create("alignment", "mcd")
    rows = torch.randn(4, 3)
    with pytest.raises(ValueError, match="without labels"):
        loss(Representation(rows, rows, rows), represented(rows), 0.5)


def test_disparity_worked_by_hand() -> None:
    """Source (¾, ¼) of class 1: −log ¾; target (⅔, ⅓) of class 2: −log(1 − ⅓) = log 3/2; γ = 2."""
    source, target = torch.tensor([[math.log(3), 0.0]]), torch.tensor([[math.log(2), 0.0]])
    value = disparity(source, torch.tensor([0]), target, torch.tensor([1]), 2.0)
    assert value.item() == pytest.approx(2 * math.log(4 / 3) + math.log(3 / 2))


def test_departing_from_a_certain_class_has_a_gradient() -> None:
    """−log(1 − σ) at σ = 1 in float32: the naive form is infinite."""
    scores = torch.tensor([[200.0, 0.0, 0.0]], requires_grad=True)
    value = departed(scores, torch.tensor([0])).sum()
    assert value.item() == pytest.approx(200 - math.log(2))
    (gradient,) = torch.autograd.grad(value, scores)
    assert gradient.tolist() == [[1.0, -0.5, -0.5]]


def test_mdds_adversary_agrees_on_the_source_and_departs_on_the_target() -> None:
    played = play("mdd", 200, ceiling=0.0)
    assert played["source_agreement"][1] > 0.95
    assert played["target_agreement"][1] < 0.2


def test_grouped_discriminators_are_those_of_a_loop_over_the_classes() -> None:
    torch.manual_seed(0)
    grouped = GroupedLinear(3, 4, 2)
    embeddings, probabilities = torch.randn(5, 4), torch.randn(5, 3).softmax(1)
    values = grouped(by_class(embeddings, probabilities))
    for k in range(3):
        expected = (probabilities[:, [k]] * embeddings) @ grouped.weight[k] + grouped.bias[k]
        assert torch.allclose(values[k], expected, atol=1e-6)
