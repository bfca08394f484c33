"""The few frames of the agent that stand above or beside code under test, where it can see them.

Invariant: nothing here is worth finding. Whoever walks up from code under test meets these frames
and no others of the agent's, and finds in them the call under way, which is the caller's own, and
functions in C that hold what matters out of reach. What decides a test (the seal, the objects, the
records of threads and of the disk) lives in generators that are on the evaluation stack of `drive`
alone, and that are suspended while code under test runs.
"""

from __future__ import annotations

import os
import sys

from .describe import describe_error
from .verbs import MissingNameError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    Step = tuple[Callable[..., Any], tuple[Any, ...], list[Any]]


def drive(steps: Any, box: list[Any]) -> None:
    """Make the calls that `steps` asks for, and leave what came of the last one in `box`.

    A step is `(function, its arguments, objects to be dropped first)`. What comes of it is `("ok",
    result)`, `("raised", description)` or `("missing", sentence)`.
    """
    for steps in steps:  # noqa: B020  (the iterator must not stay in a variable)
        function, args, dropped = steps
        del box[:], dropped[:], steps  # what code under test does when it is dropped, it does here
        try:
            outcome: tuple[str, Any] = ("ok", function(*args))
        except MissingNameError as missing:
            outcome = ("missing", str(missing))
        except BaseException as error:
            outcome = ("raised", describe_error(error))
        box.append(outcome)
        del function, args, dropped, outcome


def drive_to_the_end(steps: Iterable[Step], box: list[Any], end: Callable[[int], None]) -> None:
    """The same, and then the process ends."""
    try:
        drive(steps, box)
    finally:
        end(1)


def report_thread_error(args: Any) -> None:
    """Say in one line, on standard error, what ended a thread of the package."""
    name = args.thread.name if args.thread else "a thread"
    print(f"{name} ended with {args.exc_type.__name__}: {args.exc_value}", file=sys.stderr)  # noqa: T201


def audit_hook(judge: Callable[..., Any]) -> Callable[[str, tuple[Any, ...]], None]:
    """Return a hook for `sys.addaudithook` that raises the exception which `judge` returns."""

    def hook(event: str, args: tuple[Any, ...]) -> None:
        refusal = judge(event, args)
        if refusal is not None:
            raise refusal

    return hook


def watched(attempt: Callable[..., Any]) -> Callable[..., Any]:
    """Return a stand-in for a function of `os`: it raises what `attempt` returns.

    Arguments become plain here, since that may run code under test: paths become text or bytes,
    files become descriptors.
    """

    def stand_in(*args: Any, **kwargs: Any) -> None:
        failure = attempt(
            tuple(_plain(value) for value in args),
            {name: _plain(value) for name, value in kwargs.items()},
        )
        if failure is not None:
            raise failure

    return stand_in


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, int):
        return None if value is None else int(value)
    return value.fileno() if hasattr(value, "fileno") else os.fspath(value)
