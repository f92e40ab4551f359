"""The fast route: the same seed gives the same picture in any process; without umap-learn's inner names, too."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from unittest import mock

import numpy as np
import pytest

from dtml import catalogue
from dtml.projection import FULL, Pace
from dtml.projection.layout import QUIET, lay_out, neighbours_kept, overlap
from tests.conftest import ROOT

PROGRAM = """
import hashlib, torch
torch.set_num_threads({threads})
from tests.projection.test_umap import classes
from dtml import catalogue
print(hashlib.sha256(catalogue.create("projection", "umap").fit(classes(200), 3)).hexdigest())
"""


def classes(count: int, seed: int = 0, width: int = 12) -> np.ndarray:
    """Three classes, well apart."""
    rng = np.random.default_rng(seed)
    middles = rng.normal(size=(3, width)) * 4
    return (middles[np.arange(count) % 3] + rng.normal(size=(count, width))).astype(np.float32)


def digest(picture: np.ndarray) -> str:
    return hashlib.sha256(picture).hexdigest()


def test_the_same_seed_gives_the_same_picture_in_every_process() -> None:
    here = digest(catalogue.create("projection", "umap").fit(classes(200), 3))
    for threads in (1, 2):
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)}
        program = PROGRAM.format(threads=threads)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True, env=environment
        )
        assert done.stdout.split()[-1] == here


def test_another_seed_gives_another_picture() -> None:
    projection = catalogue.create("projection", "umap")
    assert not np.array_equal(projection.fit(classes(90), 0), projection.fit(classes(90), 1))


def test_the_kernels_are_kept_for_the_next_process() -> None:
    from dtml.projection import kernels

    catalogue.create("projection", "umap").fit(classes(60), 0)
    for kernel in (kernels._bandwidths, kernels._strengths, kernels._epoch):
        assert kernel.stats.cache_path.startswith(os.environ["NUMBA_CACHE_DIR"])
        assert not kernel.targetoptions.get("parallel")


def test_the_graph_is_that_of_umap_learn() -> None:
    from umap.umap_ import fuzzy_simplicial_set

    from dtml.projection.kernels import fuzzy_graph
    from dtml.projection.neighbours import nearest_neighbours

    rows = classes(120)
    indices, distances = nearest_neighbours(rows, 10)
    theirs, _sigmas, _rhos = fuzzy_simplicial_set(rows, 10, None, "euclidean", {}, indices, distances)
    assert np.allclose(fuzzy_graph(indices, distances).toarray(), theirs.toarray(), atol=1e-6)


@pytest.mark.parametrize("scale", [0.5, 40.0])
def test_a_layout_keeps_the_frame_of_its_start(scale: float) -> None:
    """umap-learn itself would draw every start 10 wide."""
    start = (np.random.default_rng(0).normal(size=(90, 2)) * scale + 70).astype(np.float32)
    drawn = catalogue.create("projection", "umap").fit(classes(90), 0, start=start, pace=Pace(2, 1e-3))
    assert np.abs(drawn - start).max() < 0.1


def test_without_the_private_names_umap_learn_does_it() -> None:
    projection, rows = catalogue.create("projection", "umap"), classes(90)
    with mock.patch.dict(sys.modules, {"dtml.projection.kernels": None}):
        drawn = projection.fit(rows, 0)
        again = projection.fit(rows, 0, start=drawn, pace=QUIET)
    for picture in (drawn, again):
        assert np.isfinite(picture).all()
        assert (neighbours_kept(rows, picture) > 0).mean() > 0.9


def test_a_missing_private_name_is_an_import_error(monkeypatch: pytest.MonkeyPatch) -> None:
    import umap.layouts

    monkeypatch.delitem(sys.modules, "dtml.projection.kernels", raising=False)
    monkeypatch.delattr(umap.layouts, "_optimize_layout_euclidean_single_epoch")
    with pytest.raises(ImportError):
        import dtml.projection.kernels  # noqa: F401


def test_overlap_counts_what_both_have() -> None:
    assert overlap(np.array([[1, 2, 3], [7, 8, 9]]), np.array([[3, 9, 1], [4, 5, 6]])).tolist() == [2 / 3, 0.0]


def test_a_film_moves_at_the_pace_of_the_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame with the neighbours of the last at the quiet pace, one with others at full rate; few states in full."""
    projection, paces = catalogue.create("projection", "umap"), []
    rows, others = classes(120), classes(120, seed=5)
    still = rows + np.float32(1e-3)
    fit = type(projection).fit

    def watched(self: object, *arguments: object, pace: Pace = FULL, **rest: object) -> np.ndarray:
        paces.append(pace)
        return fit(self, *arguments, pace=pace, **rest)

    monkeypatch.setattr(type(projection), "fit", watched)
    lay_out([rows, still, others, others[:, ::-1].copy()], projection, "aligned", 0)
    assert [(pace.epochs, pace.rate) for pace in paces] == [(100, 1.0), (25, 0.25), (50, 1.0), (25, 0.25)]
    paces.clear()
    lay_out([rows, still, others], projection, "aligned", 0)
    assert paces == [FULL] * 3
