"""Alignments without an opponent: closed forms, what each one sees, and that it does what it says."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dtml import catalogue
from dtml.alignment import Alignment
from dtml.alignment._classes import hard_memberships, soft_memberships
from dtml.alignment.deepjdot import transport_plan
from dtml.alignment.mmd import mmd2
from dtml.alignment.swd import sliced_distance
from dtml.representation import Representation
from tests.conformance.claims import represented

CORNERS = 3 * torch.eye(3, dtype=torch.float64)
CLASS_WISE = ("cdd", "lmmd", "deepjdot", "tpn", "dstml")
FEW_LABELS = ("ccsa", "dsne")
ALL = ("jan", "swd", "afn", "bsp", *CLASS_WISE, *FEW_LABELS)


def draw(n: int, seed: int, dim: int = 3) -> Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def domain(rows: Tensor, labels: list[int] | Tensor, known: bool = True, classes: int = 3) -> Representation:
    """Rows whose classifier is sure of `labels`, which are known or not."""
    truth = torch.as_tensor(labels)
    logits = 8 * nn.functional.one_hot(truth, classes).to(rows)
    return represented(rows, logits, truth if known else torch.full_like(truth, -1))


def make(name: str, **params: Any) -> Alignment:
    loss: Alignment = catalogue.create("alignment", name, **params)
    return loss


# -- joint and class-wise MMD -----------------------------------------------------------------------


def test_jan_sees_a_shift_of_the_joint_that_mmd_does_not_see() -> None:
    rows = draw(40, 0)
    source, target = domain(rows, torch.arange(40) % 2), domain(rows, (torch.arange(40) + 1) % 2)
    assert make("mmd")(source, target, 0.5).abs() < 1e-9
    scores = [each.logits.softmax(1) for each in (source, target)]
    assert mmd2(*scores, 1, 2.0, 0.92, unbiased=False).abs() < 1e-9
    assert make("jan")(source, target, 0.5) > 0.01


@pytest.mark.parametrize("n", [64, 128])
def test_multi_kernel_mmd_keeps_memory_in_the_square_of_the_batch(n: int) -> None:
    """What backpropagation needs: matrices of the distances, never an array of all differences (n, n, d)."""
    dim, kept = 512, dict[int, int]()

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.data_ptr()] = tensor.numel()
        return tensor

    source, target = (represented(draw(n, seed, dim).requires_grad_(True)) for seed in (0, 1))
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        make("mmd")(source, target, 0.5)
    assert sum(kept.values()) < 12 * (2 * n) ** 2 + 8 * 2 * n * dim


def test_jan_is_mmd_where_the_classifier_says_the_same_of_all() -> None:
    a, b = draw(9, 0), 2 * draw(7, 1)
    source, target = (represented(rows, torch.zeros(len(rows), 3, dtype=torch.float64)) for rows in (a, b))
    assert make("jan")(source, target, 0.5).item() == pytest.approx(mmd2(a, b, 5, 2.0, 0.0, unbiased=False).item())


def test_lmmd_and_cdd_of_one_class_are_mmd() -> None:
    a, b = draw(9, 0), 2 * draw(7, 1)
    source, target = domain(a, [0] * 9, classes=1), domain(b, [0] * 7, known=False, classes=1)
    expected = mmd2(a, b, 5, 2.0, 0.0, unbiased=False).item()
    assert make("lmmd", gamma=0.0)(source, target, 0.5).item() == pytest.approx(expected)
    assert make("cdd")(source, target, 0.5).item() == pytest.approx(expected)


def test_lmmd_of_sure_predictions_is_the_mean_of_mmd_by_class() -> None:
    a, b, labels = draw(9, 0), 2 * draw(6, 1), torch.arange(9) % 2
    loss = make("lmmd", kernels=2, bandwidth=0.7, gamma=0.0)
    sure = replace(domain(b, labels[:6], known=False), logits=1e4 * nn.functional.one_hot(labels[:6], 3).double())
    by_class = [mmd2(a[labels == c], b[labels[:6] == c], 2, 2.0, 0.7, unbiased=False) for c in (0, 1)]
    assert loss(domain(a, labels), sure, 0.5).item() == pytest.approx(torch.stack(by_class).mean().item())


def test_lmmd_grows_with_training() -> None:
    source, target = domain(draw(9, 0), [0, 1, 2] * 3), represented(2 * draw(6, 1), labels=torch.full((6,), -1))
    whole = make("lmmd", gamma=0.0)(source, target, 0.0).item()
    values = [make("lmmd", gamma=10.0)(source, target, progress).item() / whole for progress in (0.0, 0.1, 1.0)]
    assert values == pytest.approx([0.0, 0.462117, 0.999909], abs=1e-6)


def test_cdd_recomputed_class_by_class() -> None:
    a, b, of_a, of_b = draw(9, 0), 2 * draw(8, 1), torch.arange(9) % 3, torch.tensor([0, 0, 0, 1, 1, 1, 1, 0])
    value = make("cdd", bandwidth=0.7)(domain(a, of_a), domain(b, of_b, known=False), 0.5)
    between = {
        (i, j): mmd2(a[of_a == i], b[of_b == j], 5, 2.0, 0.7, unbiased=False).item() for i in (0, 1) for j in (0, 1)
    }
    expected = (between[0, 0] + between[1, 1] - between[0, 1] - between[1, 0]) / 2
    assert value.item() == pytest.approx(expected), "class 2 is missing in the target"


def test_cdd_is_negative_where_classes_are_apart_and_matched_and_positive_where_they_are_swapped() -> None:
    labels = torch.arange(12) % 3
    rows = CORNERS[labels] + 0.1 * draw(12, 0)
    source = domain(rows, labels)
    matched = domain(CORNERS[labels] + 0.1 * draw(12, 1), labels, known=False)
    swapped = domain(CORNERS[(labels + 1) % 3] + 0.1 * draw(12, 1), labels, known=False)
    assert make("cdd")(source, matched, 0.5) < -0.5
    assert make("cdd")(source, swapped, 0.5) > 0.2


def test_only_sure_guesses_count() -> None:
    logits = torch.tensor([[2.0, 0.0], [0.1, 0.0]])
    unknown = represented(torch.zeros(2, 2), logits, torch.tensor([-1, -1]))
    assert hard_memberships(unknown, 0.0).tolist() == [[1, 0], [1, 0]]
    assert hard_memberships(unknown, 0.8).tolist() == [[1, 0], [0, 0]]
    known = replace(unknown, labels=torch.tensor([-1, 1]))
    assert hard_memberships(known, 0.8).tolist() == [[1, 0], [0, 1]]
    assert soft_memberships(known)[1].tolist() == [0, 1]
    assert torch.allclose(soft_memberships(known)[0], logits[0].softmax(0))


@pytest.mark.parametrize("name", ["cdd", "tpn"])
def test_without_a_sure_guess_the_loss_is_0_with_a_gradient_of_0(name: str) -> None:
    rows = draw(6, 1).requires_grad_(True)
    target = represented(rows, torch.zeros(6, 3, dtype=torch.float64), torch.full((6,), -1))
    loss = make(name, confidence=0.9)
    value = loss(domain(draw(6, 0), [0, 1, 2] * 2), target, 0.5)
    value.backward()  # type: ignore[no-untyped-call]
    assert value == 0
    assert torch.equal(rows.grad, torch.zeros_like(rows))  # type: ignore[arg-type]
    assert loss.watched["shared_classes"] == 0


# -- transport --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dim", [2, 8])
def test_swd_of_a_translation_is_its_squared_length_over_the_dimensions(dim: int) -> None:
    rows, shift = draw(20, 0, dim), torch.arange(1, dim + 1).double()
    torch.manual_seed(0)
    value = make("swd", directions=4096)(represented(rows), represented(rows + shift), 0.5).item()
    assert value == pytest.approx(shift.square().sum().item() / dim, rel=0.06), "four standard errors of 4096 lines"


def test_swd_of_a_repeated_sample_is_0() -> None:
    rows, directions = draw(5, 0), nn.functional.normalize(draw(3, 1, 16), dim=0)
    assert sliced_distance(rows, rows.repeat(3, 1), directions).abs() < 1e-12


def test_swd_of_unequal_samples_is_that_of_both_repeated_to_one_size() -> None:
    a, b, directions = draw(4, 0), draw(6, 1), nn.functional.normalize(draw(3, 2, 16), dim=0)
    repeated = sliced_distance(a.repeat(3, 1), b.repeat(2, 1), directions)
    assert sliced_distance(a, b, directions).item() == pytest.approx(repeated.item())


def test_deepjdot_is_the_cost_of_the_best_assignment() -> None:
    a, b, labels = draw(5, 0), draw(5, 1), torch.arange(5) % 3
    target = represented(b, labels=torch.full((5,), -1))
    value = make("deepjdot", alpha=0.7, label=0.3)(domain(a, labels), target, 0.5).item()
    predicted = target.logits.log_softmax(1)
    cost = [
        [0.7 * (x - y).square().sum() - 0.3 * p[c] for y, p in zip(b, predicted, strict=True)]
        for x, c in zip(a, labels, strict=True)
    ]
    best = min(sum(cost[i][j].item() for i, j in enumerate(order)) / 5 for order in permutations(range(5)))
    assert value == pytest.approx(best)


def test_a_plan_moves_all_mass_between_unequal_samples() -> None:
    plan = transport_plan(draw(6, 0, 4).square())
    assert torch.allclose(plan.sum(1), torch.full((6,), 1 / 6, dtype=torch.float64))
    assert torch.allclose(plan.sum(0), torch.full((4,), 1 / 4, dtype=torch.float64))


# -- prototypes, norms, spectra ---------------------------------------------------------------------


def test_tpn_is_0_where_the_classes_have_the_same_means() -> None:
    labels = torch.arange(6) % 3
    moved = CORNERS[labels] + torch.tensor([1.0, 1, 1, -1, -1, -1], dtype=torch.float64)[:, None]
    assert make("tpn")(domain(CORNERS[labels], labels), domain(moved, labels, known=False), 0.5).abs() < 1e-12


def test_tpn_scores_stay_finite_far_apart() -> None:
    labels = torch.arange(6) % 3
    rows = (100 * draw(6, 1)).float().requires_grad_(True)
    value = make("tpn")(domain(draw(6, 0).float(), labels), domain(rows, labels, known=False), 0.5)
    value.backward()  # type: ignore[no-untyped-call]
    assert value.isfinite()
    assert rows.grad is not None
    assert rows.grad.isfinite().all()


def test_the_stepwise_norm_is_a_constant_whose_gradient_lengthens_every_row_alike() -> None:
    loss = make("afn", step=0.5)
    rows = torch.tensor([[3.0, 4.0], [0.0, 0.1]], requires_grad=True)
    value = loss(represented(rows), represented(torch.ones(3, 2)), 0.5)
    value.backward()  # type: ignore[no-untyped-call]
    assert value.item() == pytest.approx(0.25)
    length = 2 * 0.5 / 5
    assert torch.allclose(rows.grad, -length * torch.tensor([[0.6, 0.8], [0.0, 1.0]]))  # type: ignore[arg-type]
    assert loss.watched["source_norm"].item() == pytest.approx(2.55)


def test_bsp_is_the_squared_largest_singular_value_of_each_domain() -> None:
    a, b = draw(9, 0), draw(4, 1)
    expected = [torch.linalg.matrix_norm(rows, 2).item() ** 2 for rows in (a, b)]
    assert make("bsp")(represented(a), represented(b), 0.5).item() == pytest.approx(sum(expected))
    everything = make("bsp", singular_values=3)(represented(a), represented(b), 0.5).item()
    assert everything == pytest.approx((a.square().sum() + b.square().sum()).item())


@pytest.mark.parametrize("name", ["bsp", "deepjdot"])
def test_rows_that_are_not_numbers_give_a_loss_that_is_none(name: str) -> None:
    rows = draw(6, 0)
    rows[2, 1] = torch.nan
    assert make(name)(domain(rows, [0, 1, 2] * 2), domain(draw(6, 1), [0, 1, 2] * 2), 0.5).isnan()


# -- few labels -------------------------------------------------------------------------------------


def test_pairs_across_the_domains_are_counted() -> None:
    source = domain(torch.tensor([[0.0], [10.0]]), [0, 1])
    target = represented(torch.tensor([[0.5], [0.2], [7.0]]), torch.zeros(3, 2), torch.tensor([0, 1, -1]))
    ccsa, dsne = make("ccsa"), make("dsne")
    ccsa(source, target, 0.5), dsne(source, target, 0.5)
    assert ccsa.watched["same_class_pairs"] == 2
    assert ccsa.watched["active_pairs"] == 3, "the second target sample is too near to the other class"
    assert dsne.watched["labelled"] == 2
    assert dsne.watched["active"] == 1


@pytest.mark.parametrize("name", FEW_LABELS)
def test_dsne_and_ccsa_recomputed_by_loops(name: str) -> None:
    a, b, of_a, of_b = draw(7, 0), draw(6, 1), [0, 1, 2, 0, 1, 2, 0], [0, 1, 2, 2, 1, -1]
    target = replace(domain(b, [max(label, 0) for label in of_b]), labels=torch.tensor(of_b))
    value = make(name, margin=2.0)(domain(a, of_a), target, 0.5).item()
    squared = [[(x - y).square().sum().item() for x in a] for y in b]
    if name == "dsne":
        gaps = []
        for row, label in zip(squared[:5], of_b, strict=False):
            same = [d for d, other in zip(row, of_a, strict=True) if other == label]
            different = [d for d, other in zip(row, of_a, strict=True) if other != label]
            gaps.append(max(0.0, max(same) - min(different) + 2))
        assert value == pytest.approx(sum(gaps) / 5)
    else:
        pairs = [
            (d, label == other)
            for row, label in zip(squared[:5], of_b, strict=False)
            for d, other in zip(row, of_a, strict=True)
        ]
        near = [d / 2 for d, same in pairs if same]
        far = [max(0.0, 2 - d**0.5) ** 2 / 2 for d, same in pairs if not same]
        assert value == pytest.approx(sum(near) / len(near) + sum(far) / len(far))


@pytest.mark.parametrize("name", FEW_LABELS)
def test_without_target_labels_there_is_nothing_to_learn(name: str) -> None:
    rows = draw(6, 1).requires_grad_(True)
    target = represented(rows, labels=torch.full((6,), -1))
    value = make(name)(domain(draw(6, 0), [0, 1, 2] * 2), target, 0.5)
    value.backward()  # type: ignore[no-untyped-call]
    assert value == 0
    assert torch.equal(rows.grad, torch.zeros_like(rows))  # type: ignore[arg-type]


# -- DSTML ------------------------------------------------------------------------------------------


def dstml(tau: float, layers: bool = True) -> tuple[Tensor, Tensor, Alignment]:
    """Value, gradient at the layer below, and loss; its J below is −7 at α = 2, β = 1, k₁ = k₂ = 1."""
    below = torch.tensor([[1.0], [2.0], [-1.0], [-3.0]]).requires_grad_(True)
    rows = torch.tensor([[1.0], [2.0], [-1.0], [-3.0]])
    target = torch.tensor([[1.0], [3.0]])
    source = Representation(below, rows, rows, torch.tensor([0, 0, 1, 1]), (below, rows) if layers else ())
    other = Representation(target, target, target, None, (target, target) if layers else ())
    loss = make("dstml", alpha=2.0, beta=1.0, same=1, different=1, tau=tau)
    value = loss(source, other, 0.5)
    gradient = torch.autograd.grad(value, below, allow_unused=True)[0] if value.requires_grad else None
    return value.detach(), torch.zeros_like(below) if gradient is None else gradient, loss


def test_a_layer_at_or_below_its_threshold_adds_exactly_nothing() -> None:
    value, gradient, loss = dstml(tau=-7.0)
    assert value.item() == -8.9375
    assert torch.equal(gradient, torch.zeros_like(gradient))
    assert loss.watched["active_layers"] == 0


@pytest.mark.parametrize("layers", [True, False])
def test_a_layer_above_its_threshold_adds_the_excess(layers: bool) -> None:
    value, _gradient, loss = dstml(tau=-9.0, layers=layers)
    assert value.item() == pytest.approx(-8.9375 + 2)
    assert loss.watched["active_layers"] == 1


def test_dstml_of_one_layer_is_dtml_and_linear_mmd() -> None:
    source, target = domain(draw(12, 0), torch.arange(12) % 3), domain(draw(9, 1) + 1, torch.arange(9) % 3)
    source, target = (replace(each, layers=(each.embedding,)) for each in (source, target))
    metric = catalogue.create("metric", "dtml", alpha=0.4)(source.embedding, source.labels)
    expected = metric + 3 * make("mmd_linear")(source, target, 0.5)
    assert make("dstml", alpha=0.4, beta=3.0)(source, target, 0.5).item() == pytest.approx(expected.item())


def test_stages_with_pixels_are_taken_flat() -> None:
    source, target = (
        replace(domain(rows, [0, 1, 2] * 2), layers=(rows[:, :, None, None], rows)) for rows in (draw(6, 0), draw(6, 1))
    )
    flat = [replace(each, layers=(each.embedding, each.embedding)) for each in (source, target)]
    assert make("dstml")(source, target, 0.5) == make("dstml")(*flat, 0.5)


# -- all --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_labels_may_be_absent(name: str) -> None:
    rows = draw(6, 1).requires_grad_(True)
    source, target = (replace(represented(each), labels=None) for each in (draw(6, 0), rows))
    value = make(name)(source, target, 0.5)
    assert value.isfinite()
    value.backward()  # type: ignore[no-untyped-call]
    assert rows.grad is not None


@pytest.mark.parametrize("name", ALL)
def test_half_precision_is_raised(name: str) -> None:
    source, target = (domain(draw(6, seed).bfloat16(), [0, 1, 2] * 2) for seed in (0, 1))
    assert make(name)(source, target, 0.5).dtype == torch.float32


@pytest.mark.parametrize("name", [name for name in ALL if name not in ("afn", "bsp", "dsne")])
def test_free_target_points_come_nearer(name: str) -> None:
    """Adam on the target's points alone: they end nearer to the source's class means, and the loss is lower."""
    labels = torch.arange(12) % 3
    source = domain(CORNERS[labels] + 0.1 * draw(12, 0), labels)
    points = nn.Parameter(CORNERS[labels] + 0.1 * draw(12, 1) + torch.tensor([1.5, 1.0, -0.5], dtype=torch.float64))
    loss, optimiser = make(name), torch.optim.Adam([points], lr=0.05)

    def gap() -> float:
        return (points.detach() - CORNERS[labels]).square().sum(1).mean().item()

    values, before = [], gap()
    for _step in range(60):
        torch.manual_seed(0)
        value = loss(source, domain(points, labels, known=name in FEW_LABELS), 0.5)
        values.append(value.item())
        optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert values[-1] < values[0]
    assert gap() < before / 3


def test_dsne_sorts_free_target_points_by_class() -> None:
    """Its claim is an order and not a place: from between the classes each point goes to the side of its own."""
    labels = torch.arange(12) % 3
    source = domain(CORNERS[labels] + 0.1 * draw(12, 0), labels)
    points = nn.Parameter(0.1 * draw(12, 1))
    loss, optimiser = make("dsne"), torch.optim.Adam([points], lr=0.05)
    values = []
    for _step in range(60):
        value = loss(source, domain(points, labels), 0.5)
        values.append(value.item())
        optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert values[0] > 0.5
    assert values[-1] == 0
    assert torch.equal(torch.cdist(points.detach(), CORNERS).argmin(1), labels)


def test_free_points_grow_under_afn_and_lose_their_largest_direction_under_bsp() -> None:
    norms, energies = [], []
    for name, seen in (("afn", norms), ("bsp", energies)):
        points = nn.Parameter(draw(10, 0))
        optimiser = torch.optim.SGD([points], lr=0.05)
        for _step in range(20):
            largest = torch.linalg.matrix_norm(points.detach(), 2)
            seen.append(points.detach().norm(dim=1).mean().item() if name == "afn" else largest.item())
            optimiser.zero_grad()
            make(name)(represented(points), represented(draw(10, 1)), 0.5).backward()
            optimiser.step()
    assert norms == sorted(norms)
    assert norms[-1] == pytest.approx(norms[0] + 19 * 0.05 * 2 / 20), "each step adds lr · 2Δr/n"
    assert energies == sorted(energies, reverse=True)
