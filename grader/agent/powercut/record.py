"""Run a history of calls with every change to files written down.

A history is a list of calls as the race finder takes them: `(into, owner, name, args, kwargs)`. It
finds `folder`, `clock`, which stands still until it is moved, and `helper`. What decides is kept
here, by generators that are suspended while anything else runs; see `grader.agent.race.explore`,
whose rules hold here too.
"""

from __future__ import annotations

from functools import partial

from ..doing import doing, good, parts
from ..race.look import call_named
from ..race.values import copied, named_objects
from .helpers import be_quiet, make_helpers, place_of
from .recorder import attempts, mark, stop, watch
from .reopen import reopen
from .standins import install

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    from ..doing import Do, Outcome
    from ..front import Step

    Call = tuple[str, str, str, list[Any], dict[str, Any]]
    Made = Generator[Step, None, Any]


def power_tools(_package_dir: str) -> dict[str, Callable[..., Made]]:
    """The tools `record` and `reopen`: each is given the box of the thread that serves, and is a
    generator of steps that returns an outcome.
    """
    is_ready = False
    held: list[Any] = []

    def prepare(do: Do) -> Made:
        """Put the stand-ins up, before code under test runs for the first time."""
        nonlocal is_ready
        if not is_ready:
            is_ready = True
            good((yield from do(install, attempts())))
            good((yield from do(be_quiet)))

    def record(
        box: list[Outcome], root: str, folder: str, calls: list[Call], faults: list[Any]
    ) -> Made:
        """What each call gave, and the events, theirs among them; changes below `root` count."""
        yield from prepare(doing(box, []))
        watch(root, faults)
        rows = yield from history(box, folder, calls, False)  # noqa: FBT003
        return "ok", {"calls": rows, "events": stop()}

    def history(
        box: list[Outcome],
        folder: str,
        calls: list[Call],
        stops: bool,  # noqa: FBT001
    ) -> Made:
        """Make the calls, up to the first that raises if it `stops` there, or that gives no object
        though others need it; returns what each gave. Its objects stay until the process is killed:
        when they are dropped, a file could write what is still in its buffer.
        """
        nonlocal held
        kept: list[Any] = []
        do = doing(box, kept)
        clock, helper = parts((yield from do(make_helpers, folder)), 2)
        objects = {"folder": folder, "clock": clock, "helper": helper}
        held += (kept, objects)
        rows: list[Any] = []
        for number, (into, owner, name, args, kwargs) in enumerate(calls):
            target = owner if owner[:1] == ":" else objects[owner]
            named = named_objects(args, objects), named_objects(kwargs, objects)
            mark("begin", number)
            kind, value = yield from do(call_named, target, name, *named)
            mark("end", number)
            place: Any = None
            if kind == "raised" and type(value) is dict and "object" in value:
                place = (yield from do(place_of, value["object"]))[1]
            if kind == "ok" and into:
                objects[into] = value
            rows += ((kind, None if kind == "ok" and into else _told(value), place),)
            if kind != "ok" and (into or stops):
                break
        return rows

    return {
        "record": record,
        "reopen": partial(reopen, prepare, history),
    }


def _told(value: Any) -> Any:
    """A result as it is now; of an exception, what describes it but not itself."""
    value = copied(value, 0)
    if type(value) is dict and "object" in value:
        return {key: value[key] for key in value if key != "object"}
    return value
