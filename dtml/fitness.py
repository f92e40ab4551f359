"""Whether the parts of an experiment fit together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dtml import catalogue, vocabulary
from dtml.errors import Problem
from dtml.language import Text, mark
from dtml.own import unlabelled

if TYPE_CHECKING:
    from dtml.experiment import Experiment, Training


def check(experiment: Experiment) -> None:
    """Refuse what is missing, and parts that do not fit together.

    Raises:
        Problem: one sentence on the first such thing.
    """
    facts = catalogue.entry("task", experiment.task.name)
    absent = [key for key in facts["needs"] if not experiment.task.params[key]]
    if absent:
        raise Problem(
            mark("The task '{task}' needs '{key}' ({meaning}); give it."),
            task=experiment.task.name,
            key=absent[0],
            meaning=Text(facts["parameters"][absent[0]]["description"], facts["parameters"][absent[0]]["zh"]),
        )
    inputs = facts["inputs"]
    workable = catalogue.entry("strategy", experiment.strategy.name)["accepts"]
    if inputs not in workable:
        raise Problem(
            mark("The strategy '{strategy}' works on {accepts}, but the task '{task}' has {inputs}; choose another."),
            strategy=experiment.strategy.name,
            accepts=", ".join(map(vocabulary.inputs, workable)),
            task=experiment.task.name,
            inputs=vocabulary.inputs(inputs),
        )
    accepts = catalogue.entry("backbone", experiment.backbone.name)["accepts"]
    if inputs not in accepts:
        fitting = [n for n in catalogue.names("backbone") if inputs in catalogue.entry("backbone", n)["accepts"]]
        raise Problem(
            mark("The backbone '{backbone}' takes {accepts}, but the task '{task}' has {inputs}; choose {fitting}."),
            backbone=experiment.backbone.name,
            accepts=", ".join(map(vocabulary.inputs, accepts)),
            task=experiment.task.name,
            inputs=vocabulary.inputs(inputs),
            fitting=", ".join(fitting),
        )
    if inputs != "images" and experiment.training.augmentation != "none":
        raise Problem(
            mark("The augmentation '{augmentation}' moves images, but the task '{task}' has {inputs}; choose 'none'."),
            augmentation=experiment.training.augmentation,
            task=experiment.task.name,
            inputs=vocabulary.inputs(inputs),
        )
    _check_target(experiment)
    _check_training(experiment.training)
    named = [(kind, choice.name) for kind in ("alignment", "metric") for choice in getattr(experiment, kind)]
    for kind, name in named:
        if catalogue.entry(kind, name)["needs_bounded"] and not experiment.embedding.bounded:
            raise Problem(
                mark(
                    "The {kind} '{name}' has no lower bound on the embedding activation '{activation}'; "
                    "choose 'tanh' or 'normalise'."
                ),
                kind=vocabulary.kind(kind).lower(),
                name=name,
                activation=experiment.embedding.activation,
            )


def _check_target(experiment: Experiment) -> None:
    """Refuse a method that learns from the target where it could not."""
    strategy = catalogue.entry("strategy", experiment.strategy.name)
    users = label_users({"strategy": experiment.strategy, "alignment": experiment.alignment})
    if users and experiment.domains == "both" and not experiment.labels:
        raise Problem(
            mark(
                "The {kind} '{name}' learns from labelled target samples; set 'labels' to samples a class above 0, a "
                'share, or "all".'
            ),
            kind=vocabulary.kind(users[0][0]).lower(),
            name=users[0][1],
        )
    if (experiment.labels or experiment.domains == "target") and unlabelled(experiment.task.model_dump()):
        raise Problem(
            mark("The target of '{task}' has no labels to learn from; set 'labels' to 0, 'domains' not to 'target'."),
            task=experiment.task.params["title"],
        )
    if strategy["adapts"] and experiment.domains != "both":
        raise Problem(
            mark("The strategy '{name}' learns from the target besides the source; set 'domains' to 'both'."),
            name=experiment.strategy.name,
        )
    named = [choice.name for choice in experiment.alignment if choice.name != "none"]
    if experiment.domains != "both" and (named or experiment.labels):
        raise Problem(
            mark("{what} would do nothing where 'domains' is '{domains}'; set it to 'both', or leave that out."),
            what=f"'alignment' ({named[0]})" if named else f"'labels' ({experiment.labels})",
            domains=experiment.domains,
        )
    if experiment.labels and not (strategy["aligns"] or strategy["needs_labels"]):
        raise Problem(
            mark("The strategy '{name}' sees no labels of the target, so 'labels' would do nothing; set it to 0."),
            name=experiment.strategy.name,
        )
    if named and not strategy["aligns"]:
        raise Problem(
            mark(
                "The strategy '{strategy}' learns from one domain at a time, so the alignment '{alignment}' would do "
                "nothing; choose 'none'."
            ),
            strategy=experiment.strategy.name,
            alignment=named[0],
        )
    if strategy["needs_batch_norm"] and not _normalised(experiment):
        raise no_batch_norm(experiment)


def _normalised(experiment: Experiment) -> bool:
    """Whether the backbone has batch normalisation, as far as is known before it is built."""
    facts, params = catalogue.entry("backbone", experiment.backbone.name), experiment.backbone.params
    without = params.get("model") in facts["without_batch_norm"]
    return facts["batch_norm"] and not without or params.get("normalisation") == "batch"


def no_batch_norm(experiment: Experiment) -> Problem:
    """The sentence for a strategy on batch normalisation that finds none."""
    return Problem(
        mark(
            "The strategy '{strategy}' acts on batch normalisation, but the backbone '{backbone}' has none; "
            "choose one that has, or its 'normalisation' batch."
        ),
        strategy=experiment.strategy.name,
        backbone=experiment.backbone.params.get("model", experiment.backbone.name),
    )


def checkpoints() -> list[str]:
    """What may choose the checkpoint that counts: nothing ("last"), or a validator."""
    measures = catalogue.entries()["measure"]
    return ["last", *(name for name, entry in measures.items() if entry["family"] == "validator")]


def _check_training(training: Training) -> None:
    """Refuse a checkpoint that nothing chooses, and further steps that would move nothing."""
    if training.checkpoint not in checkpoints():
        raise catalogue.unknown("checkpoint", training.checkpoint, checkpoints())
    if training.more and training.schedule == "cosine":
        raise Problem(
            mark("The cosine schedule ends at rate zero, so {more} further steps would move nothing; raise 'steps'."),
            more=training.more,
        )


def label_users(parts: dict[str, Any]) -> list[tuple[str, str]]:
    """The parts of an experiment that learn from labelled target samples, as (kind, name)."""
    named = [("strategy", parts["strategy"].name), *(("alignment", choice.name) for choice in parts["alignment"])]
    return [(kind, name) for kind, name in named if catalogue.entry(kind, name)["needs_labels"]]
