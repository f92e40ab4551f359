"""The sections of the report on one run, in order."""

from __future__ import annotations

import html
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import plotly.graph_objects as go

from dtml import budget, vocabulary
from dtml.comparison import gap_closed
from dtml.figures.embeddings import Panel, embeddings
from dtml.figures.stated import stated
from dtml.figures.training import accuracy_curves, loss_curves
from dtml.language import _
from dtml.report.changes import by_class, distances, plane, where_they_went
from dtml.report.page import Figure, Section, facts, folded, paragraph
from dtml.runs.naming import percent, summary, titles
from dtml.runs.provenance import provenance, sampling, versions
from dtml.runs.records import Run
from dtml.runs.story import Story


def what_was_done(story: Story) -> Section:
    """The experiment in plain words."""
    experiment = story.run.experiment
    training = experiment.training
    parts = [(kind, [getattr(experiment, kind).name]) for kind in ("task", "backbone", "strategy")]
    parts += [(kind, [choice.name for choice in getattr(experiment, kind)]) for kind in ("alignment", "metric")]
    told = [
        (vocabulary.kind(kind), f"{titles(kind, [name])}. {summary(kind, name)}")
        for kind, names in parts
        for name in names
        if name != "none"
    ]
    trained = _(
        "{steps} steps with {batch} samples a domain and step; embeddings of {dim} dimensions; seed {seed}."
    ).format(steps=f"{training.steps:,}", batch=training.batch_size, dim=experiment.embedding.dim, seed=experiment.seed)
    return Section(_("What was done"), [paragraph(_lead(story.run)), facts([*told, (_("Training"), trained)])])


def _lead(run: Run) -> str:
    labels = run.experiment.labels
    if run.role == "adapted":
        seen = (
            _("of whose labels it saw {budget}").format(budget=budget.told(labels))
            if labels
            else _("whose labels it never saw")
        )
        return _(
            "A network learned from labelled samples of a source and was adapted to a target, {labels}. Its twin saw "
            "the same samples without the adaptation: the difference between the two is what the adaptation did."
        ).format(labels=seen)
    return vocabulary.role_help(run.role)


def numbers(story: Story) -> Section:
    """The result beside what it is held against; the oracle apart."""
    values = {role: run.result.get("target_test_accuracy") for role, run in story.family.items()}
    own = values[story.run.role]
    cards = "\n".join(_card(role, value, own, role == story.run.role) for role, value in values.items())
    blocks = [
        paragraph(
            _("Target test accuracy of the last checkpoint: the share of the target's test samples it got right.")
        ),
        f'<div class="cards">\n{cards}\n</div>',
        *_remarks(story.run, values),
    ]
    return Section(_("The result"), blocks)


def _card(role: str, value: float | None, own: float | None, mine: bool) -> str:
    difference = ""
    if not mine and value is not None and own is not None:
        points = _("{value} points").format(value=f"{100 * (own - value):+.1f}")
        difference = _("adapted {points}").format(points=points)
    told = [
        html.escape(text)
        for text in (vocabulary.role(role), _("not known") if value is None else percent(value), difference)
    ]
    note = html.escape(vocabulary.role_help(role))
    kind = "card own" if mine else "card"
    return f'<div class="{kind}">{told[0]}<b>{told[1]}</b>{told[2]}<br><small>{note}</small></div>'


def _remarks(run: Run, values: dict[Any, float | None]) -> list[str]:
    result, told = run.result, []
    adapted, below, above = (values.get(role) for role in ("adapted", "source_only", "target_only"))
    if adapted is not None and below is not None and above is not None:
        share = gap_closed(adapted, below, above)
        if share is not None:
            closed = _("The adaptation closed {share} of the gap between source only and target only.")
            told.append(paragraph(closed.format(share=f"{100 * share:.0f} %")))
    if result.get("source_test_accuracy") is not None:
        source = _("On the source's own test samples it is right in {share}.")
        told.append(paragraph(source.format(share=percent(result["source_test_accuracy"]))))
    told.append(paragraph(_checkpoint(result), "soft"))
    if run.role == "adapted":
        sentence = _("One seed does not prove an improvement; repeat the pair with several seeds before saying so.")
        told.append(paragraph(sentence, "caution"))
    return [*told, *oracle(run)]


def _checkpoint(result: dict[str, Any]) -> str:
    if result.get("checkpoint", "last") == "last":
        return _("The result is that of the last checkpoint; no target label chose it.")
    told = _("Checkpoint: step {step}, chosen by {validator} without target labels; the last one reached {last}.")
    last = percent(result.get("last_target_test_accuracy"))
    return told.format(step=result.get("checkpoint_step"), validator=result["checkpoint"], last=last)


