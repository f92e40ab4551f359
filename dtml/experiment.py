"""Experiment: the one validated description of a run.

It is complete (every default is written out), frozen, and has a content hash, so that a finished run can
be found again. `twin()` is the counterfactual: the same in all but the alignment.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    model_serializer,
    model_validator,
)

from dtml import budget, catalogue, vocabulary
from dtml.budget import Budget
from dtml.errors import Problem
from dtml.fitness import check, label_users
from dtml.language import _, mark
from dtml.own import resolved
from dtml.schema import explained, first_error

Role = Literal["adapted", "twin", "source_only", "target_only"]
FEW = 5
"""Labelled target samples a class, where a method needs some and nobody said how many."""


class Choice(BaseModel):
    """One component by name with its hyper-parameters, written flat: `{name = "dann", ceiling = 0.5}`."""

    model_config = ConfigDict(frozen=True)

    name: str
    params: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _unflatten(cls, raw: Any) -> Any:
        if isinstance(raw, str):
            return {"name": raw}
        if isinstance(raw, dict) and "params" not in raw:
            return {"name": raw.get("name"), "params": {k: v for k, v in raw.items() if k != "name"}}
        return raw

    @model_serializer
    def _flatten(self) -> dict[str, Any]:
        return {"name": self.name, **self.params}


class Embedding(BaseModel):
    """The head between features and classifier: the space that is aligned, measured and drawn."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dim: int = Field(64, ge=2, le=4096, description=mark("Dimensions"))
    activation: Literal["tanh", "relu", "normalise", "none"] = Field("tanh", description=mark("Activation"))
    dropout: float = Field(0.0, ge=0, lt=1, description=mark("Dropout before the classifier"))

    @property
    def bounded(self) -> bool:
        """Whether squared distances in this space have an upper bound."""
        return self.activation in ("tanh", "normalise")


