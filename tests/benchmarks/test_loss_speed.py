"""Losses and frozen backbones, each against another way to compute the same, in one run.

`uv run pytest -n 0 -s -m slow tests/benchmarks/test_loss_speed.py` prints the ratios.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from dtml import Experiment, catalogue
from dtml.representation import Representation
from dtml.training.evaluation import features_of
from dtml.training.session import Session
from dtml.training.step import Stepper
from tests.benchmarks.steps import Step, medians

pytestmark = pytest.mark.slow

OFFICE = Path(__file__).parents[2] / "assets" / "experiments" / "office-caltech10.toml"


@pytest.mark.parametrize("n", [64, 256, 1024])
def test_multi_kernel_mmd_against_the_gram_matrix(n: int) -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(n, 256, generator=generator) + shift for shift in (0.0, 0.2))
    loss = catalogue.create("alignment", "mmd")

    def ours(x: Tensor, y: Tensor) -> Tensor:
        return loss(Representation(x, x, x), Representation(y, y, y), 0.5)

    forms = {"ours": ours, "vectorised Gram matrix": gram}
    assert ours(a, b).item() == pytest.approx(gram(a, b).item(), rel=1e-3)
    found = medians({name: _step(form, a, b) for name, form in forms.items()}, rounds=15)
    ratio = found["ours"] / found["vectorised Gram matrix"]
    print(f"\nn = {n}: " + ", ".join(f"{name} {1000 * s:.1f} ms" for name, s in found.items()) + f": {ratio:.2f}")


def gram(x: Tensor, y: Tensor) -> Tensor:
    """Squared MMD with five Gaussian kernels, each one exponential of the squared distances from one Gram matrix."""
    both = torch.cat([x, y])
    products = both @ both.T
    squares = products.diagonal()
    squared = squares[:, None] + squares[None, :] - 2 * products
    n, size = len(x), len(both)
    variance = squared.detach().sum() / (size * (size - 1)) / 2
    kernel = torch.stack([torch.exp(-squared / (2 * variance * 2.0**i)) for i in range(-2, 3)]).mean(0)
    return kernel[:n, :n].mean() + kernel[n:, n:].mean() - 2 * kernel[:n, n:].mean()


def _step(form: object, a: Tensor, b: Tensor) -> Step:
    def step() -> None:
        inputs = [each.clone().requires_grad_(True) for each in (a, b)]
        form(*inputs).backward()  # type: ignore[operator]

    return step


@pytest.mark.needs("office_caltech10", "weights")
def test_an_epoch_of_feature_extraction_against_forwarding_the_backbone_again() -> None:
    session = Session(Experiment.from_toml(OFFICE), lambda _what, _share: None)
    source = session._raw.source
    assert source is not None
    stepper = Stepper(session, 0, session.phases[0])
    steps = -(-len(source) // session.experiment.training.batch_size)
    numbers = iter(range(10**9))

    def epoch() -> None:
        for _step in range(steps):
            stepper.step(next(numbers), 0.5)

    def again() -> None:
        features_of(session.model, source, session.dtype, lambda _share: None)
        session.model.set_moving(list(session.phases[0].rates))

    found = {**medians({"epoch": epoch}, rounds=5), **medians({"again": again}, rounds=1)}
    told = ", ".join(f"{name} {1000 * seconds:.0f} ms" for name, seconds in found.items())
    print(f"\n{len(source)} images: {told}: {found['again'] / found['epoch']:.0f} times")
    assert session.data.features
