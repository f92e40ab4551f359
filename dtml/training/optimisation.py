"""Optimiser and learning-rate schedule."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from dtml.experiment import Training
from dtml.strategies import Phase
from dtml.training.model import Model


def optimiser(
    model: Model | None, phase: Phase, extra: list[tuple[nn.Parameter, float]], training: Training
) -> Optimizer:
    """An optimiser over the model's moving parts, each at its rate, and over further parameters with their factors."""
    parts = phase.rates.items() if model is not None else ()
    moving = [(p, rate) for name, rate in parts for p in model.part(name).parameters()]  # type: ignore[union-attr]
    by_factor: dict[float, list[nn.Parameter]] = {}
    for parameter, factor in [*moving, *extra]:
        by_factor.setdefault(factor, []).append(parameter)
    groups: list[dict[str, Any]] = [
        {"params": parameters, "factor": factor, "lr": training.learning_rate * factor}
        for factor, parameters in by_factor.items()
    ]
    device = groups[0]["params"][0].device
    shared: dict[str, Any] = {
        "lr": training.learning_rate,
        "weight_decay": training.weight_decay,
        "fused": device.type in ("cuda", "cpu"),
    }
    match training.optimiser:
        case "sgd":
            return SGD(groups, momentum=training.momentum, nesterov=training.momentum > 0, **shared)
        case "adam":
            return Adam(groups, **shared)
        case "adamw":
            return AdamW(groups, **shared)


def set_rate(optimiser: Optimizer, training: Training, progress: float) -> float:
    """Set every group's learning rate for the share `progress` of the phase that is done; returns that of factor 1."""
    rate = training.learning_rate * schedule(training.schedule, progress)
    for group in optimiser.param_groups:
        group["lr"] = rate * group["factor"]
    return rate


def schedule(name: str, progress: float) -> float:
    """The factor on the learning rate; "inverse" is 1/(1+10p)^0.75 (Ganin et al. 2016, section 5.2.2)."""
    match name:
        case "inverse":
            return float((1 + 10 * progress) ** -0.75)
        case "cosine":
            return 0.5 * (1 + math.cos(math.pi * progress))
        case _:
            return 1.0


def clip(model: Model, limit: float) -> None:
    """Scale the gradient of the moving parts down to the norm `limit`; 0 means no limit."""
    if limit > 0:
        torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], limit)


def gradient_norm(model: Model) -> Tensor:
    """The Euclidean norm of the gradient of the model's moving parts, before it is clipped."""
    return torch.nn.utils.get_total_norm([p.grad for p in model.parameters() if p.grad is not None])
