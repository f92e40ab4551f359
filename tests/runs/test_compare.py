"""Comparisons over seeds by hand-made results, what differs, and sweeps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dtml import Experiment
from dtml.experiment import Role
from dtml.runs.compare import Group, against, differing, flat, groups, lines, standings
from dtml.runs.records import Run
from dtml.runs.store import Store
from dtml.runs.sweep import cost, plan, queue
from tests.conftest import QUICK


def experiment(alignment: str = "dann", seed: int = 0, **changes: Any) -> Experiment:
    return Experiment(**{"task": "moons", "alignment": alignment, "training": QUICK, "seed": seed, **changes})


def finish(store: Store, each: Experiment, target: float, seconds: float = 2.0) -> Run:
    """A finished run without its training."""
    run = store.submit(each, taken=True)
    store.finish(run.id, {"target_test_accuracy": target, "source_test_accuracy": 1.0, "seconds": seconds})
    return store.run(run.id)


def grouped(store: Store, results: Mapping[str, list[float]]) -> dict[str, Group]:
    """Groups by alignment, the values one a seed from 0 on."""
    runs = [finish(store, experiment(name, seed), v) for name, vs in results.items() for seed, v in enumerate(vs)]
    found = groups(lines(store, runs))
    return {str(group.values.get("alignment", name)): group for group, name in zip(found, results, strict=True)}


def test_only_what_differs_is_named() -> None:
    one = experiment("dann", training={"steps": 20})
    assert differing([one, one.replace(seed=3)]) == ["seed"]
    assert set(differing([one, one.replace(training={**one.training.model_dump(), "steps": 30})])) == {"training.steps"}
    ceiling = one.replace(alignment={"name": "dann", "weight": 0.5})
    assert differing([one, ceiling]) == ["alignment.dann.weight"]


def test_parameters_of_another_method_are_no_difference() -> None:
    assert differing([experiment("dann"), experiment("coral")]) == ["alignment"]
    assert flat(experiment("coral"))["alignment"] == "coral"


def test_the_best_comes_first_and_open_runs_last(home: Path) -> None:
    store = Store()
    runs = [finish(store, experiment(seed=seed), value) for seed, value in enumerate([0.5, 0.9, 0.7])]
    waiting = store.submit(experiment(seed=3))
    found = lines(store, [waiting, *runs])
    assert [line.target for line in found] == [0.9, 0.7, 0.5, None]
    assert [line.values for line in found] == [{"seed": 1}, {"seed": 2}, {"seed": 0}, {"seed": 3}]


def test_a_run_stands_beside_its_references(home: Path) -> None:
    store, own = Store(), experiment()
    run = finish(store, own, 0.8)
    values: dict[Role, float] = {"twin": 0.7, "source_only": 0.6, "target_only": 1.0}
    for role, reference in own.references().items():
        finish(store, reference, values[role])
    (line,) = lines(store, [run])
    assert line.reference("twin") == 0.7
    assert line.closed == pytest.approx(0.5)


def test_a_repeated_seed_counts_once_and_the_newest(home: Path) -> None:
    store = Store()
    runs = [finish(store, experiment(), value) for value in (0.5, 0.6)]
    (group,) = groups(lines(store, runs))
    assert group.accuracies == {0: 0.6}


def test_differences_are_paired_by_seed(home: Path) -> None:
    """The means differ by 0.05 with a spread of 0.3 between seeds; the paired differences hardly spread at all."""
    found = grouped(Store(), {"dann": [0.35, 0.66, 0.94], "coral": [0.30, 0.60, 0.90]})
    held = against(found["dann"], found["coral"])
    assert held.seeds == (0, 1, 2)
    assert held.difference is not None
    assert held.difference.mean == pytest.approx(0.05)
    assert held.difference.half_width == pytest.approx(4.3027 * 0.01 / 3**0.5, rel=1e-3)  # t(.975, 2) · s/√3
    assert held.verdict == "better"
    assert against(found["coral"], found["dann"]).verdict == "worse"


def test_one_seed_never_tells(home: Path) -> None:
    found = grouped(Store(), {"dann": [0.99], "coral": [0.01]})
    assert against(found["dann"], found["coral"]).verdict == "one_seed"
    assert standings([found["dann"], found["coral"]]) == {
        found["dann"].key: "highest", found["coral"].key: "open",
    }  # fmt: skip


def test_seeds_that_only_one_has_are_left_out(home: Path) -> None:
    store = Store()
    runs = [finish(store, experiment("dann", seed), 0.7) for seed in (0, 1, 2)]
    runs += [finish(store, experiment("coral", seed), 0.5) for seed in (2, 3)]
    runs += [finish(store, experiment("mmd", seed), 0.4) for seed in (7,)]
    dann, coral, mmd = groups(lines(store, runs))
    assert against(dann, coral).seeds == (2,)
    assert against(dann, mmd).verdict == "no_pairs"


def test_a_best_is_named_only_where_all_others_are_behind(home: Path) -> None:
    sure = grouped(Store(), {"dann": [0.9, 0.91, 0.9], "coral": [0.5, 0.5, 0.51], "mmd": [0.7, 0.7, 0.69]})
    assert set(standings(list(sure.values())).values()) == {"best", "behind"}


def test_no_best_where_intervals_overlap(home: Path) -> None:
    open_ = grouped(Store(), {"dann": [0.9, 0.6, 0.9], "coral": [0.5, 0.9, 0.7]})
    assert list(standings(list(open_.values())).values()) == ["highest", "close"]


def test_without_a_baseline_the_own_twins_are_it(home: Path) -> None:
    store = Store()
    runs = [finish(store, experiment(seed=seed), 0.8) for seed in (0, 1)]
    for seed in (0, 1):
        finish(store, experiment(seed=seed).twin(), 0.6 + 0.02 * seed)
    (group,) = groups(lines(store, runs))
    difference = against(group, None).difference
    assert difference is not None
    assert difference.mean == pytest.approx(0.19)


# -- sweeps


def test_a_plan_shares_the_references_of_its_methods(home: Path) -> None:
    made = plan(Store(), experiment(), ["dann", "coral"], ["none"], ["scratch"], [0, 1], ["twin", "source_only"])
    assert len(made.experiments) == 4
    assert len(made.references) == 4, "a twin and a source-only run a seed serve both methods"
    assert made.known == 0
    assert {e.seed for e in made.waiting} == {0, 1}


def test_the_base_s_own_method_keeps_its_parameters(home: Path) -> None:
    base = experiment(alignment={"name": "dann", "weight": 0.25})
    made = plan(Store(), base, ["dann", "coral"], ["none"], ["scratch"], [0], [])
    assert [e.alignment[0].params["weight"] for e in made.experiments][0] == 0.25
    assert made.experiments[1].alignment[0].name == "coral"


def test_what_does_not_fit_is_left_out_with_its_reason(home: Path) -> None:
    made = plan(Store(), experiment(), ["dann"], ["none"], ["scratch", "adabn"], [0], [])
    assert [e.strategy.name for e in made.experiments] == ["scratch"]
    assert list(made.unfit) == ["dann · adabn"]


def test_a_queued_sweep_trains_nothing_twice(home: Path) -> None:
    store = Store()
    finish(store, experiment("coral"), 0.5)
    made = plan(store, experiment(), ["dann", "coral"], ["none"], ["scratch"], [0], ["twin"])
    assert made.known == 1
    first = queue(store, made)
    assert len(store.runs()) == 3
    assert queue(store, plan(store, experiment(), ["dann", "coral"], ["none"], ["scratch"], [0], ["twin"])) == first
    assert len(store.runs()) == 3
    assert [store.run(identity).experiment.alignment[0].name for identity in first] == ["dann", "coral"]


def test_many_experiments_are_found_at_once_as_one_by_one(home: Path) -> None:
    store = Store()
    store.submit(experiment(seed=1))
    older, newer = finish(store, experiment(), 0.5), finish(store, experiment(), 0.6)
    store.submit(experiment())
    store.cancel(store.submit(experiment(seed=2)).id)
    hashes = [experiment(seed=seed).hash for seed in range(4)]
    found = store.find_all(hashes)
    assert found == {hash_: run for hash_ in hashes if (run := store.find(hash_))}
    assert found[hashes[0]].id == newer.id != older.id
    assert set(found) == set(hashes[:2])


def timed(store: Store, each: Experiment, wall: float) -> Run:
    from dataclasses import replace

    return replace(finish(store, each, 0.5), started=100.0, finished=100.0 + wall)


def test_the_cost_follows_the_most_alike_runs(home: Path) -> None:
    store = Store()
    finished = [timed(store, experiment("dann"), 10.0), timed(store, experiment("coral"), 4.0)]
    longer = experiment("dann", seed=5, training={**QUICK, "steps": 40})
    assert cost(finished, [longer]).seconds == pytest.approx(20.0), "at 0.5 s a step, as DANN took"
    assert cost(finished, [experiment("mmd")]).seconds == pytest.approx(7.0), "the median of the same network"
    told = cost(finished, [Experiment(task="digits", alignment="dann")])
    assert (told.seconds, told.unknown) == (0.0, 1)
