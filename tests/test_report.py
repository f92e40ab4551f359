"""The offline report: honest numbers, nothing that leaves the file, and no way for a title to become code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest

from dtml import Experiment
from dtml.errors import Problem
from dtml.language import set_language
from dtml.projection.pca import PCA
from dtml.projection.umap import UMAP
from dtml.report import figures, report
from dtml.runs.foreground import train_all
from dtml.runs.records import Run
from dtml.runs.store import Store
from dtml.runs.story import Story, tell
from tests.conftest import QUICK

TITLE = "Moons <script>alert(1)</script> & </script>"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Run]]:
    """A home with two seeds of one method and one of another, each with its references."""
    patch = pytest.MonkeyPatch()
    patch.setenv("DTML_HOME", str(tmp_path_factory.mktemp("home")))
    first = Experiment(task={"name": "moons", "samples": 200}, alignment="dann", training=QUICK, title=TITLE)
    experiments = (first, first.replace(seed=1), first.replace(alignment={"name": "coral", "weight": 7.5}, title=""))
    roles = ["twin", "source_only", "target_only"]
    yield [train_all(Store(), each, roles, lambda _run, _event: None)["adapted"] for each in experiments]
    patch.undo()


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    set_language("en")


def stories(trained: list[Run]) -> list[Story]:
    return [tell(Store(), run) for run in trained]


class Reader(HTMLParser):
    """What a browser would see: text, tables, and addresses that it would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text: list[str] = []
        self.loads: list[str] = []
        self.scripts: list[str] = []
        self._inside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._inside.append(tag)
        self.loads += [str(value) for name, value in attributes if name in ("src", "href", "srcset", "data", "action")]
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            self._inside = self._inside[: len(self._inside) - self._inside[::-1].index(tag) - 1]

    def handle_data(self, data: str) -> None:
        if "script" in self._inside:
            self.scripts[-1] += data
        elif "style" not in self._inside:
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def test_the_numbers_are_those_of_the_runs(trained: list[Run]) -> None:
    story = stories(trained)[0]
    words = Reader(report([story])).words
    assert set(story.family) == {"adapted", "twin", "source_only", "target_only"}
    for run in story.family.values():
        assert percent(run.result["target_test_accuracy"]) in words
    own, twin = (story.family[role].result["target_test_accuracy"] for role in ("adapted", "twin"))
    assert f"adapted {100 * (own - twin):+.1f} points" in words
    assert "One seed does not prove an improvement" in words
    assert "last checkpoint" in words
    before, _oracle, after = words.partition(percent(story.run.result["oracle_target_accuracy"]) + " on the probe")
    assert after.strip().startswith("; this is not a result")
    assert before


def test_it_says_what_was_done_and_where_it_comes_from(trained: list[Run]) -> None:
    story = stories(trained)[0]
    words = Reader(report([story])).words
    for told in ("Two moons, rotated", "DANN (adversarial)", "20 steps with 16 samples", story.run.id, story.run.hash):
        assert told in words
    assert story.run.info["versions"]["torch"] in words
    assert "80 of 80 source and 80 of 80 target test samples" in words
    assert " ".join(story.run.experiment.to_toml().split()) in words


def test_a_title_stays_text(trained: list[Run]) -> None:
    text = report(stories(trained)[:1])
    seen = Reader(text)
    assert TITLE in seen.words
    assert len(seen.scripts) == 3, "figures, Plotly, and what draws them"
    assert "alert(1)" not in "".join(seen.scripts[1:])
    assert json.loads(seen.scripts[0])


def test_nothing_is_loaded_from_elsewhere(trained: list[Run]) -> None:
    text = report(stories(trained)[:1])
    assert Reader(text).loads == ["data:,"]
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy
    assert "default-src 'none'" in policy[1]
    assert "http" not in policy[1]
    assert text.count("plotly.js v") == 1, "inlined once"


def test_every_figure_is_there_in_light_and_dark_with_its_provenance(trained: list[Run]) -> None:
    story = stories(trained)[0]
    drawn: dict[str, Any] = json.loads(Reader(report([story])).scripts[0])
    assert len(drawn) == len(figures(story)) >= 3
    for figure in drawn.values():
        assert figure["light"]["layout"]["template"] != figure["dark"]["layout"]["template"]
        for scheme in ("light", "dark"):
            notes = [note["text"] for note in figure[scheme]["layout"]["annotations"] if note.get("name")]
            assert story.run.id in notes[0]
            assert "seed 0" in notes[0]


def test_without_a_computed_picture_it_shows_the_principal_components(
    trained: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    story = stories(trained)[0]
    assert story.spec["method"] == "pca"
    assert "PCA: The two directions of largest variance" in Reader(report([story])).words
    monkeypatch.setattr(UMAP, "fit", PCA.fit)  # as quick as that
    computed = tell(Store(), trained[0], compute=True)
    assert computed.spec["method"] == "umap"
    assert tell(Store(), trained[0]).spec == computed.spec, "once it is there it is shown"


def test_a_reference_alone_is_told_as_what_it_is(trained: list[Run]) -> None:
    twin = Store().reference(trained[0], "twin")
    assert twin
    story = tell(Store(), twin)
    words = Reader(report([story])).words
    assert story.titles == ("Untrained start", "After step 20")
    assert "One seed does not prove" not in words
    assert percent(twin.result["target_test_accuracy"]) in words


def test_a_comparison_shows_only_what_differs_the_best_first(trained: list[Run]) -> None:
    told = stories(trained)
    text = report(told)
    head = re.findall(r"<thead><tr>(.*?)</thead>", text)[0]
    names = re.findall(r">([^<]+)</th>", head)
    assert names[6:] == ["alignment", "seed"]
    body = re.findall(r"<tbody>(.*?)</tbody>", text, re.S)[0]
    shown = [float(cell) for cell in re.findall(r'<tr><td>[^<]*</td><td class="number">([\d.]+) %', body)]
    wanted = [round(100 * run.result["target_test_accuracy"], 1) for run in trained]
    assert shown == sorted(wanted, reverse=True)


def test_a_comparison_pairs_by_seed(trained: list[Run]) -> None:
    from dtml.comparison import paired

    told = stories(trained)
    words = Reader(report(told)).words
    pairs = [[story.family[role].result["target_test_accuracy"] for story in told[:2]] for role in ("adapted", "twin")]
    difference = paired(*pairs)
    assert " 0, 1 " in words
    assert f"{100 * difference.mean:+.1f} ± {100 * difference.half_width:.1f}" in words
    assert "(one seed)" in words, "the other method has no interval"
    assert words.count("this is not a result") == 3


def test_it_speaks_chinese(trained: list[Run]) -> None:
    set_language("zh_CN")
    text = report(stories(trained)[:1])
    assert '<html lang="zh-CN">' in text
    assert "目标" in Reader(text).words


def test_no_run_is_no_report() -> None:
    with pytest.raises(Problem, match="No run was named"):
        report([])
