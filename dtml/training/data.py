"""What one run looks at: training batches of both domains, the probe, validation and test samples."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dtml import budget, paths
from dtml.errors import Problem
from dtml.experiment import Experiment
from dtml.language import mark
from dtml.tasks import Domain, Transfer
from dtml.training.batches import Samples, rows_of
from dtml.training.evaluation import features_of
from dtml.training.events import Probe
from dtml.training.model import Model, encoder

Report = Callable[[str, float], None]


@dataclass(frozen=True)
class Data:
    """The samples of a run on its device.

    Attributes:
        source: labelled training samples of the source, or None where the run never sees them.
        target: training samples of the target, without labels unless it is the only domain; or None.
        looks: samples that are only looked at: "probe_source", "probe_target", "validation",
            "validation_target", "test_source", "test_target". Their labels are for reporting.
        labelled: the target samples whose labels may be learned from, or None.
        features: whether the inputs are features that were computed before.
    """

    source: Samples | None
    target: Samples | None
    looks: dict[str, Samples]
    labelled: Samples | None = None
    features: bool = False

    @property
    def supervised(self) -> Samples | None:
        """The domain whose labels are learned from: the source, or a target that stands alone."""
        return self.target if self.source is None else self.source


def prepare(experiment: Experiment, transfer: Transfer, device: torch.device) -> tuple[Data, Probe]:
    """The samples of an experiment and its probe. Target labels are sealed unless the target stands alone.

    Raises:
        Problem: where labels of the target are wanted that it does not have.
    """
    source, target = transfer.source, transfer.target
    limit = experiment.training.probe
    samples = partial(Samples.of, device=device, encode=encoder(experiment))
    probes = [_some(domain, limit, (experiment.seed, side)) for side, domain in enumerate((source, target))]
    validated = source.splits["validation"][:limit]
    looks = {
        "probe_source": samples(source, probes[0], sealed=False),
        "probe_target": samples(target, probes[1], sealed=False),
        "validation": samples(source, validated, sealed=False),
        "validation_target": samples(target, target.splits["validation"][:limit], sealed=True),
        "test_source": samples(source, source.splits["test"], sealed=False),
        "test_target": samples(target, target.splits["test"], sealed=False),
    }
    alone = experiment.domains == "target"
    few = _labelled(experiment, target)
    data = Data(
        source=None if alone else samples(source, _taught(source), sealed=False),
        target=None
        if experiment.domains == "source"
        else samples(target, _taught(target) if alone else target.splits["train"], sealed=not alone),
        looks=looks,
        labelled=None if few is None else samples(target, few, sealed=False),
    )
    return data, _probe(source, target, probes)


def _taught(domain: Domain) -> NDArray[np.int64]:
    """The training samples whose labels are known.

    Raises:
        Problem: where there are none.
    """
    train = domain.splits["train"]
    known = train[domain.labels[train] >= 0]
    if not len(known):
        raise Problem(
            mark("'{name}' has no labels to learn from; give it some, or choose another reference."), name=domain.name
        )
    return known


def _labelled(experiment: Experiment, target: Domain) -> NDArray[np.int64] | None:
    """The training samples of the target whose labels the experiment may learn, the same share of every class, by seed.

    A larger budget of the same seed contains the smaller one.

    Raises:
        Problem: where the target has no labels to give.
    """
    wanted = experiment.labels
    if not wanted or experiment.domains != "both":
        return None
    train = target.splits["train"]
    rng = np.random.default_rng((experiment.seed, 2))
    members = [rng.permutation(train[target.labels[train] == label]) for label in range(len(target.classes))]
    chosen = np.sort(np.concatenate([each[: budget.count(wanted, len(each))] for each in members]))
    if not len(chosen):
        raise Problem(
            mark("Labels of the target are wanted ({wanted}), but '{name}' has none; set 'labels' to 0."),
            wanted=budget.told(wanted),
            name=target.name,
        )
    return chosen


def _some(domain: Domain, limit: int, seed: tuple[int, int]) -> NDArray[np.int64]:
    """Up to `limit` test samples, by seed, in the order of the domain."""
    test = domain.splits["test"]
    return np.sort(np.random.default_rng(seed).permutation(test)[:limit])


def _probe(source: Domain, target: Domain, chosen: list[NDArray[np.int64]]) -> Probe:
    pairs = list(zip((source, target), chosen, strict=True))
    return Probe(
        inputs=np.concatenate([rows_of(domain.inputs, i) for domain, i in pairs]),
        shown=None
        if source.shown is None or target.shown is None
        else np.concatenate([source.shown(chosen[0]), target.shown(chosen[1])]),
        labels=np.concatenate([domain.labels[i] for domain, i in pairs]),
        domains=np.repeat(np.array([0, 1], dtype=np.int8), [len(i) for i in chosen]),
        ids=np.concatenate([domain.ids[i] for domain, i in pairs]),
        classes=source.classes,
    )


def as_features(data: Data, model: Model, dtype: torch.dtype | None, report: Report, keep: bool) -> Data:
    """The same data with the backbone's features as inputs.

    Args:
        keep: keep them on disk, by the content of inputs and weights and by what the network says of itself, such as
            its preprocessing: right where other runs have these weights, too.
    """
    named = {"source": data.source, "target": data.target, "labelled": data.labelled, **data.looks}
    sets = {name: samples for name, samples in named.items() if samples is not None}
    total, done = sum(map(len, sets.values())), 0

    def tell(samples: Samples, share: float) -> None:
        report(mark("Running the frozen backbone"), (done + share * len(samples)) / total)

    content = [tensor.cpu().numpy() for tensor in model.network.state_dict().values()]
    weights = _digest(*content, model.network, dtype) if keep else None
    found: dict[str, Samples] = {}
    for name, samples in sets.items():
        found[name] = samples.with_features(_features(samples, model, dtype, weights, partial(tell, samples)))
        done += len(samples)
    looks = {name: found[name] for name in data.looks}
    parts = {name: found.get(name) for name in ("source", "target", "labelled")}
    return replace(data, **parts, looks=looks, features=True)


def _features(
    samples: Samples, model: Model, dtype: torch.dtype | None, weights: str | None, report: Callable[[float], None]
) -> Tensor:
    """The features of samples; looked up on disk, and kept there, where `weights` names the backbone's weights."""
    if weights is None:
        return features_of(model, samples, dtype, report)
    key = _digest(*[chunk.cpu().numpy() for chunk in samples.chunks(4096)], weights)
    path = paths.cache() / "features" / f"{key}.npy"
    if not path.exists():
        features = features_of(model, samples, dtype, report)
        with paths.replacing(path) as temporary:
            np.save(temporary, features.cpu().numpy())
    return torch.from_numpy(np.load(path)).to(samples.device)


def _digest(*parts: NDArray[np.generic] | object) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(str((part.dtype, part.shape)).encode())
            digest.update(np.ascontiguousarray(part).data)
        else:
            digest.update(str(part).encode())
    return digest.hexdigest()
