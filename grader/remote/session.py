"""A conversation with the code under test over one or more agent processes, one after the other.

A session lazily starts an agent, sends it requests, turns replies into values, handles or
exceptions, and writes down every call as a step. `kill` ends the process as a power switch would;
the next request starts a new one on the same folder.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakValueDictionary

from grader.agent.wire import WireError, decode, encode
from grader.outcome import Frame
from grader.remote.failures import (
    CallTimeout,
    MissingName,
    NotAPlainValue,
    ProcessDied,
    RemoteError,
)
from grader.remote.handle import Handle
from grader.remote.trace import NAME_CHARS_MAX, Reference, Trace, shorten, show

CALL_SECONDS = 4.0
TEST_SECONDS = 30.0
RECEIVED_BYTES_MAX = 512 * 1024 * 1024  # of all replies in one test
_MESSAGE_CHARS_MAX, _FRAMES_MAX, _NAMES_MAX, _LINE_MAX = 2_000, 12, 30, 10**9


class Process(Protocol):
    """What a session needs of an agent: `grader.remote.process.AgentProcess`, or a stand-in within
    this process.
    """

    def request(self, message: bytes, seconds: float, doing: str) -> bytes:
        """Send one message and return the reply."""

    def output(self) -> str:
        """What the code under test printed, once it is closed."""

    def close(self) -> None:
        """End it at once."""


class Session:
    """All that one test says to the code under test. `seconds` is the deadline of each call,
    `test_seconds` that of all together.

    `data_dir` is the test's data folder, where there is one.
    """

    def __init__(
        self,
        start: Callable[[], Process],
        trace: Trace,
        seconds: float = CALL_SECONDS,
        data_dir: Path | None = None,
        test_seconds: float = TEST_SECONDS,
    ) -> None:
        self.trace = trace
        self.seconds = seconds
        self.data_dir = data_dir
        self.generation = 0
        self._start = start
        self._test_seconds = test_seconds
        self._end = time.monotonic() + test_seconds
        self._process: Process | None = None
        self._released: set[int] = set()
        self._bytes_left = RECEIVED_BYTES_MAX
        self._methods: set[tuple[str, str]] = set()
        self._printed: list[str] = []
        self._handles: WeakValueDictionary[int, Handle] = WeakValueDictionary()

    @property
    def is_started(self) -> bool:
        """Whether there is a process, in which code under test may have run."""
        return self._process is not None

    def ask(self, doing: str, verb: str, *arguments: Any) -> Any:
        """Send one request and return its value; raises the `CallFailure` that it led to."""
        if time.monotonic() > self._end:
            self.kill()
            raise CallTimeout(f"the test was not over within {self._test_seconds:g} s")
        if self._process is None:
            self._process = self._start()
        released, self._released = tuple(self._released), set()
        try:
            request = encode((released, verb, *arguments), self._refer)
        except WireError as problem:  # the test sends back what it got
            raise NotAPlainValue(f"{doing}: {problem}") from None
        raw = self._process.request(request, self.seconds, doing)
        self._bytes_left -= len(raw)
        if self._bytes_left < 0:
            self.kill()
            raise ProcessDied(f"{doing} sent more than {RECEIVED_BYTES_MAX:,} bytes in one test")
        try:
            kind, value = self._read_reply(raw)
        except WireError:
            self.kill()
            raise ProcessDied(f"{doing} broke the connection to the grader") from None
        if kind == "ok":
            return value
        if kind == "missing":
            raise MissingName(shorten(value, 300))
        raise value

    def hold(self, doing: str, verb: str, *arguments: Any) -> Handle:
        """Like `ask`, for a tool of the agent's own: it is an object, or the reply was forged."""
        found = self.ask(doing, verb, *arguments)
        if not isinstance(found, Handle):
            self.kill()
            raise ProcessDied(f"{doing} broke the connection to the grader")
        return found

    def _read_reply(self, raw: bytes) -> tuple[str, Any]:
        """Check a reply's shape, whoever wrote it; raises `WireError`."""
        reply = decode(raw, self._adopt)
        if type(reply) is not tuple or len(reply) != 2 or type(reply[0]) is not str:
            raise WireError("not a reply")
        kind, value = reply
        if kind == "ok" or (kind == "missing" and type(value) is str):
            return kind, value
        if kind == "raised" and type(value) is dict:
            return kind, _remote_error(value)
        raise WireError("not a reply")

    def do(self, doing: str, verb: str, *arguments: Any) -> Any:
        """Like `ask`, and write it down as a step."""
        try:
            value = self.ask(doing, verb, *arguments)
        except RemoteError as error:
            self.trace.add(doing, f"raised {shorten(str(error))}")
            raise
        except MissingName:
            raise
        except Exception as failure:
            self.trace.add(doing, str(failure))
            raise
        if verb == "call" and isinstance(value, Handle):
            self.trace.add(f"{value.name} = {doing}", "")
        else:
            self.trace.add(doing, self.text(value))
        return value

    def text(self, value: Any) -> str:
        """A value in the words of a step: handles by their names."""
        return show(value, lambda item: item.name if isinstance(item, Handle) else None)

    def is_method(self, kind: str, name: str) -> bool:
        """Whether a class's name is known to be a method, so that a call need not ask first."""
        return (kind, name) in self._methods

    def learn_method(self, kind: str, name: str) -> None:
        """Remember that a class's name is a method."""
        self._methods.add((kind, name))

    def release(self, generation: int, number: int) -> None:
        """An object's last handle is gone: tell the agent with the next request."""
        if generation == self.generation:
            self._released.add(number)

    def kill(self) -> None:
        """End the process at once. Its handles are dead; the next request starts a new process."""
        if self._process is not None:
            self._process.close()
            self._printed.append(self._process.output())
            self._process = None
        self.generation += 1
        self._released.clear()
        self._handles.clear()
        self._methods.clear()

    def printed(self) -> str:
        """Everything that the code under test printed, up to the last `kill`."""
        return "".join(self._printed)

    def _adopt(self, number: int, about: Any) -> Handle:
        self._released.discard(number)  # it is held again
        handle = self._handles.get(number)
        if handle is None:
            handle = self._handles[number] = Handle(self, Reference(number, about))
        return handle

    def _refer(self, value: Any) -> tuple[int, None] | str:
        """What crosses instead of an object of the test's: paths as text, a tool as its handle."""
        if isinstance(value, Path):
            return str(value)
        if isinstance(value, Handle):
            return value.reference_in(self.generation)
        remote = getattr(value, "remote_handle", None)
        if isinstance(remote, Handle):
            return remote.reference_in(self.generation)
        raise TypeError(f"a test cannot send a {type(value).__name__} to the code under test")


