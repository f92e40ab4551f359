"""Deep transfer metric learning that can be looked at.

>>> from dtml import Experiment, train
>>> for event in train(Experiment(task="moons", alignment="dann")):
...     print(event)
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dtml import catalogue as catalogue
    from dtml.experiment import Experiment as Experiment
    from dtml.training import train as train

__version__ = version("dtml")
__all__ = ["Experiment", "catalogue", "train"]

_HOMES = {"Experiment": "dtml.experiment", "catalogue": "dtml", "train": "dtml.training"}


def __getattr__(name: str) -> Any:
    """Load what is asked for, when it is asked for: `import dtml` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'dtml' has no attribute {name!r}")
    from importlib import import_module

    if name == "catalogue":
        return import_module("dtml.catalogue")
    return getattr(import_module(_HOMES[name]), name)
