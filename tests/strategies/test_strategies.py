"""Strategies: what moves, what is read, and what each one's objective computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import dtml
from dtml import Experiment, catalogue
from dtml.comparison import steps_to
from dtml.errors import Problem
from dtml.strategies.delta import attentive_distance
from dtml.strategies.l2_sp import squared_distance
from dtml.strategies.pixel_gan import Generator, as_images, critic
from dtml.strategies.rotation_pretraining import quarter_turns
from dtml.strategies.shot import centroid_labels
from dtml.training import Finished, PhaseStarted, Snapshot
from tests.conftest import QUICK

NAMES = catalogue.names("strategy")
FEW = {"steps": 12, "snapshots": 4, "batch_size": 16, "probe": 40}


def digits(strategy: Any, **more: Any) -> Experiment:
    return Experiment(task="digits", strategy=strategy, training=FEW, **more)


def told(experiment: Experiment) -> tuple[list[Any], dict[str, dict[int, dict[str, torch.Tensor]]]]:
    """The events of a run, and its weights at every snapshot."""
    events, weights = [], {}
    for event in dtml.train(experiment):
        events.append(event)
        if isinstance(event, Snapshot):
            weights[event.step] = {name: value.clone() for name, value in event.state["model"].items()}
    return events, {"model": weights}


def changed(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> set[str]:
    return {name for name in before if not torch.equal(before[name], after[name])}


@pytest.mark.parametrize("name", NAMES)
def test_every_strategy_trains_on_the_default_task(name: str) -> None:
    events, _weights = told(digits(name))
    assert isinstance(events[-1], Finished)
    assert 0 <= events[-1].result["target_test_accuracy"] <= 1
    assert [event.step for event in events if isinstance(event, Snapshot)] == [0, 3, 6, 9, 12]


@pytest.mark.parametrize("learned", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_shares_add_up_and_names_differ(name: str, learned: bool) -> None:
    phases = catalogue.create("strategy", name).phases(["a", "b"], learned)
    assert sum(phase.share for phase in phases) == pytest.approx(1)
    assert len({phase.name for phase in phases}) == len(phases)


@pytest.mark.parametrize("name", [n for n in NAMES if catalogue.entry("strategy", n)["adapts"]])
def test_a_strategy_that_adapts_has_a_twin_without_it(name: str) -> None:
    adapted = digits(name)
    assert adapted.role == "adapted"
    assert adapted.twin().role == "twin"
    assert adapted.twin().twin() == adapted.twin()
    assert adapted.references()["target_only"].labels == 0


@pytest.mark.parametrize("name", NAMES)
def test_whether_an_alignment_can_act_is_told_truly(name: str) -> None:
    strategy = catalogue.create("strategy", name)
    acts = any(phase.losses and phase.sees == "both" for phase in strategy.phases(["a", "b"], False))
    assert strategy.aligns == acts
    if not acts:
        with pytest.raises(Problem, match=f"'{name}' learns from one domain at a time, so the alignment 'dann'"):
            digits(name, alignment="dann")


@pytest.mark.parametrize("name", ["shot", "tent", "adabn"])
def test_the_source_is_not_read_once_trained(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from dtml.training.step import Stepper

    read: list[tuple[str, set[str]]] = []
    build = Stepper._batch

    def noted(self: Stepper, step: int, progress: float) -> Any:
        batch = build(self, step, progress)
        sides = {side for side, part in (("source", batch.inputs), ("target", batch.target)) if part is not None}
        read.append((self.phase.name, sides))
        return batch

    monkeypatch.setattr(Stepper, "_batch", noted)
    told(digits(name))
    assert {frozenset(sides) for phase, sides in read if phase == "pretrain"} == {frozenset({"source"})}
    assert {frozenset(sides) for phase, sides in read if phase != "pretrain"} == {frozenset({"target"})}


def after_pretraining(strategy: dict[str, Any]) -> set[str]:
    """What the second phase of a strategy moves; the first takes half of the steps."""
    weights = told(digits({**strategy, "share": 0.5}))[1]["model"]
    return changed(weights[6], weights[12])


def test_adabn_changes_buffers_only() -> None:
    moved = after_pretraining({"name": "adabn"})
    assert moved
    assert all(name.rsplit(".", 1)[1] in ("running_mean", "running_var", "num_batches_tracked") for name in moved)


def test_adabn_s_statistics_are_those_of_the_target() -> None:
    *_events, end = dtml.train(digits({"name": "adabn", "share": 0.5}))
    network = end.model.network
    norm = next(module for module in network.modules() if isinstance(module, nn.BatchNorm2d))
    target = catalogue.create("task", "digits").load(0).target
    images = torch.from_numpy(target.inputs[target.splits["train"]]).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        convolved = network.stages["conv1"][0](network.prepare(images))
    assert torch.allclose(norm.running_mean, convolved.mean((0, 2, 3)), atol=0.05)


def test_tent_moves_batch_normalisation_alone() -> None:
    moved = after_pretraining({"name": "tent"})
    norms = {name for name in moved if name.rsplit(".", 1)[1] in ("weight", "bias")}
    assert norms
    assert all(".stages.conv" in name and name.split(".")[3] == "1" for name in moved), moved


def test_shot_freezes_the_classifier() -> None:
    moved = after_pretraining({"name": "shot"})
    assert {name.split(".")[0] for name in moved} == {"network", "head"}


def test_batch_normalisation_is_chosen_where_a_strategy_needs_it() -> None:
    assert digits("adabn").backbone.params["normalisation"] == "batch"
    with pytest.raises(Problem, match="'adabn' acts on batch normalisation, but the backbone 'lenet' has none"):
        digits("adabn", backbone="lenet")


def test_centroids_correct_a_lone_wrong_prediction() -> None:
    """Six points in two directions; the classifier is wrong about one, its neighbours outvote it."""
    rows = torch.tensor([[1.0, 0.0], [1.0, 0.1], [1.0, 0.2], [0.0, 1.0], [0.1, 1.0], [0.2, 1.0]])
    probabilities = torch.tensor([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.1, 0.9], [0.1, 0.9], [0.1, 0.9]])
    assert centroid_labels(rows, probabilities).tolist() == [0, 0, 0, 1, 1, 1]


def test_l2_sp_is_zero_at_the_start_and_half_the_squared_distance_later() -> None:
    weights = [torch.tensor([[1.0, 2.0]]), torch.tensor([3.0])]
    assert squared_distance(weights, torch.tensor([1.0, 2.0, 3.0])) == 0
    assert squared_distance(weights, torch.tensor([0.0, 2.0, 5.0])) == 2.5


def test_delta_weighs_channels_by_their_share_of_the_starting_maps() -> None:
    before = torch.tensor([[[[1.0]], [[3.0]]]])
    now = torch.tensor([[[[2.0]], [[5.0]]]])
    assert attentive_distance(before, before) == 0
    assert attentive_distance(now, before).item() == pytest.approx(0.1 * 1 + 0.9 * 4)


@pytest.mark.parametrize(("name", "strength"), [("l2_sp", "alpha"), ("delta", "beta")])
def test_a_strong_pull_holds_the_backbone(name: str, strength: str) -> None:
    moved = []
    for value in (0.0, 100.0):
        weights = told(digits({"name": name, strength: value, "backbone_rate": 1.0}))[1]["model"]
        moved.append(sum((weights[12][k] - weights[6][k]).square().sum().item() for k in weights[6] if "stages" in k))
    assert moved[1] < moved[0]


def test_layer_wise_rates_fall_towards_the_input() -> None:
    tuned = catalogue.create("strategy", "fine_tuning", backbone_rate=1.0, decay=2.0).phases(["a", "b", "c"], True)[0]
    assert tuned.rates == {"stages.a": 0.25, "stages.b": 0.5, "stages.c": 1.0, "head": 1.0, "classifier": 1.0}


def test_gradual_unfreezing_thaws_from_the_top() -> None:
    phases = catalogue.create("strategy", "gradual_unfreezing").phases(["a", "b"], True)
    thawed = [[part for part in phase.rates if part.startswith("stages")] for phase in phases]
    assert thawed == [[], ["stages.b"], ["stages.b", "stages.a"]]
    assert phases[2].rates["stages.a"] == pytest.approx(phases[2].rates["stages.b"] / 2.6)


def test_quarter_turns_are_turned_and_labelled() -> None:
    image = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    turned, turns = quarter_turns(image)
    assert turns.tolist() == [0, 1, 2, 3]
    assert turned[1, 0].tolist() == [[2, 4], [1, 3]]
    assert turned[2, 0].tolist() == [[4, 3], [2, 1]]


@pytest.mark.parametrize("name", ["rotation_pretraining", "contrastive_pretraining"])
def test_self_supervision_moves_the_backbone_alone_and_sees_no_label(name: str) -> None:
    weights = told(digits({"name": name, "share": 0.5}))[1]["model"]
    assert {key.split(".")[0] for key in changed(weights[0], weights[6])} == {"network"}


def test_rotation_needs_images() -> None:
    with pytest.raises(Problem, match="'rotation_pretraining' works on images"):
        Experiment(task="moons", strategy="rotation_pretraining")


def test_multi_task_gives_each_domain_its_classifier() -> None:
    events, weights = told(digits("multi_task"))
    ends = weights["model"][12]
    assert not torch.equal(ends["classifier.weight"], ends["target_classifier.weight"])
    assert digits("multi_task").labels == 5
    assert isinstance(events[-1], Finished)


def test_a_method_that_needs_labels_refuses_none() -> None:
    with pytest.raises(Problem, match="strategy 'multi_task' learns from labelled target samples; set 'labels'"):
        digits("multi_task", labels=0)


def test_steps_to_an_accuracy() -> None:
    curve = [(0, 0.1), (10, 0.6), (20, 0.5), (30, 0.9)]
    assert steps_to(curve, 0.55) == 10
    assert steps_to(curve, 0.9) == 30
    assert steps_to(curve, 0.95) is None


def test_weights_from_the_source_reach_an_accuracy_sooner_than_random_ones() -> None:
    """Claim: with five labels a class, on the target's own steps, over two seeds."""
    training = {"steps": 300, "snapshots": 30}
    for seed in range(2):
        strategy = {"name": "parameter_initialisation", "source_share": 0.5}
        adapted = Experiment(task="digits", strategy=strategy, labels=5, training=training, seed=seed)
        curves = []
        for experiment, begin in ((adapted, 150), (adapted.twin(), 0)):
            events = [e for e in dtml.train(experiment) if isinstance(e, Snapshot) and e.step >= begin]
            curves.append([(e.step - begin, e.metrics["target_accuracy"]) for e in events])
        sooner, later = (steps_to(curve, 0.5) for curve in curves)
        assert sooner is not None
        assert later is None or sooner < later


