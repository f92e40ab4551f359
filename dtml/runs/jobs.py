"""Doing the jobs that wait in the store, one after the other."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from typing import Any

from dtml.errors import Problem
from dtml.runs.store import Store

Compute = Callable[[dict[str, Any], Callable[[float], None]], object]
"""Does what a job's spec describes, telling the share that is done."""


def next_job(store: Store, kind: str, compute: Compute, what: str, failed: str) -> bool:
    """Do the oldest job of a kind that waits; False where none does.

    Args:
        what: a marked message that says what is being done.
        failed: a marked message with {error}, for an error that is no Problem.
    """
    from threadpoolctl import threadpool_limits

    job = store.claim_job(kind)
    if job is None:
        return False
    begun = time.time()

    def tell(share: float) -> None:
        store.tell_job(job.key, {"what": what, "share": share, "since": begun})

    tell(0.0)
    try:
        with threadpool_limits(1), store.pulse(job=job.key):
            compute(job.spec, tell)
        store.end_job(job.key)
    except Problem as problem:
        store.end_job(job.key, problem)
    except Exception as error:  # noqa: BLE001  # whatever is computed, its job must end in a state
        traceback.print_exc()
        store.end_job(job.key, Problem(failed, error=error))
    return True
