"""Tasks with a controlled shift: two halves without a common sample, apart by as much as is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dtml
from dtml import Experiment, catalogue, own
from dtml.errors import Problem
from dtml.tasks import Domain, Transfer
from dtml.tasks._shifts import halves
from dtml.training import Finished
from tests.conftest import QUICK
from tests.images.archives import members, packed
from tests.tasks.test_bundled import check

STRENGTHS = (0.0, 0.4, 1.0)


def load(name: str, seed: int = 0, **params: object) -> Transfer:
    transfer: Transfer = catalogue.create("task", name, **params).load(seed)
    return transfer


def rows(domain: Domain) -> np.ndarray:
    chosen = np.concatenate(list(domain.splits.values()))
    return domain.inputs[chosen].reshape(len(chosen), -1).astype(np.float64)


def labels(domain: Domain) -> np.ndarray:
    return domain.labels[np.concatenate(list(domain.splits.values()))]


def apart(transfer: Transfer) -> float:
    """The energy distance of the inputs, as a share of that of the domain's own spread."""
    distance = catalogue.create("measure", "energy")
    return float(distance(rows(transfer.source), rows(transfer.target)) / rows(transfer.source).std())


@pytest.mark.parametrize("name", ["shifted", "shifted_points"])
@pytest.mark.parametrize("strength", [0.0, 0.5])
def test_the_halves_are_sound_and_share_no_sample(name: str, strength: float) -> None:
    transfer = load(name, strength=strength)
    check(transfer.target)
    used = np.concatenate(list(transfer.source.splits.values()))
    assert len(set(used)) == len(used)
    assert not set(transfer.source.ids[used]) & set(transfer.target.ids)
    assert transfer.source.classes == transfer.target.classes
    if not strength:
        whole = catalogue.create("task", "digits" if name == "shifted" else "moons").load(0).source
        assert len(used) + len(transfer.target.inputs) == len(whole.inputs)
        assert abs(len(used) - len(transfer.target.inputs)) <= 3 * len(whole.classes)
        place = {identity: i for i, identity in enumerate(whole.ids)}
        assert np.array_equal(transfer.target.inputs, whole.inputs[[place[i] for i in transfer.target.ids]])


@pytest.mark.parametrize("corruption", ["blur", "noise", "contrast", "rotation", "background"])
def test_a_stronger_corruption_is_a_larger_shift_and_none_is_chance(corruption: str) -> None:
    """At strength 0 the halves differ by chance alone, by less than half of what .4 does."""
    none, some, all_ = (apart(load("shifted", corruption=corruption, strength=s)) for s in STRENGTHS)
    assert none < 0.5 * some
    assert some < all_


def test_rarer_classes_are_a_larger_shift() -> None:
    def variation(transfer: Transfer) -> float:
        """The total variation distance of the class shares."""
        shares = [np.bincount(labels(d), minlength=10) / len(labels(d)) for d in (transfer.source, transfer.target)]
        return float(np.abs(shares[0] - shares[1]).sum() / 2)

    none, some, all_ = (variation(load("shifted", corruption="label_prior", strength=s)) for s in STRENGTHS)
    assert none < 0.02
    assert some > 0.1
    assert all_ > some + 0.1


def test_the_three_shifts_of_points_each_change_one_factor() -> None:
    found = {
        shift: [load("shifted_points", shift=shift, strength=s) for s in STRENGTHS]
        for shift in ("covariate", "prior", "concept")
    }
    covariate = [apart(each) for each in found["covariate"]]
    assert covariate[0] < 0.2 * covariate[1]
    assert covariate[1] < covariate[2]
    prior = [labels(each.target).mean() for each in found["prior"]]
    assert prior == pytest.approx([0.5, 50**-0.4 / (1 + 50**-0.4), 1 / 51], abs=0.01)
    plain = found["concept"][0].target
    for strength, each in zip(STRENGTHS, found["concept"], strict=True):
        assert np.array_equal(each.target.inputs, plain.inputs), "p(x) stays"
        assert (each.target.labels != plain.labels).mean() == pytest.approx(strength / 2, abs=0.01)


