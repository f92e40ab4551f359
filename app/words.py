"""Words for what the store and the catalogue name by keys."""

from __future__ import annotations

import time
from typing import Any

from app.language import text
from dtml.language import _
from dtml.runs.store import Run

STATE_COLOURS = {
    "queued": "gray",
    "running": "blue",
    "finished": "green",
    "failed": "red",
    "cancelled": "orange",
    "lost": "violet",
}
STATE_ICONS = {
    "queued": ":material/schedule:",
    "running": ":material/play_circle:",
    "finished": ":material/check_circle:",
    "failed": ":material/error:",
    "cancelled": ":material/cancel:",
    "lost": ":material/help:",
}


def role(name: str) -> str:
    """What a run stands for."""
    return {
        "adapted": _("adapted"),
        "twin": _("twin (no alignment)"),
        "source_only": _("source only"),
        "target_only": _("target only"),
    }.get(name, name)


def role_help(name: str) -> str:
    """The same in one sentence."""
    return {
        "adapted": _("Trained with labels of the source and the alignment to the target."),
        "twin": _("The same batches of both domains without the alignment: what the alignment is held against."),
        "source_only": _("The same network without any target batch."),
        "target_only": _("The same network trained with the target's own labels: what could be reached."),
    }.get(name, "")


def state(name: str) -> str:
    """The state of a run."""
    return {
        "queued": _("queued"),
        "running": _("running"),
        "finished": _("finished"),
        "failed": _("failed"),
        "cancelled": _("cancelled"),
        "lost": _("lost"),
    }.get(name, name)


def kind(name: str) -> str:
    """A kind of component."""
    return {
        "task": _("Task"),
        "backbone": _("Backbone"),
        "strategy": _("Strategy"),
        "alignment": _("Alignment"),
        "metric": _("Metric"),
        "measure": _("Measures"),
        "projection": _("Projection"),
    }.get(name, name)


def claim(name: str) -> str:
    """An invariant that a loss claims."""
    return {
        "zero_on_equal_domains": _("zero on equal domains"),
        "symmetric": _("symmetric"),
        "permutation_invariant": _("order of samples does not matter"),
        "translation_invariant": _("invariant to translation"),
        "rotation_invariant": _("invariant to rotation"),
        "blind_to_mean_shift": _("blind to a shift of the mean"),
        "non_negative": _("never negative"),
        "bounded": _("bounded"),
        "gradient_reversed": _("gradient reversed on purpose"),
    }.get(name, name.replace("_", " "))


def term(name: str) -> str:
    """A term of the loss."""
    return _("classification") if name == "classification" else name


def watched(name: str) -> str:
    """A number that a loss offers to the live view, as "<loss>/<number>"."""
    loss, _slash, number = name.rpartition("/")
    title = {
        "domain_accuracy": _("accuracy of the domain discriminator"),
        "strength": _("λ, strength of the reversed gradient"),
        "compactness": _("compactness"),
        "separability": _("separability"),
        "active_triplets": _("active triplets"),
    }.get(number, number.replace("_", " "))
    return f"{loss}: {title}" if loss else title


def doing(run: Run) -> str:
    """What a running run is at."""
    what = str(run.doing.get("what") or "")
    for phase in run.info.get("phases", []):
        if phase["title"][0] == what:
            return text(phase["title"])
    return _(what) if what else _("Starting")


def percent(value: Any) -> str:
    """A share as a percentage; a dash where there is none."""
    return "–" if value is None else f"{100 * float(value):.1f} %"


def points(value: float) -> str:
    """A difference of shares in percentage points."""
    return _("{value} points").format(value=f"{100 * value:+.1f}")


def duration(seconds: float | None) -> str:
    """Seconds as a person says them."""
    if seconds is None:
        return "–"
    whole = max(0, round(seconds))
    if whole < 60:
        return _("{seconds} s").format(seconds=whole)
    if whole < 3600:
        return _("{minutes} min {seconds} s").format(minutes=whole // 60, seconds=whole % 60)
    return _("{hours} h {minutes} min").format(hours=whole // 3600, minutes=whole % 3600 // 60)


def left(seconds: float | None) -> str:
    """How long something still takes, as the end of a line; nothing where that is not known."""
    return "" if seconds is None else "· " + _("about {time} left").format(time=duration(seconds))


def spent(run: Run) -> float | None:
    """Seconds from a run's start to its end, or to now."""
    if run.started is None:
        return None
    return (run.finished or time.time()) - run.started


def moment(when: float) -> str:
    """A time of day, with the date."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(when))


def names(choices: Any) -> str:
    """The names of chosen loss terms."""
    return " + ".join(choice.name for choice in choices)
