"""The one training loop: events, determinism, resuming, sealed labels, frozen parts, bad losses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import dtml
from dtml import Experiment, catalogue
from dtml.errors import Problem
from dtml.tasks import Transfer
from dtml.training import Finished, PhaseStarted, Progressed, Snapshot, Started
from tests.conftest import QUICK


def last(experiment: Experiment, **options: Any) -> Finished:
    *_others, event = dtml.train(experiment, **options)
    assert isinstance(event, Finished)
    return event


def weights(event: Finished) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in event.model.state_dict().items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_events_come_in_order(moons: Experiment) -> None:
    events = list(dtml.train(moons))
    kinds = [type(event) for event in events]
    assert kinds[:3] == [Started, Snapshot, PhaseStarted]
    assert kinds[-1] is Finished
    assert [event.step for event in events if isinstance(event, Snapshot)] == [0, 10, 20]
    steps = [event.step for event in events if isinstance(event, Progressed)]
    assert steps == sorted(set(steps))
    assert steps[-1] == 20
    progressed = next(event for event in events if isinstance(event, Progressed))
    assert {"loss/classification", "loss/dann", "dann/domain_accuracy", "learning_rate"} <= set(progressed.metrics)


def test_same_seed_same_numbers_other_seed_others(moons: Experiment) -> None:
    first, again, other = last(moons), last(moons), last(moons.replace(seed=1))
    assert same(weights(first), weights(again))
    assert first.result["target_test_accuracy"] == again.result["target_test_accuracy"]
    assert not same(weights(first), weights(other))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"embedding": {"dim": 16, "activation": "tanh", "dropout": 0.5}},
        {"training": {**QUICK, "optimiser": "sgd"}},
    ],
)
def test_a_resumed_run_equals_one_that_never_stopped(moons: Experiment, changes: dict[str, Any]) -> None:
    experiment = moons.replace(**changes)
    whole = last(experiment)
    state = None
    for event in dtml.train(experiment):
        if isinstance(event, Snapshot) and event.step == 10:
            state = {key: _copied(value) for key, value in event.state.items()}
            break
    resumed = last(experiment, resume=state)
    assert same(weights(whole), weights(resumed))


def test_further_steps_go_on_where_the_shorter_run_ended(moons: Experiment) -> None:
    shorter = list(dtml.train(moons))
    end = next(event for event in shorter if isinstance(event, Snapshot) and event.step == 20)
    longer = moons.longer(10)
    events = list(dtml.train(longer, resume={key: _copied(value) for key, value in end.state.items()}))
    whole = list(dtml.train(longer))
    assert [event.step for event in whole if isinstance(event, Snapshot)] == [0, 10, 20, 30]
    assert [event.step for event in events if isinstance(event, Snapshot)] == [30]
    assert same(weights(whole[-1]), weights(events[-1]))
    assert not same(weights(whole[-1]), weights(shorter[-1]))
    at_end = next(event for event in whole if isinstance(event, Snapshot) and event.step == 20)
    assert np.array_equal(at_end.embeddings, end.embeddings), "the first steps are those of the shorter run"


def test_the_plan_of_the_phases_is_told_before_the_first(moons: Experiment) -> None:
    events = list(dtml.train(moons.replace(strategy="lp_ft").longer(10)))
    assert isinstance(events[0], Started)
    begun = [event for event in events if isinstance(event, PhaseStarted)]
    assert events[0].phases == begun
    assert sum(phase.steps for phase in begun) == events[0].steps == 30


def test_the_norm_of_the_gradient_is_watched(moons: Experiment) -> None:
    norms = [event.metrics["gradient_norm"] for event in dtml.train(moons) if isinstance(event, Progressed)]
    assert min(norms) > 0


def _copied(value: Any) -> Any:
    import copy

    return copy.deepcopy(value)


def test_target_labels_are_sealed(moons: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = weights(last(moons))
    load = catalogue.component("task", "moons").load  # type: ignore[attr-defined]

    def permuted(self: Any, seed: int, progress: Any = None) -> Transfer:
        transfer = load(self, seed, progress)
        shuffled = np.random.default_rng(5).permutation(transfer.target.labels)
        return replace(transfer, target=replace(transfer.target, labels=shuffled))

    monkeypatch.setattr(catalogue.component("task", "moons"), "load", permuted)
    assert same(honest, weights(last(moons)))


def test_the_twin_sees_the_same_batches(moons: Experiment) -> None:
    """With weight 0 the alignment changes nothing, so the run is its twin to the last bit."""
    weightless = moons.replace(alignment={"name": "coral", "weight": 0.0})
    assert same(weights(last(weightless)), weights(last(moons.twin())))


def test_alignment_acts(moons: Experiment) -> None:
    assert not same(weights(last(moons)), weights(last(moons.twin())))


def test_references_differ_from_the_twin_only_in_what_they_see(moons: Experiment) -> None:
    results = {role: last(experiment) for role, experiment in moons.references().items()}
    assert same(weights(results["twin"]), weights(results["source_only"])), (
        "without batch statistics the target is silent"
    )
    assert not same(weights(results["twin"]), weights(results["target_only"]))


@pytest.mark.parametrize("metric", [name for name in catalogue.names("metric") if name != "none"])
def test_every_metric_trains(moons: Experiment, metric: str) -> None:
    event = last(moons.replace(metric=metric))
    assert 0 <= event.result["target_test_accuracy"] <= 1
    assert not same(weights(event), weights(last(moons)))


@pytest.mark.parametrize("alignment", [name for name in catalogue.names("alignment") if name != "none"])
def test_every_alignment_trains(moons: Experiment, alignment: str) -> None:
    events = list(dtml.train(moons.replace(alignment=alignment, labels=3)))
    assert isinstance(events[-1], Finished)
    assert all(np.isfinite(list(e.metrics.values())).all() for e in events if isinstance(e, Progressed))


def test_several_terms_add_up(moons: Experiment) -> None:
    events = dtml.train(moons.replace(alignment=["mmd_linear", "coral"], metric=["triplet", "dtml"]))
    progressed = next(event for event in events if isinstance(event, Progressed))
    assert {"loss/mmd_linear", "loss/coral", "loss/triplet", "loss/dtml"} <= set(progressed.metrics)


def test_frozen_parts_stay_bit_identical(moons: Experiment) -> None:
    moved = moved_after_pretraining(moons.replace(strategy={"name": "fine_tuning", "stages": 1}))
    assert not any(name.startswith("network.stages.layer1") for name in moved)
    assert any(name.startswith("network.stages.layer2") for name in moved)
    assert any(name.startswith("head") for name in moved)


def test_feature_extraction_moves_the_head_alone(moons: Experiment) -> None:
    moved = moved_after_pretraining(moons.replace(strategy="feature_extraction"))
    assert {name.split(".")[0] for name in moved} == {"head", "classifier"}


def moved_after_pretraining(experiment: Experiment) -> set[str]:
    """The weights that the second half of the steps moves: a backbone without learned weights gets them first."""
    middle: dict[str, torch.Tensor] = {}
    *events, end = dtml.train(experiment)
    for event in dtml.train(experiment):
        if isinstance(event, Snapshot) and event.step == 10:
            middle = {name: value.clone() for name, value in event.state["model"].items()}
    assert [event.name for event in events if isinstance(event, PhaseStarted)][0] == "pretrain"
    assert isinstance(end, Finished)
    ends = weights(end)
    return {name for name in ends if not torch.equal(middle[name], ends[name])}


@pytest.mark.parametrize("strategy", ["feature_extraction", "fine_tuning"])
def test_pretraining_never_sees_the_target(moons: Experiment, strategy: str) -> None:
    """So the adapted run and its twin are the same until the second phase."""
    seen = []
    for experiment in (moons.replace(strategy=strategy), moons.replace(strategy=strategy).twin()):
        events = [event for event in dtml.train(experiment) if isinstance(event, Snapshot)]
        seen.append({event.step: event.embeddings for event in events})
    assert np.array_equal(seen[0][10], seen[1][10])
    assert not np.array_equal(seen[0][20], seen[1][20])


def test_a_backbone_with_learned_weights_is_not_pretrained() -> None:
    strategy = catalogue.create("strategy", "fine_tuning")
    assert [phase.name for phase in strategy.phases(["a", "b"], learned=True)] == ["finetune"]
    assert [phase.share for phase in strategy.phases(["a", "b"], learned=False)] == [0.5, 0.5]


def test_too_many_stages_is_one_sentence(moons: Experiment) -> None:
    with pytest.raises(Problem, match="Fine-tuning of 7 stages is wanted.*has 2"):
        last(moons.replace(strategy={"name": "fine_tuning", "stages": 7}))


def test_a_loss_that_is_not_finite_stops_with_step_and_cause(moons: Experiment) -> None:
    training = {**QUICK, "optimiser": "sgd", "learning_rate": 1e6, "schedule": "constant"}
    wild = Experiment(task="moons", embedding={"activation": "none"}, training={**training, "steps": 200})
    with pytest.raises(Problem, match=r"not a finite number at step \d+.*learning_rate"):
        last(wild)


def test_a_term_that_overwhelms_the_others_is_named_as_the_cause(moons: Experiment) -> None:
    training = {**QUICK, "optimiser": "sgd"}
    wild = moons.replace(
        alignment={"name": "mmd_linear", "weight": 1e30}, embedding={"activation": "none"}, training=training
    )
    with pytest.raises(Problem, match="'mmd_linear' was not a finite number at step"):
        last(wild)


def test_snapshots_are_taken_even_where_the_steps_do_not_divide(moons: Experiment) -> None:
    training = {**moons.training.model_dump(), "steps": 7, "snapshots": 3}
    steps = [event.step for event in dtml.train(moons.replace(training=training)) if isinstance(event, Snapshot)]
    assert steps == [0, 2, 5, 7]


def test_dann_on_moons_turns_with_the_target() -> None:
    """Claim: on rotated moons the adapted run beats its twin, over three seeds."""
    differences = []
    for seed in range(3):
        adapted = Experiment(task="moons", alignment="dann", seed=seed)
        accuracies = [last(experiment).result["target_test_accuracy"] for experiment in (adapted, adapted.twin())]
        differences.append(accuracies[0] - accuracies[1])
    assert np.mean(differences) > 0.1, differences


@pytest.mark.parametrize("strategy", ["feature_extraction", "lp_ft"])
def test_a_chosen_checkpoint_is_told_as_its_own_network_sees_the_samples(moons: Experiment, strategy: str) -> None:
    """Also where it comes from a phase before the backbone was frozen and its features were computed once."""
    from dtml.training.batches import Samples
    from dtml.training.evaluation import accuracy, look

    training = {**QUICK, "snapshots": 4, "checkpoint": "snd"}
    experiment = moons.replace(strategy=strategy, alignment="none", training=training)
    *_events, finished = dtml.train(experiment)
    target = catalogue.create("task", "moons", samples=200).load(experiment.seed).target
    samples = Samples.of(target, target.splits["test"], torch.device("cpu"), sealed=False)
    seen = look(finished.model, samples, None, features=False)[1]
    assert finished.result["target_test_accuracy"] == accuracy(seen, samples.labels.numpy())
