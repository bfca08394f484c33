"""Threads that the package under test starts itself, such as those of a server: at any line each of
them may give way to another, as the threads of `chaos` do.

Such a thread starts as ever, but below `front.drive`, once it is traced. Only what `threading`
starts is reached. It stays so until the process ends.
"""

from __future__ import annotations

import threading
from functools import partial
from itertools import count

from .chaos import restless, trace_this_thread
from .front import drive
from .primitives import opaque, or_end, start_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    from .front import Step

_start_joinable: Any = getattr(threading, "_start_joinable_thread", None)  # since Python 3.13


def make_threads_restless(seed: int, chance: float) -> tuple[str, None]:
    """Let each thread that starts from now on give way, with probability `chance`, at each line of
    the package under test.
    """
    seeds = count(seed)

    def steps(run: Callable[..., Any], args: tuple[Any, ...]) -> Generator[Step, None, None]:
        trace_this_thread(restless(next(seeds), chance))
        yield run, args, []

    def start(run: Callable[..., Any], args: tuple[Any, ...]) -> int:
        return start_thread(drive, (or_end(steps(run, args)), []))

    def start_joinable(run: Callable[..., Any], **options: Any) -> Any:
        return _start_joinable(partial(drive, or_end(steps(run, ())), []), **options)

    if _start_joinable is None:
        threading._start_new_thread = opaque(start)  # type: ignore[attr-defined]
    else:
        threading._start_joinable_thread = opaque(start_joinable)  # type: ignore[attr-defined]
    return "ok", None
