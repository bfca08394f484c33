"""A handle: an object of the code under test, as a test sees it.

Calls, attributes, `len`, iteration, `in`, indexing and `with` reach the real object in the agent.
What a handle never does is stand in for a value: it is equal only to another handle on the same
object, and it has no truth value, so an object that claims to be equal to everything gains nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from grader.remote.failures import NotAPlainValue, ProcessDied, RemoteError
from grader.remote.trace import Reference, is_class, type_name

if TYPE_CHECKING:
    from grader.remote.session import Session


class Handle:
    """One object in the agent, held there until this handle is gone."""

    __slots__ = ("__weakref__", "_generation", "_reference", "_session", "name")

    def __init__(self, session: Session, reference: Reference) -> None:
        self._session = session
        self._reference = reference
        self._generation = session.generation
        self.name = session.trace.name(session.generation, reference)

    @property
    def kind(self) -> str:
        """The name of the object's class."""
        return type_name(self._reference)

    def reference_in(self, generation: int) -> tuple[int, None]:
        """What crosses instead of it (see `grader.agent.wire`); raises when it died with its
        process.
        """
        if generation != self._generation:
            raise RuntimeError(f"{self.name} died with its process; open it again after kill()")
        return self._reference.number, None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        session = self._session
        if session.is_method(self.kind, name):
            return Method(self, name)
        found = session.ask(f"{self.name}.{name}", "attribute", self, name)
        if type(found) is not tuple or len(found) != 2:
            raise ProcessDied(f"{self.name}.{name} broke the connection to the grader")
        sort, value = found
        if sort == "method":
            session.learn_method(self.kind, name)
            return Method(self, name)
        if not isinstance(value, Handle):
            session.trace.add(f"{self.name}.{name}", session.text(value))
        elif is_class(self._reference):
            value.name = f"{self.name}.{name}"
        return value

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the object: a class, to make one."""
        call = _call_text(self._session, self.name, args, kwargs)
        return self._session.do(call, "call", self, args, kwargs)

    def __len__(self) -> int:
        value = self._function("len", f"len({self.name})")
        if type(value) is not int:
            raise NotAPlainValue(f"len({self.name}) is not an int")
        return value

    def __contains__(self, item: Any) -> bool:
        text = f"{self._session.text(item)} in {self.name}"
        return self._function("contains", text, item) is True

    def __getitem__(self, key: Any) -> Any:
        return self._function("getitem", f"{self.name}[{self._session.text(key)}]", key)

    def __iter__(self) -> Iterator[Any]:
        iterator = self._session.ask(f"iter({self.name})", "function", "iter", (self,))
        while True:
            try:
                yield self._session.ask(f"next({self.name})", "function", "next", (iterator,))
            except RemoteError as error:
                if error.names[0] == "StopIteration":
                    return
                raise

    def __enter__(self) -> Any:
        return self._function("enter", f"with {self.name}:")

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            self._function("exit", f"leave the with block of {self.name}")
            return
        with contextlib.suppress(Exception):
            self._session.ask("leaving", "function", "exit", (self, True))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Handle):
            return False
        mine, theirs = self._reference.number, other._reference.number
        return self._session is other._session and (self._generation, mine) == (
            other._generation,
            theirs,
        )

    def __hash__(self) -> int:
        return hash((self._generation, self._reference.number))

    def __bool__(self) -> bool:
        raise NotAPlainValue(f"got an object of class {self.kind} where a plain value was expected")

    def __repr__(self) -> str:
        return f"<{self.kind} object>"

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError):
            self._session.release(self._generation, self._reference.number)

    def _function(self, function: str, text: str, *args: Any) -> Any:
        return self._session.do(text, "function", function, (self, *args))


class Method:
    """A method of an object in the agent, called in one round trip."""

    __slots__ = ("name", "owner")

    def __init__(self, owner: Handle, name: str) -> None:
        self.owner = owner
        self.name = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Make the call; raises the `CallFailure` that it led to."""
        session = self.owner._session
        call = _call_text(session, f"{self.owner.name}.{self.name}", args, kwargs)
        return session.do(call, "method", self.owner, self.name, args, kwargs)

    def __repr__(self) -> str:
        return f"<method {self.owner.name}.{self.name}>"


def _call_text(session: Session, name: str, args: Any, kwargs: Any) -> str:
    words = [session.text(arg) for arg in args]
    words += [f"{key}={session.text(value)}" for key, value in kwargs.items()]
    return f"{name}({', '.join(words)})"
