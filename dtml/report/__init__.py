"""One run or a comparison as ONE offline HTML file: interactive figures, light and dark, no request to any host.

The file is for people who were not there: what was done in plain words, the honest numbers, the pictures, and
where they come from. It speaks the current language.
"""

from __future__ import annotations

from collections.abc import Sequence

from dtml.errors import Problem
from dtml.language import _, mark
from dtml.report.comparison import SECTIONS as COMPARISON
from dtml.report.page import Figure, page
from dtml.report.run import SECTIONS as RUN
from dtml.runs.naming import heading, task_title
from dtml.runs.story import Story

__all__ = ["figures", "report"]


def report(stories: Sequence[Story]) -> str:
    """The HTML of one story, or of several side by side.

    Raises:
        Problem: for no story.
    """
    if not stories:
        raise Problem(mark("No run was named; give the id of at least one (`dtml runs` lists them)."))
    if len(stories) == 1:
        story = stories[0]
        return page(heading(story.run), _("One run and what it is held against"), [make(story) for make in RUN])
    title = _("Comparison of {count} runs").format(count=len(stories))
    return page(title, " · ".join(dict.fromkeys(map(_task, stories))), [make(stories) for make in COMPARISON])


def figures(story: Story) -> dict[str, Figure]:
    """The figures of a run's report by a short name, in order."""
    sections = [section for make in RUN if (section := make(story))]
    drawn = [block for section in sections for block in section.blocks if isinstance(block, Figure)]
    return {figure.name.removeprefix(f"{story.run.id}-"): figure for figure in drawn}


def _task(story: Story) -> str:
    return task_title(story.run.experiment)
