"""The heart of an agent: take requests, have them carried out, send replies.

A request is `(released numbers, verb, *arguments)`; the reply is `("ok", value)`, `("raised",
description)` for an exception, or `("missing", sentence)` for a name that the package under test
does not define. What runs code under test is not called from here: it is handed to `front.drive` as
a step, so that no frame of this file stands above code under test.
"""

from __future__ import annotations

from .objects import object_table
from .primitives import (
    ancestors_of,
    collect,
    exit_now,
    name_of,
    pause_collecting,
    resume_collecting,
    take,
)
from .tools import TOOLS
from .verbs import verbs_for
from .wire import decode, encode

# Tools that are loaded when they are first asked for, and the folder that has them.
LATE_TOOLS = {"explore": "race", "replay": "race", "record": "powercut", "reopen": "powercut"}
_YOUNG = 1  # generation of the garbage collector, with the one below it

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    from .front import Step

    Answer = Callable[[bytes], Generator[Step, None, bytes]]
    Outcome = tuple[str, Any]
    LateTool = Callable[..., Generator[Step, None, Outcome]]
    LoadTools = Callable[[str, str], dict[str, LateTool]]


def converse(
    receive: Callable[[], bytes | None], send: Callable[[bytes], None], answer: Answer
) -> Generator[Step, None, None]:
    """Answer requests until there are no more, as steps for `front.drive`; then end the process.

    The garbage collector is off in here, and on in steps and while `receive` waits.
    """
    pause_collecting()
    while (request := receive()) is not None:
        send((yield from answer(request)))
    exit_now(0)


def answerer(package_dir: str, box: list[Outcome], load_tools: LoadTools) -> Answer:
    """Return the function that answers one request after the other about the package in
    `package_dir` (the folder named `kvstore` itself); `box` is where `front.drive` leaves outcomes.

    The race finder and the recorder are loaded when one is first asked for, which must be before
    any code under test has run: that could otherwise put itself into what is imported then.
    """
    keep, get, release = object_table()
    verbs = verbs_for(package_dir)
    late_tools: dict[str, LateTool] = {}
    dropped: list[Any] = []
    is_untouched = True

    def answer(request: bytes) -> Generator[Step, None, bytes]:
        nonlocal dropped, late_tools, is_untouched
        released, verb, *arguments = decode(request, get)
        dropped += release(released)
        if is_untouched and verb == "tool" and arguments[0] in LATE_TOOLS:
            late_tools = load_tools(LATE_TOOLS[arguments[0]], package_dir)
        is_untouched = False
        if verb == "use":
            tool, name, args = arguments
            outcome = _own_outcome(tool, (name, *args))
        elif verb == "tool" and arguments[0] in late_tools:
            outcome = yield from late_tools[arguments[0]](box, *arguments[1])
        elif verb == "tool" and arguments[0] in TOOLS:
            outcome = _own_outcome(TOOLS[arguments[0]], arguments[1])
        else:
            step, dropped = (verbs[verb], tuple(arguments), dropped), []
            resume_collecting()
            yield step
            pause_collecting()
            return _pack(take(box), keep)
        reply = _pack(outcome, keep)
        # What came of it dies in a step too, since that can run code under test.
        step, dropped, outcome = (collect, (_YOUNG,), [*dropped, outcome]), [], ("", None)
        resume_collecting()
        yield step
        pause_collecting()
        return reply

    return answer


def _own_outcome(tool: Callable[..., Any], args: tuple[Any, ...]) -> Outcome:
    try:
        return tool(*args)  # type: ignore[no-any-return]
    except Exception as error:
        return "raised", _own_description(error)


def _pack(outcome: Outcome, keep: Callable[[Any], tuple[int, Any]]) -> bytes:
    try:
        return encode(outcome, keep)
    except Exception as error:  # too deep, too large, no memory
        return encode(("raised", _own_description(error)))


def _own_description(error: Exception) -> dict[str, Any]:
    """Like `describe.describe_error`, for an exception of the agent's own."""
    names = tuple([name_of(kind) for kind in ancestors_of(type(error))])
    return {"names": names, "message": str(error), "frames": (), "syntax": None}