def test_the_seed_decides_everything() -> None:
    first, again, other = (load("shifted", seed, corruption="noise") for seed in (3, 3, 4))
    assert np.array_equal(first.target.inputs, again.target.inputs)
    assert not np.array_equal(first.target.ids, other.target.ids)


def coloured(folder: Path, seed: int) -> Path:
    rng = np.random.default_rng(seed)
    for name in ("warm", "hot"):
        (folder / name).mkdir(parents=True)
        for number in range(20):
            pixels = rng.integers(0, 60, (20, 20, 3), dtype=np.uint8) + np.array([180, 20, 20], np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number:02}.png")
    return folder


def test_own_pictures_are_recoloured(home: Path, tmp_path: Path) -> None:
    source, target = coloured(tmp_path / "a", 0), coloured(tmp_path / "b", 1)
    settings = f"source={source}, target={target}, size=16"
    shown = [
        load("shifted", of="folders", settings=settings, corruption="colour", strength=s).target.inputs for s in (0, 1)
    ]
    reds, others = (each.mean((0, 1, 2)) for each in shown)
    assert reds[0] > reds[1] + 100
    assert others[0] < others[1] - 50
    with pytest.raises(Problem, match="'folders' needs 'target'; give it in 'settings'"):
        load("shifted", of="folders", settings=f"source={source}")


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"corruption": "colour"}, "the images of 'digits' are grey; choose another"),
        ({"of": "moons"}, "no task named 'moons'"),
        ({"of": "shifted"}, "no task named 'shifted'"),
        ({"settings": "copies"}, "'copies' sets no parameter; write key=value"),
        ({"settings": "copy=3"}, "no key 'copy'; did you mean 'copies'"),
        ({"strength": 1.5}, "'strength' is 1.5, but must be at most 1"),
    ],
)
def test_bad_input_is_one_sentence(params: dict[str, object], sentence: str) -> None:
    with pytest.raises(Problem, match=sentence) as caught:
        load("shifted", **params)
    assert "\n" not in str(caught.value)


def test_data_that_is_missing_is_told_as_of_its_own_task(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DTML_DATA", str(home))
    missing = catalogue.create("task", "shifted", of="mnist_usps").missing()
    assert "dtml get task mnist_usps" in str(missing)
    assert catalogue.create("task", "shifted").missing() is None


def test_equal_samples_are_in_one_half_and_too_few_are_refused() -> None:
    inputs = np.repeat(np.arange(6, dtype=np.float32)[:, None], 3, 0)
    domain = Domain("few", inputs, np.repeat(np.array([0, 1]), 9), ("a", "b"), {"train": np.arange(18)}, np.arange(18))
    first, second = halves(domain, 0)
    assert not set(inputs[first["train"]].ravel()) & set(inputs[second["train"]].ravel())
    assert sorted([*first["train"], *second["train"]]) == list(range(18))
    tiny = Domain("tiny", inputs[:1], np.zeros(1, np.int64), ("a",), {"train": np.arange(1)}, np.arange(1))
    with pytest.raises(Problem, match="'tiny' has too few samples .1. to be cut"):
        halves(tiny, 0)


@pytest.mark.parametrize(("task", "shift"), [("shifted", "corruption"), ("shifted_points", "shift")])
def test_a_run_on_a_shifted_task(task: str, shift: str) -> None:
    kind = {"corruption": "label_prior", "shift": "concept"}[shift]
    experiment = Experiment(task={"name": task, shift: kind, "strength": 1.0}, alignment="coral", training=QUICK)
    *_events, end = dtml.train(experiment)
    assert isinstance(end, Finished)


def test_own_images_can_be_shifted(home: Path, tmp_path: Path) -> None:
    sides = {
        side: str(packed(tmp_path / f"{side}.zip", members(count=20, seed=seed)))
        for seed, side in enumerate(("source", "target"))
    }
    own.add("My shop", "folders", {**sides, "size": 16})
    with pytest.raises(Problem, match="not confirmed"):
        catalogue.create("task", "shifted", of="My shop").load(0)
    own.look("My shop")
    own.confirm("My shop")
    transfer = catalogue.create("task", "shifted", of="My shop", corruption="contrast", strength=1.0).load(0)
    assert transfer.source.classes == ("cat", "dog")
    assert transfer.target.inputs.std() < transfer.source.inputs.std() / 2
