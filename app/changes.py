"""What changed from before to after: distances, accuracies, where the target went, the decision boundary."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import data, frame, takeaway, words
from app.language import title
from dtml import catalogue, paths
from dtml.figures import boundary as planes
from dtml.figures import changes as figures
from dtml.language import _
from dtml.runs import measuring
from dtml.runs.changes import Changes, boundaries, changes, went
from dtml.runs.folder import RunFolder, read_arrays
from dtml.runs.launcher import ensure_worker
from dtml.runs.pictures import State, last_state
from dtml.runs.records import Run


def show(run: Run, twin: Run, step: int) -> None:
    """Everything that changed from the twin's last snapshot to the run's snapshot at `step`."""
    before, after = last_state(twin.id), (run.id, step)
    found = _changes(str(paths.home()), before, after)
    st.header(_("What changed"))
    st.caption(
        _(
            "Before: the twin at step {before}; after: this run at step {after}. All numbers are of the {count} probe "
            "samples of the target and those of the source; intervals are at 95 % over samples, not over trainings."
        ).format(before=before[1], after=step, count=len(found.truth))
    )
    _measures([before, after], run)
    _accuracies(found, run)
    _flow(found, run)
    _matrices(found, run)
    _boundary(run, twin)


@st.cache_data(max_entries=32, show_spinner=False)
def _changes(home: str, before: State, after: State) -> Changes:
    return changes(before, after)


def _dark() -> bool:
    return st.context.theme.type == "dark"


def _measures(states: list[State], run: Run) -> None:
    st.subheader(_("How far the domains are apart"))
    spec = measuring.measures_spec(states)
    found = measuring.read_measures(spec)
    if found is None:
        job = measuring.ask_for_measures(data.store(), spec)
        if job.error and job.state == "failed":
            st.error(str(job.error), icon=":material/error:")
            return
        ensure_worker()
        frame.polling(_wait_for_measures, 1.0)(spec)
        return
    titles = {name: title(catalogue.entry("measure", name)) for name in found}
    takeaway.chart(
        figures.measures(found, titles, _dark()),
        run,
        "measures",
        _("Discrepancies between source and target before and after, with intervals."),
    )
    for name, values in found.items():
        problem = next((each.problem for each in values if each.problem), None)
        if problem:
            st.caption(f"{titles[name]}: {problem}")
    st.caption(
        _(
            "In the embedding space itself, not in the picture, each state divided by its own spread; at most "
            "{samples} samples a domain. Lower is closer. A small distance alone is no proof: classes may lie on the "
            "wrong ones."
        ).format(samples=measuring.SAMPLES)
    )


def _wait_for_measures(spec: dict[str, Any]) -> None:
    job = data.store().find_job(measuring.measures_key(spec))
    if job is None or job.state in ("finished", "failed") or measuring.read_measures(spec) is not None:
        st.rerun()
    ensure_worker()
    told = _(job.doing["what"]) if job.doing.get("what") else _("Waiting for the worker")
    st.progress(job.doing.get("share") or 0.0, f"{told} …")


def _accuracies(found: Changes, run: Run) -> None:
    st.subheader(_("Who gained and who lost"))
    if found.target is None:
        st.info(
            _(
                "The target has no labels, so its accuracy, the classes that lost and the confusion matrices cannot "
                "be told. What can be told: the distances above, and which source class each sample lies nearest to."
            ),
            icon=":material/info:",
        )
    elif found.lost:
        st.warning(
            _("Negative transfer: more than chance explains was lost by {classes}.").format(
                classes=", ".join(f"“{name}”" for name in found.lost)
            ),
            icon=":material/trending_down:",
        )
    else:
        st.caption(_("No class of the target lost accuracy by more than chance explains."))
    if found.source or found.target:
        takeaway.chart(
            figures.accuracies(found, _dark()),
            run,
            "accuracies",
            _("Accuracy before and after by class, the largest loss first."),
        )
        st.caption(
            _(
                "The number behind a name counts its samples. “Clearly”: the interval of the difference, paired by "
                "sample, excludes zero; of many classes, one in twenty may do so by chance."
            )
        )


def _flow(found: Changes, run: Run) -> None:
    st.subheader(_("Where the target's samples went"))
    labelled = [label for label, _change in sorted(found.by_class)]
    whole = _("all classes")
    only = st.selectbox(
        _("True class"),
        [-1, *labelled],
        format_func=lambda label: whole if label < 0 else found.classes[label],
        key="flow-class",
        persist_state="session",
        width=260,
    )
    takeaway.chart(
        figures.flow(found, None if only < 0 else only, _dark()),
        run,
        "flow",
        _("Flow of the target samples from the nearest source class before to that after."),
    )
    st.caption(
        _(
            "A sample counts to the source class whose mean is nearest in the original embedding space; the "
            "classifier has no say here."
        )
    )


def _matrices(found: Changes, run: Run) -> None:
    if found.confusion is None:
        return
    shown = {
        "nearest": (_("Nearest source class"), went(found), _("nearest source class")),
        "confusion": (_("Confusion matrix"), found.confusion, _("predicted class")),
    }
    name = st.segmented_control(
        _("Classes of the target, before and after"),
        list(shown),
        default="nearest",
        required=True,
        key="matrix",
        persist_state="session",
        format_func=lambda each: shown[each][0],
    )
    told, pair, columns = shown[name]
    takeaway.chart(figures.matrices(found.classes, pair, columns, _dark()), run, "matrices", told)


def _boundary(run: Run, twin: Run) -> None:
    panels = [(words.role(each.role), _boundaries(str(paths.home()), each.id, each.step)) for each in (twin, run)]
    panels = [(name, found) for name, found in panels if found]
    if not panels or not set.intersection(*(set(found) for _name, found in panels)):
        return
    st.subheader(_("The decision boundary through training"))
    takeaway.chart(
        planes.boundary(panels, read_arrays(RunFolder(run.id).probe), _dark()),
        run,
        "boundary",
        _("The class that the network gives to each place of the plane, step by step."),
    )
    st.caption(
        _(
            "The ground has the colour of the class that the network gives to a place, the paler the less certain. "
            "Move the slider, or press Play."
        )
    )


@st.cache_data(max_entries=16, show_spinner=False)
def _boundaries(home: str, identity: str, step: int) -> planes.Boundaries:
    return boundaries(identity)
