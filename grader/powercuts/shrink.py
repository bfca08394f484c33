"""Look for a shorter history that loses data in the same way: calls are left out, the last ones
first, while a power cut of the same sort still shows the same kind of problem.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace

from grader.powercuts.agent import UnsupportedIO
from grader.powercuts.case import Found
from grader.powercuts.explore import Explorer
from grader.remote.failures import CallFailure

SHRINK_SECONDS = 3.0


def shrink(explorer: Explorer, found: Found, seconds: float = SHRINK_SECONDS) -> Found:
    """Return a failure with fewer calls, as far as time and the agent allow."""
    end = time.monotonic() + seconds
    for bit in reversed(range(found.case.trial.kept.bit_length())):
        kept = found.case.trial.kept & ~(1 << bit)
        if kept == found.case.trial.kept or not kept or time.monotonic() > end:
            continue
        with suppress(CallFailure, UnsupportedIO):
            found = _shorter(explorer, found, kept) or found
    return found


def _shorter(explorer: Explorer, found: Found, kept: int) -> Found | None:
    case = explorer.record(replace(found.case.trial, kept=kept))
    if case.refusal is not None:
        return None
    shorter = explorer.explore(case, like=found.cut).first
    is_same = shorter is not None and shorter.problem.kind == found.problem.kind
    return shorter if is_same else None
