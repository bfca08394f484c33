"""A thread of the package's process that a test steers, one call at a time."""

from __future__ import annotations

from typing import Any

from grader.remote.handle import Handle, Method
from grader.remote.session import Session


class Actor:
    """One named thread. `begin` starts a call; `blocked` tells whether it waits; `finish` waits for
    it.
    """

    def __init__(self, session: Session, name: str) -> None:
        self._session = session
        self._name = name
        self._doing = ""
        self._handle: Handle = session.hold(f"start thread {name}", "tool", "actor", (name,))

    def begin(self, method: Any, *args: Any) -> None:
        """Start `method(*args)` in this thread, such as `begin(lock.acquire_read)`, and return at
        once.
        """
        self._start(method, args)
        self._session.trace.add(f"thread {self._name}: {self._doing}", "started")

    def blocked(self) -> bool:
        """Wait until the call has returned (False) or can only be waiting for another thread
        (True).
        """
        returned = self._ask("settle")
        state = "has returned" if returned else "is waiting"
        self._session.trace.add(f"thread {self._name}: {self._doing}", state)
        return not returned

    def finish(self) -> Any:
        """Wait for the call to return; return its result or raise what it raised."""
        text = f"thread {self._name}: {self._doing}"
        return self._session.do(text, "use", self._handle, "finish", ())

    def call(self, method: Any, *args: Any) -> Any:
        """Make a call in this thread and wait for its result."""
        self._start(method, args)
        return self.finish()

    def _start(self, method: Any, args: tuple[Any, ...]) -> None:
        assert isinstance(method, Method), "an actor takes a method of the package under test"
        self._doing = (
            f"{method.owner.name}.{method.name}({', '.join(map(self._session.text, args))})"
        )
        self._ask("begin", method.owner, method.name, args)

    def _ask(self, verb: str, *args: Any) -> Any:
        doing = f"{self._doing} in thread {self._name}"
        return self._session.ask(doing, "use", self._handle, verb, args)
