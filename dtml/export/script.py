"""The experiment of a run as a Python script that repeats it."""

from __future__ import annotations

import json
from pprint import pformat

from dtml.runs.provenance import versions
from dtml.runs.records import Run

_SCRIPT = '''\
"""{title}

Repeats the run {id} (seed {seed}){versions}.
The same seed gives the same numbers on the same machine with the same versions.
"""

from dtml import Experiment, train

EXPERIMENT = {experiment}

WANTED = {wanted}


def main() -> None:
    """Train, print how it goes, and tell the result beside the run's."""
    result = {{}}
    for event in train(Experiment(**EXPERIMENT)):
        metrics = getattr(event, "metrics", {{}})
        if "target_accuracy" in metrics:
            print(f"step {{event.step}}: target accuracy {{metrics['target_accuracy']:.4f}} (probe)")
        result = getattr(event, "result", result)
    for name, wanted in WANTED.items():
        print(f"{{name}}: {{result[name]!r}} (the run had {{wanted!r}})")


if __name__ == "__main__":
    main()
'''


def script(run: Run) -> str:
    """Python that trains a run's experiment again and prints its accuracies beside those that the run had.

    It needs dtml and nothing else: no store, no files but the task's data.
    """
    wanted = {name: run.result.get(name) for name in ("source_test_accuracy", "target_test_accuracy")}
    used = ", ".join(f"{name} {number}" for name, number in versions(run).items())
    content = json.loads(json.dumps(run.experiment.model_dump()))
    title = (run.experiment.title or run.id).replace("\\", "/").replace('"', "'")
    return _SCRIPT.format(
        title=title + ("" if title.endswith(".") else "."),
        id=run.id,
        seed=run.experiment.seed,
        versions=f", which was trained with {used}" if used else "",
        experiment=pformat(content, width=100, sort_dicts=False),
        wanted=pformat(wanted, width=100, sort_dicts=False),
    )
