"""A training step against the least that it can cost, in one run.

`uv run pytest -n 0 -s -m slow tests/benchmarks/test_step_speed.py` prints the ratios. It wants idle cores.
"""

from __future__ import annotations

import pytest

from dtml import catalogue
from dtml.runs.launcher import QUIET
from tests.benchmarks.steps import bound, busy_core, elsewhere, medians, ours, usual

pytestmark = pytest.mark.slow

PLAYERS = {"adda", "cdan", "dann", "importance", "mada", "mcd", "mdd"}
"""Alignments that train a discriminator or further classifiers: those are the work."""
FREE = [name for name in catalogue.names("alignment") if name not in PLAYERS | {"none"}]


def test_dann_against_the_usual_lower_bound_in_float32() -> None:
    """Each in a process of its own: what a run sets for itself, such as the allocator, must not help the other."""
    with elsewhere(usual) as plain, elsewhere(ours, "dann", **QUIET) as dann:
        found = medians({"the usual lower bound": plain, "dann": dann})
    told = {name: f"{1000 * seconds:.1f} ms" for name, seconds in found.items()}
    print(f"\n{told}, {found['dann'] / found['the usual lower bound']:.2f} of the bound")


@pytest.mark.parametrize("labels", [False, True], ids=["without-target-labels", "with-target-labels"])
def test_alignments_without_players_against_the_bound_in_the_same_precision(labels: bool) -> None:
    """Those that learn from target labels see a third batch; so does their bound."""
    chosen = [name for name in FREE if catalogue.entry("alignment", name)["needs_labels"] == labels]
    steps = {"bound": bound(chosen[0])} | {name: ours(name) for name in chosen}
    found = medians(steps)
    print()
    for name, seconds in sorted(found.items(), key=lambda each: each[1]):
        print(f"{name:12} {1000 * seconds:6.1f} ms  {seconds / found['bound']:.2f}")


def test_two_threads_beside_a_busy_core_against_one_thread_that_is_alone() -> None:
    alone, beside = [], []
    with elsewhere(ours, "dann", DTML_THREADS="1", **QUIET) as one, elsewhere(ours, "dann", **QUIET) as all_threads:
        for _turn in range(3):
            alone.append(medians({"one": one})["one"])
            with busy_core():
                beside.append(medians({"all": all_threads})["all"])
    print(f"\nalone, one thread {1000 * min(alone):.1f} ms; beside a busy core {1000 * min(beside):.1f} ms: "
          f"{min(beside) / min(alone):.2f}")  # fmt: skip
