"""What could be learned from for a target, and what tells candidates apart."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from dtml.errors import Problem
from dtml.runs.candidates import candidate, sources, target_title, titles, with_domains
from dtml.runs.choosing import OF_FEATURES, ranking_spec
from tests.images.archives import members
from tests.runs.test_choosing import OFFICE, SQUEEZENET

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three domains of Office-Caltech10, in small; there is no caltech."""
    (tmp_path / "office_caltech10").mkdir()
    for seed, name in enumerate(("amazon", "webcam", "dslr")):
        with zipfile.ZipFile(tmp_path / "office_caltech10" / f"{name}.zip", "w") as file:
            for member, content in members(count=6, seed=seed).items():
                file.writestr(member, content)
    monkeypatch.setenv("DTML_DATA", str(tmp_path))
    return tmp_path


def test_the_other_domains_on_disk_are_the_sources(office: Path) -> None:
    assert "office_caltech10" in with_domains()
    found = [each["source"] for each in sources(OFFICE, "webcam")]
    assert found == ["amazon", "dslr"]
    assert [each["source"] for each in sources(OFFICE, "webcam", ["caltech", "webcam"])] == ["caltech"]
    several = [candidate(each) for each in sources(OFFICE, "webcam")]
    assert titles(several) == ["amazon", "dslr"]
    assert target_title(several) == "webcam"
    assert titles(several[:1]) == ["amazon → webcam"]
    with pytest.raises(Problem, match="no domain named 'web'; did you mean 'webcam'"):
        sources(OFFICE, "web")
    with pytest.raises(Problem, match="'moons' has no named domains to choose a source from; choose one of"):
        sources({"name": "moons"}, "webcam")


def test_no_source_on_disk(office: Path) -> None:
    with pytest.raises(Problem, match="no source for 'webcam' is on disk; see `dtml show task office31`"):
        sources({"name": "office31"}, "webcam")


@pytest.mark.parametrize(
    ("task", "backbone", "sentence"),
    [
        ({"name": "moon"}, None, "did you mean 'moons'"),
        ({"name": "moons", "angel": 3}, None, "angel"),
        ({"name": "folders"}, None, "The task 'folders' needs 'source'"),
        ({"name": "digits"}, "lenet", "Nothing of the backbone 'lenet' can be measured .* choose one with learned"),
        ({"name": "digits"}, "mlp", "Nothing of the backbone 'mlp' can be measured"),
        ({"name": "moons"}, "mlp", "No backbone has learned weights for what the task 'moons' has"),
        (OFFICE, "squeeze", "did you mean 'squeezenet1_1'"),
    ],
)
def test_what_cannot_be_a_candidate_is_one_sentence(task: Any, backbone: Any, sentence: str) -> None:
    with pytest.raises(Problem, match=sentence):
        candidate(task, backbone)


def test_backbones_bring_the_scores_of_features(office: Path) -> None:
    one = [candidate(OFFICE, SQUEEZENET)]
    two = [*one, candidate(OFFICE, {"name": "torchvision", "model": "resnet18"})]
    assert not set(OF_FEATURES) & set(ranking_spec(one)["measures"])
    assert set(OF_FEATURES) <= set(ranking_spec(two)["measures"])
    assert titles(two) == ["SqueezeNet 1.1 · weights squeezenet1_1_caffe-8897a75e.pth",
                           "Any torchvision network · weights default · resnet18"]  # fmt: skip
