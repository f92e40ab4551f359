"""The sections of the report on several runs, in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import plotly.graph_objects as go

from dtml import vocabulary
from dtml.comparison import Interval, gap_closed, interval, paired
from dtml.figures.training import accuracy_curves
from dtml.language import _
from dtml.report.page import Figure, Section, folded, paragraph, table
from dtml.report.run import oracle, origin_of, pictures, stated_figure
from dtml.runs.naming import heading, percent
from dtml.runs.story import Story

PICTURES = 6
"""Runs whose embeddings are drawn: a browser lends a page few WebGL canvases."""

Stories = Sequence[Story]


def compared(stories: Stories) -> Section:
    """Only what differs between the runs, with their results; the best first."""
    settings = [_flat(story.run.experiment.model_dump(exclude={"title"})) for story in stories]
    differing = [key for key in dict.fromkeys(key for each in settings for key in each) if _differs(settings, key)]
    order = sorted(range(len(stories)), key=lambda i: _accuracy(stories[i]) or -1.0, reverse=True)
    rows = [
        [name(stories[i]), *_results(stories[i]), *(_cell(settings[i].get(key)) for key in differing)] for i in order
    ]
    head = [_("Run"), *_results_named(), *differing]
    blocks = [
        paragraph(_("Only the settings that differ are shown; the best target test accuracy stands first.")),
        table(head, rows, numbers=range(1, 1 + len(_results_named()))),
        paragraph(_("Every result is that of the last checkpoint, or of one chosen without target labels."), "soft"),
    ]
    return Section(_("The runs"), blocks)


def _results_named() -> list[str]:
    return [_("Target accuracy"), vocabulary.role("twin"), _("Difference"), _("Gap closed"), _("Seconds")]


def _results(story: Story) -> list[str]:
    values = {role: run.result.get("target_test_accuracy") for role, run in story.family.items()}
    own, twin = values[story.run.role], values.get("twin")
    below, above = values.get("source_only"), values.get("target_only")
    difference = None if own is None or twin is None or story.run.role == "twin" else own - twin
    closed = None if own is None or below is None or above is None else gap_closed(own, below, above)
    return [
        percent(own),
        percent(twin),
        "–" if difference is None else f"{100 * difference:+.1f}",
        "–" if closed is None else f"{100 * closed:.0f} %",
        f"{story.run.result.get('seconds', 0.0):.1f}",
    ]


def seeds(stories: Stories) -> Section:
    """Means over seeds with their intervals, paired with the twins by seed; what one seed proves."""
    groups: dict[str, list[Story]] = {}
    for story in stories:
        groups.setdefault(story.run.experiment.model_copy(update={"seed": 0}).hash, []).append(story)
    rows = [_group(group) for group in groups.values()]
    head = [_("Runs"), _("Seeds"), _("Target accuracy, mean ± 95 %"), _("Adapted − twin, paired by seed")]
    blocks = [table(head, rows, numbers=(2, 3))]
    if any(len(group) < 3 for group in groups.values()):
        one = _("One seed does not prove an improvement; repeat the pair with several seeds before saying so.")
        blocks.append(paragraph(one, "caution"))
    return Section(_("Over seeds"), blocks)


def _group(stories: list[Story]) -> list[str]:
    told = [story for story in stories if _accuracy(story) is not None]
    own = [story.run.result["target_test_accuracy"] for story in told]
    pairs = [
        (story.run.result["target_test_accuracy"], story.family["twin"].result["target_test_accuracy"])
        for story in told
        if "twin" in story.family and story.run.role == "adapted"
    ]
    named = heading(stories[0].run)
    listed = ", ".join(str(story.run.experiment.seed) for story in stories)
    difference = _told(paired(*zip(*pairs, strict=True)), "+") if pairs else "–"
    return [named, listed, _told(interval(own)) if own else "–", difference]


def _told(value: Interval, sign: str = "") -> str:
    mean = f"{100 * value.mean:{sign}.1f}"
    if value.half_width == float("inf"):
        return _("{value} (one seed)").format(value=mean)
    return f"{mean} ± {100 * value.half_width:.1f}"


def oracles(stories: Stories) -> Section:
    """The best snapshots, apart and marked."""
    told = [[paragraph(name(story)), *oracle(story.run)] for story in stories if oracle(story.run)]
    return Section(_("Not a result"), [block for blocks in told for block in blocks])


def curves(stories: Stories) -> Section | None:
    """The target's accuracy of all runs over steps."""
    shown = {name(story): story.metrics[story.run.role] for story in stories}
    if accuracy_curves(shown, source=False) is None:
        return None
    told = _("Target accuracy on the probe samples over the steps of training")

    def draw() -> go.Figure | None:
        return accuracy_curves(shown, source=False)

    return Section(_("Training"), [paragraph(told), stated_figure(draw, "comparison-accuracy", told, stories[0].run)])


def embeddings(stories: Stories) -> Section:
    """The embeddings of each run, before | after."""
    blocks: list[str | Figure] = []
    for story in stories[:PICTURES]:
        figures = [block for block in pictures(story).blocks if isinstance(block, Figure)]
        blocks += [f"<h3>{_escaped(name(story))}</h3>", *figures]
    if len(stories) > PICTURES:
        told = _("Pictures of the first {count} runs of {all}; write a report on one run to see another.")
        blocks.append(paragraph(told.format(count=PICTURES, all=len(stories)), "soft"))
    return Section(_("Embeddings before and after"), blocks)


def origins(stories: Stories) -> Section:
    """Each run's experiment and where it comes from."""
    blocks = []
    for story in stories:
        lines = "\n".join(f"{term}: {told}" for term, told in origin_of(story.run))
        blocks.append(folded(name(story), f"{lines}\n\n{story.run.experiment.to_toml()}"))
    return Section(_("Where this comes from"), blocks)


def name(story: Story) -> str:
    """What a run is called among others: its title or methods, its seed, the end of its id."""
    seed = _("seed {seed}").format(seed=story.run.experiment.seed)
    return f"{heading(story.run)} · {seed} · {story.run.id.rsplit('-', 1)[-1]}"


def _accuracy(story: Story) -> float | None:
    value: float | None = story.run.result.get("target_test_accuracy")
    return value


def _flat(value: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Nested settings by dotted keys; lists of loss terms as their names and parameters."""
    found: dict[str, Any] = {}
    for key, each in value.items():
        if isinstance(each, dict):
            found |= _flat(each, f"{above}{key}.")
        elif isinstance(each, list | tuple):
            found[f"{above}{key}"] = " + ".join(term["name"] for term in each)
            for term in each:
                found |= _flat({k: v for k, v in term.items() if k != "name"}, f"{above}{key}.{term['name']}.")
        else:
            found[f"{above}{key.removesuffix('.name')}" if key != "name" else above.removesuffix(".")] = each
    return found


def _differs(settings: list[dict[str, Any]], key: str) -> bool:
    """Whether a setting that all have differs; a parameter that only one method has is told by the method."""
    return all(key in each for each in settings) and len({str(each[key]) for each in settings}) > 1


def _cell(value: Any) -> str:
    return "–" if value is None else str(value)


def _escaped(text: str) -> str:
    import html

    return html.escape(text)


SECTIONS: tuple[Callable[[Stories], Section | None], ...] = (compared, seeds, curves, embeddings, oracles, origins)
"""What the comparison shows, in order; each may have nothing to show."""
