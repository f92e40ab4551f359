"""The sections of the report on what changed from before to after."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import plotly.graph_objects as go

from dtml import vocabulary
from dtml.catalogue import entries
from dtml.figures import boundary as planes
from dtml.figures import changes as figures
from dtml.figures.stated import stated
from dtml.language import Text, _
from dtml.report.page import Figure, Section, paragraph
from dtml.runs import measuring
from dtml.runs.changes import Changes, boundaries, changes, went
from dtml.runs.provenance import provenance
from dtml.runs.story import Story


def distances(story: Story) -> Section | None:
    """How far the domains are apart, where the worker has measured it."""
    states = _before_and_after(story)
    found = measuring.read_measures(measuring.measures_spec(states)) if states else None
    if not found:
        return None
    known = entries()["measure"]
    named = {name: str(Text(*known[name]["title"])) if name in known else name for name in found}
    alt = _("Discrepancies between source and target before and after, with intervals.")
    told = _(
        "In the embedding space itself, not in the picture, each state divided by its own spread; lower is closer. A "
        "small distance alone is no proof: classes may lie on the wrong ones."
    )
    draw = partial(figures.measures, found, named)
    return Section(
        _("How far the domains are apart"), [_figure(story, draw, "distances", alt), paragraph(told, "soft")]
    )


def by_class(story: Story) -> Section | None:
    """Who gained and who lost, the largest loss first."""
    found = _changes(story)
    if found is None or (found.source is None and found.target is None):
        return None
    if found.lost:
        classes = ", ".join(f"“{name}”" for name in found.lost)
        told = _("Negative transfer: more than chance explains was lost by {classes}.").format(classes=classes)
    else:
        told = _("No class of the target lost accuracy by more than chance explains.")
    alt = _("Accuracy before and after by class, the largest loss first.")
    note = _(
        "The number behind a name counts its samples. “Clearly”: the interval of the difference, paired by "
        "sample, excludes zero; of many classes, one in twenty may do so by chance."
    )
    shown = _figure(story, partial(figures.accuracies, found), "classes", alt)
    kind = "caution" if found.lost else ""
    return Section(_("Who gained and who lost"), [paragraph(told, kind), shown, paragraph(note, "soft")])


def where_they_went(story: Story) -> Section | None:
    """Nearest source classes before and after as a flow and a matrix, and the confusion matrices."""
    found = _changes(story)
    if found is None:
        return None
    told = _(
        "A sample counts to the source class whose mean is nearest in the original embedding space; the classifier "
        "has no say here."
    )
    alt = _("Flow of the target samples from the nearest source class before to that after.")
    flow = _figure(story, partial(figures.flow, found, None), "flow", alt)
    blocks: list[str | Figure] = [flow, paragraph(told, "soft")]
    if found.confusion is not None:
        pairs = (
            ("nearest", _("Nearest source class"), went(found), _("nearest source class")),
            ("confusion", _("Confusion matrix"), found.confusion, _("predicted class")),
        )
        for name, title, pair, columns in pairs:
            draw = partial(figures.matrices, found.classes, pair, columns)
            blocks += [f"<h3>{title}</h3>", _figure(story, draw, name, title)]
    return Section(_("Where the target's samples went"), blocks)


def plane(story: Story) -> Section | None:
    """The decision boundary moving through training, where inputs are points in the plane."""
    roles = [role for role in ("twin", story.run.role) if role in story.family]
    shown = [(story.family[role], boundaries(story.family[role].id)) for role in dict.fromkeys(roles)]
    panels = [(vocabulary.role(run.role), found) for run, found in shown if found]
    if not panels or not set.intersection(*(set(found) for _name, found in panels)):
        return None
    alt = _("The class that the network gives to each place of the plane, step by step.")
    told = _(
        "The ground has the colour of the class that the network gives to a place, the paler the less certain. Move "
        "the slider, or press Play."
    )
    draw = partial(planes.boundary, panels, story.probe)
    title = _("The decision boundary through training")
    return Section(title, [_figure(story, draw, "boundary", alt), paragraph(told, "soft")])


def _before_and_after(story: Story) -> list[tuple[str, int]] | None:
    """The twin's state and the run's, as the picture has them; None where there is no twin in it."""
    twin = story.family.get("twin")
    before = [state for state in story.states if twin and state[0] == twin.id and state[1] > 0]
    after = story.states[-1]
    return [before[-1], after] if before and story.run.role == "adapted" and after[0] == story.run.id else None


def _changes(story: Story) -> Changes | None:
    states = _before_and_after(story)
    return changes(*states) if states else None


def _figure(story: Story, draw: Callable[..., go.Figure], name: str, alt: str) -> Figure:
    def drawn(dark: bool) -> go.Figure:
        return stated(draw(dark=dark), provenance(story.run))

    return Figure(drawn, f"{story.run.id}-{name}", alt)
