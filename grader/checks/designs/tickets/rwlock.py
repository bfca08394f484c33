"""A readers-writer lock that hands itself over: who leaves decides who is inside next.

Whoever cannot enter at once draws a ticket with an event of its own and sleeps until it is called.
Called are the oldest tickets, as many as may be inside together, and whoever is called is inside
already: nobody who comes by in the meantime can take the place.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from .errors import LockError


@dataclass(eq=False)
class _Ticket:
    owner: int
    writes: bool
    called: threading.Event = field(default_factory=threading.Event)


class RWLock:
    """Many readers or one writer, first come first served. Not re-entrant."""

    def __init__(self) -> None:
        self._desk = threading.Lock()  # protects both lists
        self._inside: list[_Ticket] = []
        self._waiting: list[_Ticket] = []  # oldest first

    def acquire_read(self) -> None:
        self._enter(writes=False)

    def release_read(self) -> None:
        self._leave(writes=False)

    def acquire_write(self) -> None:
        self._enter(writes=True)

    def release_write(self) -> None:
        self._leave(writes=True)

    @contextmanager
    def reading(self) -> Iterator[None]:
        self._enter(writes=False)
        try:
            yield
        finally:
            self._leave(writes=False)

    @contextmanager
    def writing(self) -> Iterator[None]:
        self._enter(writes=True)
        try:
            yield
        finally:
            self._leave(writes=True)

    def _enter(self, *, writes: bool) -> None:
        ticket = _Ticket(threading.get_ident(), writes)
        with self._desk:
            if any(other.owner == ticket.owner for other in self._inside):
                raise LockError("this thread is inside, and cannot enter once more")
            self._waiting.append(ticket)
            self._call_next()
        ticket.called.wait()

    def _leave(self, *, writes: bool) -> None:
        me = threading.get_ident()
        with self._desk:
            mine = [t for t in self._inside if t.owner == me and t.writes == writes]
            if not mine:
                raise LockError("this thread does not hold the lock in this way")
            self._inside.remove(mine[0])
            self._call_next()

    def _call_next(self) -> None:
        while self._waiting:
            ticket = self._waiting[0]
            if any(ticket.writes or other.writes for other in self._inside):
                return
            self._inside.append(self._waiting.pop(0))
            ticket.called.set()
