"""Words for what the store and the catalogue name by keys."""

from __future__ import annotations

from dtml.language import _


def kind(name: str) -> str:
    """A kind of component."""
    return {
        "task": _("Task"),
        "backbone": _("Backbone"),
        "strategy": _("Strategy"),
        "alignment": _("Alignment"),
        "metric": _("Metric"),
        "measure": _("Measure"),
        "projection": _("Projection"),
        "kind": _("Kind"),
        "reference": _("Reference"),
        "checkpoint": _("Checkpoint"),
        "format": _("Format"),
        "part": _("Part"),
        "model": _("Model"),
    }.get(name, name)


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


def own_data(name: str) -> str:
    """What a task on a person's own data reads."""
    return {"folders": _("Images"), "tables": _("Table"), "texts": _("Text")}[name]


def setting(name: str) -> str:
    """How the classes of the two domains relate."""
    return {
        "closed": _("Closed set: both domains have the same classes."),
        "partial": _("Partial: some classes of the source have no target samples; they are left out."),
        "open_set": _("Open-set: some classes of the target are unknown to the source; they are left out."),
        "open_partial": _("Open-partial: each domain has classes that the other lacks; these are left out."),
        "unknown": _(
            "The target has no labels: its accuracy cannot be told, no labels of it can be learned from, and there is "
            "no target-only reference."
        ),
    }[name]


def term(name: str) -> str:
    """A term of the loss."""
    return {
        "classification": _("classification"),
        "target_classification": _("classification of labelled target samples"),
        "information": _("information maximisation"),
        "pseudo_labels": _("agreement with the pseudo-labels"),
        "fooling": _("fooling the discriminator"),
        "redrawn_classes": _("classes of the redrawn images"),
        "rotation": _("quarter turns"),
        "views": _("two views of a sample"),
    }.get(name, name)


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
        "gradient_of_its_own": _("gradient of its own, not that of the value"),
    }.get(name, name.replace("_", " "))


def inputs(name: str) -> str:
    """What a task has and a backbone takes."""
    return {"images": _("images"), "points": _("rows of numbers"), "texts": _("texts")}.get(name, name)
