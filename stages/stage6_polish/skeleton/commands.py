"""What each command means: a table of small functions between the wire and the store.

Invariants:
- Whatever a client sends and whatever the store raises becomes a reply. Nothing escapes.
- The number of arguments is checked in one place, before the command runs; errors become replies
  in one place, after it.
- What must be one step is one call of the store: two calls leave room for another client.

Not here: bytes on the wire (protocol.py), and what becomes of a connection (server.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from .protocol import ErrorReply

if TYPE_CHECKING:
    from .store import Store

# You will also need: `KVStoreError`, `InvalidTTLError` and `NotAnIntegerError` of .errors.

Reply: TypeAlias = "str | bytes | int | ErrorReply | list[Reply] | None"

# TODO: a table of commands. Sixteen commands in one long `if` are sixteen places that count their
# arguments and sixteen that forget an error. Instead write one small function a command, and enter
# each into a dictionary under its name together with how many arguments it takes (with a sign or a
# second number for "at least so many"). A decorator makes a pleasant entry form: name and count
# stand right above the function. `execute` looks up, counts, calls, and catches: once for all.


class Dispatcher:
    """Runs the commands of one client on a store; any number of dispatchers may share a store."""

    def __init__(self, store: Store) -> None:
        # TODO: keep the store. It belongs to somebody else: do not close it.
        raise NotImplementedError("stage 6: Dispatcher")

    def execute(self, args: list[bytes]) -> Reply:
        """Run one command, its name first in any case, and return its reply; never raises.

        Whatever is wrong with the command or fails in the store comes back as an `ErrorReply`.
        """
        # TODO: find the command, check the number of its arguments, run it, and turn what it raises
        # into a reply. Arguments are bytes that a stranger sent: a key need not be UTF-8, a number
        # need not be one, and there may be no name at all.
        raise NotImplementedError("stage 6: Dispatcher.execute")
