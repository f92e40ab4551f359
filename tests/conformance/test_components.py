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
    assert without <= {"none", "scratch", "folders"}


def test_the_issue_s_methods_are_there() -> None:
    assert {"none", "mmd", "mmd_linear", "coral", "dann"} <= set(catalogue.names("alignment"))
    assert {"none", "contrastive", "triplet", "dtml"} <= set(catalogue.names("metric"))
    assert {"scratch", "feature_extraction", "fine_tuning"} <= set(catalogue.names("strategy"))
    assert {"lenet", "mlp", "squeezenet1_1", "resnet18", "resnet50"} <= set(catalogue.names("backbone"))
    assert {"digits", "moons", "mnist_usps", "mnist_mnistm", "folders"} <= set(catalogue.names("task"))


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


FOREIGN = '''
from dtml.alignment import Alignment
from dtml.language import Text

class Foreign(Alignment):
    """A method of another distribution."""
    name = "foreign"
    title = Text("Foreign", "外来")
    summary = Text("From elsewhere.", "来自别处。")

    def forward(self, source, target, progress):
        return source.embedding.sum() * 0
'''


def test_another_distribution_adds_a_method_by_its_entry_point(tmp_path: Path) -> None:
    (tmp_path / "foreign_method.py").write_text(FOREIGN)
    info = tmp_path / "foreign_method-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign-method\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[dtml.components]\nforeign = foreign_method\n")
    told = _python(
        "import json, sys; from dtml import catalogue; names = catalogue.names('alignment');"
        "print(json.dumps([names, 'torch' in sys.modules]))",
        path=tmp_path,
    )
    names, torch_loaded = json.loads(told)
    assert "foreign" in names
    assert not torch_loaded, "the catalogue as data is to be read without torch"


def _python(code: str, path: Path) -> str:
    import os

    environment = {**os.environ, "PYTHONPATH": str(path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return done.stdout