class Training(BaseModel):
    """How long, how fast and on how much at a time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(1000, ge=1, le=10_000_000, description=mark("Steps"))
    more: int = Field(0, ge=0, le=10_000_000, description=mark("Further steps, where the schedules have ended"))
    batch_size: int = Field(64, ge=2, le=65_536, description=mark("Samples a domain and step"))
    optimiser: Literal["sgd", "adam", "adamw"] = Field("sgd", description=mark("Optimiser"))
    learning_rate: float = Field(0.01, gt=0, le=1e6, description=mark("Learning rate"))
    momentum: float = Field(0.9, ge=0, lt=1, description=mark("Momentum (SGD)"))
    weight_decay: float = Field(5e-4, ge=0, description=mark("Weight decay"))
    schedule: Literal["constant", "inverse", "cosine"] = Field("inverse", description=mark("Learning-rate schedule"))
    label_smoothing: float = Field(0.0, ge=0, lt=1, description=mark("Label smoothing"))
    gradient_clip: float = Field(0.0, ge=0, description=mark("The model's gradient norm at most (0: no limit)"))
    sampling: Literal["shuffled", "balanced"] = Field("shuffled", description=mark("Source batches"))
    augmentation: Literal["none", "shift", "affine", "crop"] = Field("none", description=mark("Augmentation"))
    precision: Literal["auto", "fp32"] = Field("auto", description=mark("Precision"))
    snapshots: int = Field(10, ge=1, le=200, description=mark("Snapshots"))
    checkpoint: str = Field("last", description=mark("Checkpoint: the last, or a validator's choice"))
    probe: int = Field(1000, ge=2, le=50_000, description=mark("Probe samples a domain"))

    @property
    def total(self) -> int:
        """All steps: those of the schedules and the further ones."""
        return self.steps + self.more

    def pictures(self) -> set[int]:
        """The steps after which a snapshot is taken, beside the start: evenly spaced, the last ones of both parts."""
        further = max(1, round(self.snapshots * self.more / self.steps)) if self.more else 0
        further = min(further, 200)
        return {round(self.steps * i / self.snapshots) for i in range(1, self.snapshots + 1)} | {
            self.steps + round(self.more * i / further) for i in range(1, further + 1)
        }


class Experiment(BaseModel):
    """One run: task, backbone, strategy, alignment, metric, training and seed.

    What is left out is filled in from the task's recommendation, then from the defaults, so that the
    stored form is complete.

    Raises:
        Problem: (a ValueError) one sentence on the first thing that is wrong.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: Choice
    backbone: Choice
    strategy: Choice
    alignment: tuple[Choice, ...]
    metric: tuple[Choice, ...]
    embedding: Embedding
    training: Training
    domains: Literal["both", "source", "target"] = "both"
    labels: Annotated[Budget, PlainValidator(budget.checked)] = Field(0, description=mark("Label budget of the target"))
    seed: int = Field(0, ge=0, lt=2**31)
    title: str = ""

    def __init__(self, **raw: Any) -> None:
        unknown = set(raw) - set(type(self).model_fields)
        try:
            super().__init__(**(raw if unknown else _complete(raw)))
        except ValidationError as error:
            raise explained(error, _("the experiment"), _keys_near(error)) from None
        check(self)

    @classmethod
    def from_toml(cls, path: str | Path) -> Experiment:
        """Read an experiment from a TOML file."""
        try:
            return cls(**tomllib.loads(Path(path).read_text("utf-8")))
        except FileNotFoundError:
            raise Problem(
                mark("There is no file '{path}'; give the path of an experiment (TOML)."), path=path
            ) from None
        except OSError as error:
            raise Problem(
                mark("'{path}' cannot be read ({error}); give the path of an experiment (TOML)."),
                path=path,
                error=error.strerror,
            ) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise Problem(
                mark("'{path}' is not valid TOML: {error}; mend that line."), path=path, error=error
            ) from None

    @classmethod
    @lru_cache(maxsize=2048)
    def stored(cls, text: str) -> Experiment:
        """The experiment that `to_json` wrote. It was validated then, and stays readable when a method is gone."""
        raw = json.loads(text)
        choices = {key: Choice.model_validate(raw[key]) for key in ("task", "backbone", "strategy")}
        terms = {key: tuple(map(Choice.model_validate, raw[key])) for key in ("alignment", "metric")}
        sections = {"embedding": Embedding(**raw["embedding"]), "training": Training(**raw["training"])}
        plain = {key: raw[key] for key in ("domains", "labels", "seed", "title") if key in raw}
        fields: dict[str, Any] = {**choices, **terms, **sections, **plain}
        return cls.model_construct(**fields)

    def to_json(self) -> str:
        """The canonical JSON: sorted keys, every default written out."""
        return json.dumps(self.model_dump(), sort_keys=True, ensure_ascii=False)

    def to_toml(self) -> str:
        """The experiment as TOML, complete."""
        return tomli_w.dumps(self.model_dump())

    @property
    def hash(self) -> str:
        """A content hash: equal for experiments that compute the same; the title does not count."""
        content = self.model_dump(exclude={"title"})
        if not self.training.more:
            del content["training"]["more"]
        if not content["strategy"].get("frozen"):
            content["strategy"].pop("frozen", None)
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    def replace(self, **changes: Any) -> Experiment:
        """This experiment with some fields changed, validated again."""
        return type(self)(**{**self.model_dump(), **changes})

    def longer(self, more: int) -> Experiment:
        """This experiment trained `more` steps further, where its schedules have ended."""
        return self.replace(training={**self.training.model_dump(), "more": self.training.more + more})

    def continues(self, other: Experiment) -> bool:
        """Whether this run, at some step, is what `other` is at its end."""
        if other.training.more >= self.training.more:
            return False
        shorter = self.training.model_copy(update={"more": other.training.more})
        return self.model_copy(update={"training": shorter}).hash == other.hash

    @property
    def adapts(self) -> bool:
        """Whether an alignment, or the strategy by itself, learns from the target."""
        acts = any(choice.name != "none" for choice in self.alignment)
        return self.domains == "both" and (acts or self.counterfactual is not None)

    @property
    def counterfactual(self) -> dict[str, Any] | None:
        """The twin's strategy where this one learns from the target by itself."""
        known = catalogue.entries()["strategy"].get(self.strategy.name, {})
        found: dict[str, Any] | None = known.get("counterfactual") if known.get("adapts") else None
        own = self.strategy.model_dump()
        return None if found is None or all(own.get(key) == value for key, value in found.items()) else found

    @property
    def role(self) -> Role:
        """What this run stands for beside others of its task."""
        if self.domains == "source":
            return "source_only"
        if self.domains == "target":
            return "target_only"
        return "adapted" if self.adapts else "twin"

    def twin(self) -> Experiment:
        """The counterfactual: the same batches of both domains, without what draws them together."""
        strategy = self.counterfactual or self.strategy
        return self.replace(alignment="none", strategy=strategy, domains="both", title="")

    def references(self) -> dict[Role, Experiment]:
        """What an adapted run is held against: twin, source-only without target batches, target-only."""
        twin = self.twin()
        labelled = catalogue.entry("strategy", twin.strategy.name)["needs_labels"]
        strategy = {"name": "full_training"} if labelled else twin.strategy
        return {
            "twin": twin,
            "source_only": twin.replace(domains="source", strategy=strategy, labels=0),
            "target_only": twin.replace(domains="target", strategy=strategy, labels=0),
        }


