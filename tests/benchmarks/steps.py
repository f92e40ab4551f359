"""Single training steps to be timed, here or in processes of their own.

All are of a LeNet of width 32 with an embedding of 64 dimensions, on the default task's images of 28×28, 64 samples a
domain, with Adam.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from multiprocessing.connection import Connection

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from dtml import Experiment
from dtml.training.device import keep_freed_memory, set_threads
from dtml.training.session import Session
from dtml.training.step import Stepper

Step = Callable[[], None]
WARM_UP = 6


def usual() -> Step:
    """The lower bound in float32 as one writes it: all samples forward, cross-entropy of the source's, backward."""
    set_threads()
    model = nn.Sequential(
        *(nn.Conv2d(1, 32, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 48, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(768, 64), nn.Tanh(), nn.Dropout(), nn.Linear(64, 10)),
    )
    inputs, labels = torch.rand(128, 1, 28, 28), torch.arange(64) % 10
    return _plain(model, inputs, labels, None)


def bound(alignment: str) -> Step:
    """The lower bound in the precision and with the network of a real run, for as many samples as `alignment` sees."""
    keep_freed_memory()
    session, stepper = _begun(alignment)
    batch = stepper._batch(0, 0.5)
    assert batch.labels is not None
    inputs = batch.all_inputs.contiguous(memory_format=torch.channels_last)
    return _plain(_Logits(session.model), inputs, batch.labels, session.dtype)


def _plain(model: nn.Module, inputs: Tensor, labels: Tensor, dtype: torch.dtype | None) -> Step:
    optimiser = torch.optim.Adam(model.parameters(), lr=0.003)

    def step() -> None:
        optimiser.zero_grad()
        with torch.autocast("cpu", dtype=dtype) if dtype else nullcontext():
            logits = model(inputs)
        cross_entropy(logits[: len(labels)].float(), labels).backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    return step


class _Logits(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: Tensor) -> Tensor:
        return self.model(inputs).logits


def ours(alignment: str) -> Step:
    """A step of a real run with this alignment, from drawing the batch to the optimiser."""
    keep_freed_memory()
    stepper = _begun(alignment)[1]
    numbers = iter(range(10**9))

    def step() -> None:
        number = next(numbers)
        stepper.step(number, 0.5)
        if number % 5 == 4:
            stepper.window.flush()

    return step


def _begun(alignment: str) -> tuple[Session, Stepper]:
    backbone = {"name": "lenet", "width": 32}
    experiment = Experiment(task="digits", backbone=backbone, alignment=alignment)
    session = Session(experiment, lambda _what, _share: None)
    return session, Stepper(session, 0, session.phases[0])


# -- timing -------------------------------------------------------------------------------------------


def medians(steps: Mapping[str, Step], rounds: int = 31) -> dict[str, float]:
    """The median seconds of each step, taken in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(WARM_UP + rounds):
        for name, step in steps.items():
            begin = time.perf_counter()
            step()
            if number >= WARM_UP:
                seconds[name].append(time.perf_counter() - begin)
    return {name: statistics.median(each) for name, each in seconds.items()}


@contextmanager
def elsewhere(make: Callable[..., Step], *given: str, **environment: str) -> Iterator[Step]:
    """The step that `make(*given)` makes, taken in a process of its own, started with this environment."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    before = {key: os.environ.get(key) for key in environment}
    os.environ.update(environment)
    process = context.Process(target=_serve, args=(make, given, there), daemon=True)
    process.start()
    for key, value in before.items():
        os.environ.pop(key) if value is None else os.environ.update({key: value})

    def step() -> None:
        here.send("step")
        here.recv()

    try:
        step()
        yield step
    finally:
        process.kill()
        process.join()


def _serve(make: Callable[..., Step], given: tuple[str, ...], pipe: Connection) -> None:
    step = make(*given)
    while pipe.recv():
        step()
        pipe.send("done")


@contextmanager
def busy_core() -> Iterator[None]:
    """Another process that keeps one core at work."""
    process = multiprocessing.get_context("spawn").Process(target=_work, daemon=True)
    process.start()
    time.sleep(0.5)
    try:
        yield
    finally:
        process.kill()
        process.join()


def _work() -> None:
    while True:
        sum(range(100_000))