def test_the_generator_keeps_shape_and_range() -> None:
    images = Generator(3, 8, 4)(torch.rand(5, 3, 28, 28))
    assert images.shape == (5, 3, 28, 28)
    assert 0 <= images.min() <= images.max() <= 1
    assert critic((3, 28, 28), 8)(images).shape == (5, 1)
    assert as_images(images).dtype == np.uint8
    assert as_images(images).shape == (5, 28, 28, 3)


def test_redrawn_images_can_be_looked_at() -> None:
    events, _weights = told(digits("pixel_gan"))
    shown = [event.pictures for event in events if isinstance(event, Snapshot)][-1]
    assert set(shown) == {"source", "translated", "target"}
    assert not np.array_equal(shown["source"], shown["translated"])


def test_the_discriminator_is_not_stepped_with_the_model() -> None:
    """The generator's step leaves the discriminator alone, and the other way round."""
    from dtml.strategies.pixel_gan import Translation
    from dtml.training.session import Session
    from dtml.training.step import Stepper

    session = Session(digits("pixel_gan"), lambda _what, _share: None)
    session.enter(session.phases[1])
    stepper = Stepper(session, 1, session.phases[1])
    assert isinstance(stepper.objective, Translation)
    own = {id(p) for group in stepper._optimiser.param_groups for p in group["params"]}
    other = {id(p) for group in stepper._opponents.param_groups for p in group["params"]}  # type: ignore[union-attr]
    assert not own & other
    assert other == {id(p) for p in stepper.objective.discriminator.parameters()}
    assert {id(p) for p in stepper.objective.generator.parameters()} <= own


@pytest.mark.parametrize("name", ["shot", "pixel_gan", "l2_sp", "adabn", "gradual_unfreezing"])
def test_a_resumed_run_equals_one_that_never_stopped(name: str) -> None:
    import copy

    experiment = digits(name)
    *_events, whole = dtml.train(experiment)
    for event in dtml.train(experiment):
        if isinstance(event, Snapshot) and event.step == 9:
            state = copy.deepcopy(event.state)
            break
    *_events, resumed = dtml.train(experiment, resume=state)
    assert isinstance(whole, Finished)
    assert isinstance(resumed, Finished)
    assert not changed(whole.model.state_dict(), resumed.model.state_dict())


def test_phases_are_told(moons: Experiment) -> None:
    names = [e.name for e in dtml.train(moons.replace(strategy="lp_ft", training=QUICK)) if isinstance(e, PhaseStarted)]
    assert names == ["pretrain", "probe", "finetune"]