def _complete(raw: dict[str, Any]) -> dict[str, Any]:
    """`raw` with the task's recommendations and every component's defaults written out."""
    if not raw.get("task"):
        raise Problem(
            mark("the experiment needs the key 'task'; choose one of {known}."),
            known=", ".join(catalogue.names("task")),
        )
    task = _choice("task", resolved(raw["task"]))
    recommended = catalogue.entry("task", task.name)["recommended"]
    given = {**recommended, **raw}
    done: dict[str, Any] = {**raw, "task": task}
    for kind, default in (("backbone", None), ("strategy", "scratch")):
        done[kind] = _choice(kind, given.get(kind, default))
    for kind in ("alignment", "metric"):
        done[kind] = _terms(kind, given.get(kind, "none"))
    if raw.get("labels") is None:
        done["labels"] = FEW if label_users(done) else 0
    if "backbone" not in raw and catalogue.entry("strategy", done["strategy"].name)["needs_batch_norm"]:
        done["backbone"] = _choice("backbone", with_batch_norm(done["backbone"].model_dump()))
    for section in ("embedding", "training"):
        own = raw.get(section, {})
        done[section] = {**recommended.get(section, {}), **own} if isinstance(own, dict) else own
    return done


def with_batch_norm(backbone: dict[str, Any]) -> dict[str, Any]:
    """The backbone (its name and parameters) with batch normalisation, where it can have any."""
    known = catalogue.entry("backbone", backbone["name"])["parameters"] if backbone["name"] else {}
    able = "batch" in known.get("normalisation", {}).get("enum", [])
    return {**backbone, "normalisation": "batch"} if able else backbone


def _choice(kind: str, raw: Any) -> Choice:
    if not isinstance(raw, str | dict | Choice):
        told = mark("'{key}' is {received}, but must be a name, or a table with a name and parameters; change it.")
        raise Problem(told, key=kind, received=repr(raw))
    try:
        choice = Choice.model_validate(raw)
    except ValidationError as error:
        raise explained(error, vocabulary.kind(kind).lower()) from None
    return Choice(name=choice.name, params=catalogue.checked(kind, choice.name, choice.params))


def _terms(kind: str, raw: Any) -> tuple[Choice, ...]:
    """One or several loss terms; `none` stands alone, and an empty list means none."""
    listed = raw if isinstance(raw, list | tuple) else [raw]
    choices = [_choice(kind, item) for item in listed]
    kept = tuple(choice for choice in choices if choice.name != "none")
    twice = [choice.name for i, choice in enumerate(kept) if choice.name in [c.name for c in kept[:i]]]
    if twice:
        raise Problem(
            mark("The {kind} '{name}' is named twice; keep one of them."),
            kind=vocabulary.kind(kind).lower(),
            name=twice[0],
        )
    return kept or (_choice(kind, "none"),)


def _keys_near(error: ValidationError) -> list[str]:
    """The keys that would have been right where the first error lies."""
    loc = first_error(error)["loc"]
    sections: dict[str, type[BaseModel]] = {"training": Training, "embedding": Embedding}
    section = sections.get(str(loc[0]), Experiment) if len(loc) > 1 else Experiment
    return list(section.model_fields)