def oracle(run: Run) -> list[str]:
    """The best snapshot, marked as what it is."""
    best = run.result.get("oracle_target_accuracy")
    if best is None:
        return []
    told = _(
        "The best snapshot, chosen with the target's labels, reached {value} on the probe; this is not a result."
    ).format(value=percent(best))
    mark_ = html.escape(_("oracle"), quote=True)
    return [f'<p class="oracle" data-mark="{mark_}">{html.escape(told)}</p>']


def pictures(story: Story) -> Section:
    """The embeddings, before | after."""
    method = story.spec["method"]

    def draw(dark: bool) -> go.Figure:
        panels = [
            Panel(title, points, story.predicted(number))
            for number, (title, points) in enumerate(zip(story.titles, story.coordinates, strict=True))
        ]
        figure = embeddings(panels, dict(story.probe), [0, 1], dark)
        return stated(figure, f"{titles('projection', [method])} · {provenance(story.run)}")

    alt = _("Embeddings of source and target samples before and after adaptation, coloured by class.")
    joint = _(
        "A joint map leaks: samples of “before” are pulled towards their positions “after”. Use it only to follow "
        "single samples."
    )
    hint = _(
        "Each point is a sample; colour is its class, the symbol its domain. Adaptation worked where samples of one "
        "class lie together whichever domain they are from. Click a class in the legend to hide it, double-click to "
        "see it alone; drag to zoom in."
    )
    caption = " ".join([titles("projection", [method]) + ":", summary("projection", method)])
    shown = Figure(draw, f"{story.run.id}-embeddings", alt)
    blocks: list[str | Figure] = [paragraph(hint), shown, paragraph(caption, "soft")]
    if story.spec["layout"] == "shared":
        blocks.append(paragraph(joint, "caution"))
    return Section(_("Embeddings before and after"), blocks)


def curves(story: Story) -> Section | None:
    """Accuracy and losses over the steps of training."""
    shown = {
        vocabulary.role(role): story.metrics[role]
        for role in story.family
        if role in ("adapted", "twin") or role == story.run.role
    }
    own = story.metrics[story.run.role]
    drawn = (
        (
            partial(accuracy_curves, shown),
            "accuracy",
            _("Accuracy on the probe samples (target solid, source dashed)"),
        ),
        (partial(loss_curves, own, vocabulary.term), "losses", _("Loss terms, weighted")),
    )
    blocks: list[str | Figure] = []
    for make, name, told in drawn:
        if make() is not None:
            blocks += [f"<h3>{html.escape(told)}</h3>", stated_figure(make, f"{story.run.id}-{name}", told, story.run)]
    return Section(_("Training"), blocks) if blocks else None


def stated_figure(make: Callable[[], go.Figure | None], name: str, alt: str, run: Run) -> Figure:
    """A figure that looks the same in light and dark, with its provenance."""

    def draw(_dark: bool) -> go.Figure:
        figure = make()
        assert figure is not None
        return stated(figure, provenance(run))

    return Figure(draw, name, alt)


def experiment(story: Story) -> Section:
    """The experiment as a file that repeats the run."""
    told = _("`dtml train FILE.toml` repeats it from the command line.").replace("`", "")
    blocks = [folded(_("The experiment as a file"), story.run.experiment.to_toml()), paragraph(told, "soft")]
    return Section(_("Repeat it"), blocks)


def origin(story: Story) -> Section:
    """Where all this comes from."""
    return Section(_("Where this comes from"), [facts(origin_of(story.run))])


def origin_of(run: Run) -> list[tuple[str, str]]:
    """Run, seed, versions, device, sampling and date of a run."""
    used = ", ".join(f"{name} {number}" for name, number in versions(run).items())
    moment = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.finished or run.created))
    device = ", ".join(run.info[key] for key in ("device", "precision") if run.info.get(key))
    pairs = [
        (_("Run"), run.id),
        (_("Hash of the experiment"), run.hash),
        (_("Seed"), str(run.experiment.seed)),
        (_("Versions"), used or _("not recorded")),
        (_("Device"), device),
        (_("Parameters"), f"{run.info['parameters']:,}" if "parameters" in run.info else ""),
        (_("Samples drawn"), sampling(run)),
        (_("Seconds of training"), f"{run.result['seconds']:.1f}" if "seconds" in run.result else ""),
        (_("Finished"), moment),
    ]
    return [(term, told) for term, told in pairs if told]


SECTIONS: tuple[Callable[[Story], Section | None], ...] = (
    what_was_done,
    numbers,
    pictures,
    distances,
    by_class,
    where_they_went,
    plane,
    curves,
    experiment,
    origin,
)
"""What the report shows, in order; each may have nothing to show."""
