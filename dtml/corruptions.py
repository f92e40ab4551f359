"""Controlled shifts: pure functions whose strength goes from 0 (nothing changes) to 1.

Images are uint8 (n, height, width, channels). Blur, noise and contrast are those of Hendrycks and Dietterich (2019),
"Benchmarking Neural Network Robustness to Common Corruptions and Perturbations", section 4.1, with a continuous
strength that ends about at their severity 5; the others are the shifts that this field's tasks are made of.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
Places = NDArray[np.int64]

WIDEST = 0.08
"""The standard deviation of the strongest blur, as a share of the image's height."""
LOUDEST = 0.38
"""The standard deviation of the strongest noise, as a share of the range."""
FLATTEST = 0.05
"""The contrast that the strongest change leaves."""
FURTHEST = 90.0
"""The largest rotation, in degrees."""
RAREST = 50.0
"""How many times rarer than the first class the last one becomes (the imbalance factor of Cui et al. 2019)."""
TILT = 3.0
"""The largest log-odds a standard deviation, with which samples further along are preferred."""
_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])


# -- images


def blur(images: Images, strength: float) -> Images:
    """Gaussian blur of standard deviation `strength` · 0.08 · height."""
    width = strength * WIDEST * images.shape[1]
    return _bytes(ndimage.gaussian_filter(images.astype(np.float32), (0, width, width, 0)))


def noise(images: Images, strength: float, rng: np.random.Generator) -> Images:
    """Gaussian noise of standard deviation `strength` · 0.38 · 255, clipped to the range."""
    values = rng.standard_normal(images.shape, dtype=np.float32) * np.float32(strength * LOUDEST * 255)
    return _bytes(images + values)


def contrast(images: Images, strength: float) -> Images:
    """Every image drawn to its mean of each channel: m + (1 − 0.95 · `strength`) · (x − m)."""
    mean = images.mean((1, 2), keepdims=True, dtype=np.float32)
    return _bytes(mean + np.float32(1 - (1 - FLATTEST) * strength) * (images - mean))


def colour(images: Images, strength: float) -> Images:
    """The hues of (n, h, w, 3) turned by `strength` · 180° about the grey axis (in YIQ), clipped to the range."""
    angle = strength * np.pi
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    mixed = np.linalg.inv(_YIQ) @ turn @ _YIQ
    return _bytes(images.astype(np.float32) @ mixed.T.astype(np.float32))


def rotation(images: Images, strength: float) -> Images:
    """Every image turned about its centre by `strength` · 90°, against the clock; the border fills the corners."""
    angle = strength * FURTHEST
    turned = ndimage.rotate(
        images.astype(np.float32), angle, axes=(1, 2), reshape=False, order=1, mode="nearest", prefilter=False
    )
    return _bytes(turned)


def background(images: Images, strength: float, patches: Images) -> Images:
    """The brighter of the image and of `strength` · a patch (n, h, w, 1): what is dark gets a background."""
    return np.maximum(images, _bytes(patches * np.float32(strength)))


def _bytes(values: NDArray[np.floating]) -> Images:
    return values.round().clip(0, 255).astype(np.uint8)


# -- which samples, and which labels


def prior(labels: Labels, strength: float, rng: np.random.Generator) -> Places:
    """Places of the samples that stay where class k of K keeps the share 50^(−`strength` · k / (K − 1)).

    Label shift: p(y) changes and p(x | y) does not. Every class keeps a sample at least; unknown labels (−1) stay.
    """
    kept = [np.flatnonzero(labels < 0)]
    classes = np.unique(labels[labels >= 0])
    for number, label in enumerate(classes):
        members = rng.permutation(np.flatnonzero(labels == label))
        share = RAREST ** (-strength * number / max(1, len(classes) - 1))
        kept.append(members[: max(1, round(share * len(members)))])
    return np.sort(np.concatenate(kept))


def covariate(positions: NDArray[np.float64], strength: float, rng: np.random.Generator) -> Places:
    """Places of the samples that stay: the share 1 − `strength` / 2, drawn with weights exp(3 · `strength` · z).

    Covariate shift: p(x) changes and p(y | x) does not, as z, the standardised position, is a function of x alone.
    """
    spread = positions.std()
    z = (positions - positions.mean()) / (spread if spread > 0 else 1)
    # The largest of Gumbel-perturbed log-weights are a draw without replacement (Efraimidis and Spirakis 2006).
    keys = TILT * strength * z + rng.gumbel(size=len(z))
    count = max(1, round((1 - strength / 2) * len(z)))
    return np.sort(np.argsort(-keys)[:count])


def concept(labels: Labels, positions: NDArray[np.float64], classes: int, strength: float) -> Labels:
    """Labels by another rule: the share `strength` / 2 with the largest positions gets the next class.

    Concept shift: p(y | x) changes and p(x) does not. Unknown labels (−1) stay unknown.
    """
    count = round(strength / 2 * len(labels))
    moved = np.argsort(positions, kind="stable")[len(labels) - count :]
    changed = labels.copy()
    changed[moved] = np.where(labels[moved] < 0, labels[moved], (labels[moved] + 1) % classes)
    return changed


def principal_positions(rows: NDArray[np.floating], of: NDArray[np.floating]) -> NDArray[np.float64]:
    """Positions of rows (n, d) along the first principal direction of `of` (m, d), whose largest entry is positive."""
    centred = of.astype(np.float64) - of.mean(0, dtype=np.float64)
    _u, _s, directions = np.linalg.svd(centred, full_matrices=False)
    first = directions[0] * np.sign(directions[0][np.abs(directions[0]).argmax()])
    return (rows.astype(np.float64) - of.mean(0, dtype=np.float64)) @ first
