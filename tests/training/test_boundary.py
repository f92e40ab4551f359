"""The decision boundary that snapshots of a task in the plane carry."""

from __future__ import annotations

import numpy as np
import torch

import dtml
from dtml import Experiment
from dtml.training import Finished, Snapshot
from dtml.training.boundary import GRID, Plane
from dtml.training.model import Model


def test_the_grid_reaches_beyond_the_points() -> None:
    plane = Plane.around(np.array([[0.0, -1.0], [2.0, 3.0]]))
    assert (plane.x[0], plane.x[-1]) == (np.float32(-0.24), np.float32(2.24))
    assert (plane.y[0], plane.y[-1]) == (np.float32(-1.48), np.float32(3.48))


def test_a_snapshot_has_what_the_model_says_of_each_place(moons: Experiment) -> None:
    events = list(dtml.train(moons))
    last = [event for event in events if isinstance(event, Snapshot)][-1].boundary
    model: Model = next(event.model for event in events if isinstance(event, Finished))
    assert last["boundary"].shape == (GRID, GRID, 2)
    row, column = 11, 40  # not symmetric: a grid that is turned over would be seen
    place = torch.tensor([[last["boundary_x"][column], last["boundary_y"][row]]])
    with torch.inference_mode():
        said = model.eval()(place).logits.softmax(1)[0].numpy()
    np.testing.assert_allclose(last["boundary"][row, column], said, atol=1e-3)  # half precision
    assert last["boundary"][..., 0].std() > 0


def test_frozen_features_do_not_hide_the_plane(moons: Experiment) -> None:
    frozen = moons.replace(strategy="feature_extraction")
    snapshots = [event for event in dtml.train(frozen) if isinstance(event, Snapshot)]
    assert [s.boundary["boundary"].shape for s in snapshots] == [(GRID, GRID, 2)] * 3


def test_images_have_no_boundary() -> None:
    digits = Experiment(task="digits", training={"steps": 1, "snapshots": 1, "batch_size": 8, "probe": 20})
    first = next(event for event in dtml.train(digits) if isinstance(event, Snapshot))
    assert first.boundary == {}
