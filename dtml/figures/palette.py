"""Colours and symbols of classes and domains."""

from __future__ import annotations

PALETTE = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#d55e00",
    "#ccbb44",
    "#882255",
    "#8a94a6",
    "#999933",
)
"""Okabe and Ito's colours without black, and some of Tol's: safe for colour-blind eyes."""
SYMBOLS = ("circle", "diamond-open")
GREY = "#8a94a6"
PAPER = ("#ffffff", "#0f141c")
"""The page's background, light and dark."""


def colour(label: int) -> str:
    """The colour of a class; grey where it is unknown."""
    return PALETTE[label % len(PALETTE)] if label >= 0 else GREY
