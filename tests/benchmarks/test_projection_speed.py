"""Our projections beside umap-learn's defaults in the same run: seconds, trustworthiness, neighbour recall.

`uv run pytest -n 0 -s -m slow tests/benchmarks/test_projection_speed.py` prints the table. Only the results
are asserted; the seconds are for a quiet machine.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dtml import catalogue
from dtml.projection.layout import lay_out, overlap
from dtml.projection.neighbours import nearest_neighbours

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

Array = NDArray[np.float32]
K = 15
NOISE = 0.005
"""How far a figure moves between two seeds of umap-learn: less is no difference."""


def states(count: int, moments: list[float], seed: int = 0) -> list[Array]:
    """The same samples of two domains and 10 classes in 256 dimensions, the domains apart at 0 and together at 1.

    Curved sheets of 8 dimensions, as a network's last layers give them: the neighbours within a class change
    through training, too.
    """
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(count, 8))
    classes, domain = rng.integers(0, 10, count), np.arange(count) % 2
    middles, apart = rng.normal(size=(10, 8)) * 2.5, rng.normal(size=8) * 3
    inner, outer = rng.normal(size=(2, 8, 256)) / np.sqrt(8)
    found = []
    for moment in moments:
        place = (
            latent * (1.2 - 0.4 * moment) + middles[classes] * (0.5 + moment) + np.outer(domain, apart) * (1 - moment)
        )
        noise = np.random.default_rng(seed + 1).normal(size=(count, 256)) * 0.05
        found.append((np.tanh(place @ inner) + moment * np.sin(place @ outer) + noise).astype(np.float32))
    return found


def by_umap_learn(rows: Array) -> Array:
    import umap

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return umap.UMAP(random_state=0).fit_transform(rows)


def ours(parts: list[Array]) -> list[Array]:
    return lay_out(parts, catalogue.create("projection", "umap"), "aligned", 0)


def figures(rows: Array, picture: Array) -> tuple[float, float]:
    """Trustworthiness and the share of neighbours that are neighbours in the picture."""
    from sklearn.manifold import trustworthiness

    near, drawn = (nearest_neighbours(each, K + 1)[0][:, 1:] for each in (rows, picture))
    return float(trustworthiness(rows, picture, n_neighbors=K)), float(overlap(near, drawn).mean())


def timed(work: Callable[[], Any]) -> tuple[Any, str]:
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, f"{time.perf_counter() - wall:6.2f} s wall {time.process_time() - cpu:6.2f} s CPU"


@pytest.fixture(scope="module", autouse=True)
def _one_thread_and_warm() -> object:
    """As the worker computes: compiled before anyone waits, on one thread."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        (few,) = states(100, [0.0])
        ours([few])
        by_umap_learn(few)
        yield


@pytest.mark.parametrize(("count", "moments"), [(2000, [0.0, 1.0]), (10_000, [0.5])], ids=["before-after", "many"])
def test_pictures_beside_those_of_umap_learn(count: int, moments: list[float]) -> None:
    rows = states(count, moments)
    by_us, our_time = timed(lambda: ours(rows))
    again = ours(rows)
    by_them, their_time = timed(lambda: [by_umap_learn(part) for part in rows])
    print(f"\n{len(moments)} x {count} x 256\n  ours       {our_time}\n  umap-learn {their_time}")
    for part, our_picture, their_picture, repeated in zip(rows, by_us, by_them, again, strict=True):
        us, them = figures(part, our_picture), figures(part, their_picture)
        print(f"  trustworthiness {us[0]:.4f} (umap-learn {them[0]:.4f}), recall {us[1]:.3f} ({them[1]:.3f})")
        assert us[0] > them[0] - NOISE
        assert us[1] > them[1] - NOISE
        assert np.array_equal(our_picture, repeated)


def test_a_film_of_eleven_frames() -> None:
    """Half the frames hardly change; in none does the picture fall behind the embeddings."""
    rows = states(4000, [0, 0.02, 0.04, 0.3, 0.6, 0.9, 0.92, 0.94, 0.96, 0.98, 1.0])
    frames, our_time = timed(lambda: ours(rows))
    theirs, their_time = timed(lambda: by_umap_learn(rows[-1]))
    print(f"\n11 x 4000 x 256\n  ours {our_time}\n  umap-learn, the last frame alone {their_time}")
    us, them = figures(rows[-1], frames[-1]), figures(rows[-1], theirs)
    print(f"  last frame: trustworthiness {us[0]:.4f} ({them[0]:.4f}), recall {us[1]:.3f} ({them[1]:.3f})")
    for part, frame in zip(rows, frames, strict=True):
        print("  frame: trustworthiness {:.4f}, recall {:.3f}".format(*figures(part, frame)))
    size = np.sqrt(np.square(frames[0] - frames[0].mean(0)).sum(1).mean())
    steps = [float(np.linalg.norm(b - a, axis=1).mean() / size) for a, b in zip(frames, frames[1:], strict=False)]
    print("  mean step / size:", " ".join(f"{step:.2f}" for step in steps))
    assert us[0] > them[0] - NOISE
    assert np.mean([*steps[:2], *steps[5:]]) < 0.5 * np.mean(steps[2:5]), "quiet frames move less than others"
