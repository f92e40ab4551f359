"""Every component of the catalogue is described, in both languages, and every name is told apart."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dtml import catalogue
from dtml.errors import Problem

ENTRIES = [(kind, name) for kind in catalogue.KINDS for name in catalogue.components(kind)]


@pytest.mark.parametrize(("kind", "name"), ENTRIES)
def test_component_is_described(kind: str, name: str) -> None:
    entry = catalogue.entry(kind, name)
    assert name == name.lower()
    for text in ("title", "summary"):
        english, chinese = entry[text]
        assert english
        assert chinese
    for key, schema in entry["parameters"].items():
        assert schema["description"], key
        assert schema["zh"], key
        assert "default" in schema, key
    assert catalogue.component(kind, name).__doc__


@pytest.mark.parametrize(("kind", "name"), ENTRIES)
def test_defaults_are_valid(kind: str, name: str) -> None:
    parameters = catalogue.entry(kind, name)["parameters"]
    assert catalogue.checked(kind, name, {}) == {key: schema["default"] for key, schema in parameters.items()}


@pytest.mark.parametrize("kind", ["alignment", "metric", "strategy", "backbone", "task", "projection"])
def test_every_method_names_its_source(kind: str) -> None:
    without = {name for name in catalogue.names(kind) if catalogue.entry(kind, name)["paper"] is None}
    assert without <= {"none", "scratch", "folders", "tables", "texts"}


def test_the_issue_s_methods_are_there() -> None:
    assert {"none", "mmd", "mmd_linear", "coral", "dann"} <= set(catalogue.names("alignment"))
    assert {"none", "contrastive", "triplet", "dtml"} <= set(catalogue.names("metric"))
    assert {"scratch", "feature_extraction", "fine_tuning"} <= set(catalogue.names("strategy"))
    assert {"lenet", "mlp", "squeezenet1_1", "resnet18", "resnet50"} <= set(catalogue.names("backbone"))
    assert {"digits", "moons", "mnist_usps", "mnist_mnistm", "folders"} <= set(catalogue.names("task"))
    assert {"tables", "texts", "reviews"} <= set(catalogue.names("task"))


def test_unknown_name_tells_the_nearest() -> None:
    with pytest.raises(ValueError, match="'corall'.*did you mean 'coral'"):
        catalogue.create("alignment", "corall")


def test_unknown_parameter_tells_the_nearest() -> None:
    with pytest.raises(Problem, match="ceilng.*did you mean 'ceiling'"):
        catalogue.create("alignment", "dann", ceilng=0.5)


def test_parameter_out_of_bounds_is_one_sentence() -> None:
    with pytest.raises(Problem, match="'ceiling' is -1.*must be at least 0"):
        catalogue.create("alignment", "dann", ceiling=-1)


def test_a_name_used_twice_raises() -> None:
    cls = catalogue.component("alignment", "coral")
    twin = type("Twin", (), {"kind": "alignment", "name": "coral", "__module__": "elsewhere"})
    with pytest.raises(ValueError, match="defined in both"):
        catalogue._register("alignment", [cls, twin])


FOREIGN = '''\
"""The largest difference of the means."""

from dtml.alignment import Alignment
from dtml.catalogue import Paper
from dtml.language import Text
from dtml.losses import Example


class LargestDifference(Alignment):
    """The largest absolute difference between the coordinates of the mean embeddings."""

    name = "largest_difference"
    title = Text("Largest difference", "最大差异")
    summary = Text("The largest difference between the means.", "均值之间的最大差异。")
    formula = r"\max_i |\mu^s_i - \mu^t_i|"
    paper = Paper("Nobody", 2020, "A made-up title", "https://example.org")
    claims = frozenset({{{claims}}})
    examples = (Example(([[0.0, 1.0], [2.0, 1.0]], [[4.0, 3.0]]), 3.0, "means (1, 1) and (4, 3)"),)

    def forward(self, source, target, progress):
        return (source.embedding.mean(0) - target.embedding.mean(0)).abs().max()
'''
TRUE = ("zero_on_equal_domains", "symmetric", "permutation_invariant", "translation_invariant", "non_negative")
CLAIMS = "tests/conformance/test_losses.py::test_claims_hold_and_nothing_holds_unclaimed[alignment-largest_difference]"
DESCRIBED = "tests/conformance/test_components.py::test_component_is_described[alignment-largest_difference]"


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of another distribution, with one file: a new alignment."""
    place = tmp_path_factory.mktemp("elsewhere")
    package, info = place / "more_methods", place / "more_methods-1.0.dist-info"
    package.mkdir()
    info.mkdir()
    (package / "__init__.py").touch()
    _write(place, TRUE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: more-methods\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[dtml.components]\nmore = more_methods.largest_difference\n")
    return place


def _write(place: Path, claims: tuple[str, ...]) -> None:
    text = FOREIGN.format(claims=", ".join(f'"{claim}"' for claim in claims))
    (place / "more_methods" / "largest_difference.py").write_text(text)


def test_a_new_alignment_is_one_file_in_the_list_and_the_catalogue(elsewhere: Path) -> None:
    told = _run(["-m", "dtml", "list", "alignment"], elsewhere)
    assert "largest_difference" in told.stdout
    read = "import sys; from dtml import catalogue; print(catalogue.publish().read_text('utf-8'))"
    entry = json.loads(_run(["-c", read], elsewhere).stdout)["alignment"]["largest_difference"]
    assert entry["title"] == ["Largest difference", "最大差异"]
    assert entry["claims"] == sorted(TRUE)
    names = "import sys; from dtml import catalogue; print(catalogue.names('alignment'), 'torch' in sys.modules)"
    told = _run(["-c", names], elsewhere)
    assert "'largest_difference'" in told.stdout
    assert told.stdout.split()[-1] == "False", "the published catalogue is to be read without torch"


def test_the_conformance_run_takes_the_new_alignment_up_and_catches_its_lies(elsewhere: Path) -> None:
    run = ["-m", "pytest", "-n", "0", "-p", "no:cacheprovider", "tests/conformance", "-k", "largest_difference", "-rA"]
    honest = _run(run, elsewhere)
    assert honest.returncode == 0, honest.stdout
    assert f"PASSED {CLAIMS}" in honest.stdout
    assert (
        "PASSED tests/conformance/test_components.py::test_component_is_described[alignment-largest_difference]"
        in honest.stdout
    )
    _write(elsewhere, (*TRUE, "rotation_invariant"))
    lied = _run(run, elsewhere)
    _write(elsewhere, TRUE)
    assert f"FAILED {CLAIMS}" in lied.stdout


def _run(command: list[str], path: Path) -> subprocess.CompletedProcess[str]:
    import os

    environment = {**os.environ, "PYTHONPATH": str(path), "COLUMNS": "200"}
    return subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, check=False)


def test_the_shipped_catalogue_is_that_of_the_sources() -> None:
    """Otherwise every first start waits for torch: run `uv run python -m dtml.catalogue --ship`."""
    shipped = catalogue._shipped()
    assert shipped is not None, "run `uv run python -m dtml.catalogue --ship`"
    made = {kind: {name: c.entry() for name, c in catalogue.components(kind).items()} for kind in catalogue.KINDS}
    assert json.dumps(shipped) == json.dumps(made), "the order of parameters is that of the form"


def test_a_shipped_catalogue_of_other_sources_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "_sources_hash", lambda: "another")
    assert catalogue._shipped() is None


def test_a_shipped_catalogue_is_not_used_beside_components_of_other_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "_foreign", lambda: [("theirs", "their.module", "1")])
    assert catalogue._shipped() is None
