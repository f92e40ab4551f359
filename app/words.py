"""Words for what runs do, and how pages write numbers and times."""

from __future__ import annotations

import time
from typing import Any

from app.language import text
from dtml.language import _
from dtml.runs.records import Run
from dtml.vocabulary import claim, kind, role, role_help, state, term

__all__ = [
    "claim", "doing", "duration", "kind", "left", "moment", "percent", "points", "reached", "role", "role_help",
    "spent", "state", "term", "watched",
]  # fmt: skip

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


def watched(name: str) -> str:
    """A number that a loss offers to the live view, as "<loss>/<number>"."""
    loss, _slash, number = name.rpartition("/")
    title = {
        "gradient_norm": _("norm of the gradient"),
        "learning_rate": _("learning rate"),
        "domain_accuracy": _("accuracy of the domain discriminator"),
        "strength": _("λ, strength of the reversed gradient"),
        "compactness": _("compactness"),
        "separability": _("separability"),
        "active_triplets": _("active triplets"),
        "active_pairs": _("active pairs"),
        "active_proxies": _("active proxies"),
        "own_angle": _("angle to the own class, degrees"),
        "effective_share": _("effective share of the source samples"),
        "discrepancy": _("disagreement of the two classifiers"),
        "source_agreement": _("agreement with the adversary, source"),
        "target_agreement": _("agreement with the adversary, target"),
        "sureness": _("certainty (minus the mean entropy)"),
        "active": _("active samples"),
        "active_layers": _("active layers"),
        "below": _("criterion of the layers below"),
        "top": _("criterion of the embedding"),
        "distance": _("distance of the domain means"),
        "label_cost": _("cost of the labels"),
        "labelled": _("labelled target samples"),
        "same_class": _("discrepancy within classes"),
        "other_classes": _("discrepancy across classes"),
        "shared_classes": _("classes on both sides"),
        "same_class_pairs": _("active pairs of the same class"),
        "prototypes": _("distance of the prototypes"),
        "scores": _("divergence of the scores"),
        "source_largest": _("largest singular value, source"),
        "target_largest": _("largest singular value, target"),
        "source_norm": _("mean norm, source"),
        "target_norm": _("mean norm, target"),
        "spread": _("entropy of the mean prediction"),
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


def reached(value: Any) -> str:
    """An accuracy as a percentage; in words where it is not known, as on a target without labels."""
    return _("not known") if value is None else percent(value)


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