def _remote_error(described: dict[Any, Any]) -> RemoteError:
    """Read what an agent says of an exception; raises `WireError` when it is not well formed."""
    names, message = described.get("names"), described.get("message")
    frames, syntax = described.get("frames"), described.get("syntax")
    handle = described.get("object")
    if type(names) is not tuple or not names or type(frames) is not tuple:
        raise WireError("not a description of an error")
    rows: list[tuple[Any, tuple[type, ...]]] = [(names, (str,) * len(names)), ((message,), (str,))]
    rows += [(frame, (str, int, str, str)) for frame in frames]
    rows += [(syntax, (str, int, str))] if syntax is not None else []
    if not all(type(row) is tuple and tuple(map(type, row)) == kinds for row, kinds in rows):
        raise WireError("not a description of an error")
    frames = [tuple(map(_within_limits, frame)) for frame in frames[-_FRAMES_MAX:]]
    return RemoteError(
        names=tuple(name[:NAME_CHARS_MAX] for name in names[:_NAMES_MAX]),
        message=str(message)[:_MESSAGE_CHARS_MAX],
        frames=tuple(Frame(*frame) for frame in frames),
        syntax=None if syntax is None else tuple(map(_within_limits, syntax)),
        handle=handle if isinstance(handle, Handle) else None,
    )


def _within_limits(value: Any) -> Any:
    """A text or a line number of a frame, as long as an honest one may be."""
    return value[:_MESSAGE_CHARS_MAX] if type(value) is str else max(0, min(value, _LINE_MAX))
