"""TCP: many clients at once, each with a parser and a dispatcher of its own, and one store.

Invariants:
- Replies leave in the order of the commands, and every command that ran is answered.
- One client, however slow, silent or rude, delays no other.
- What a client can make the server keep is limited, and so is the number of clients.

Threads or asyncio: as you like, as long as `start` returns and serving goes on in the background.

Not here: what bytes mean (protocol.py) and what commands do (commands.py). The store stays open: it
belongs to whoever opened it.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .store import Store

# You will also need: `Parser`, `ErrorReply` and `encode` of .protocol, `Dispatcher` of .commands,
# `ProtocolError` of .errors, and of the standard library `socket` and `threading`.

_READ_BYTES = 65_536  # how much to ask of a socket at a time


class Server:
    """Serves a store over TCP from background threads.

    `port` 0 lets the system choose: ask `address`. A client above `max_clients` is told so and
    closed. A server starts once; as a context manager it starts on entry and stops on exit.
    """

    def __init__(
        self, store: Store, host: str = "127.0.0.1", port: int = 0, *, max_clients: int = 1000
    ) -> None:
        # TODO: keep what is given. Nothing is bound yet, and no thread runs.
        raise NotImplementedError("stage 6: Server")

    def start(self) -> None:
        """Bind, and serve from then on.

        Raises `OSError` if the address cannot be had, `OverflowError` for a port that no address
        has, and `RuntimeError` when called a second time.
        """
        # TODO: listen, then accept clients in the background. `socket.create_server` does what is
        # needed to have a port again right after another server left it. Each client needs: read
        # some bytes, feed them, answer every command that is whole, read on. Think of a client that
        # sends half a command, one that never reads, one that leaves, and one too many.
        raise NotImplementedError("stage 6: Server.start")

    @property
    def address(self) -> tuple[str, int]:
        """The host and port really bound; raises `RuntimeError` before `start`."""
        # TODO: ask the listening socket, since port 0 means that the system chose one.
        raise NotImplementedError("stage 6: Server.address")

    def serve_forever(self) -> None:
        """Start, unless started already, and block until another thread calls `stop`."""
        # TODO: wait for what `stop` sets. A signal must be able to end the waiting: on Windows it
        # is noticed only between two waits, so wait in short pieces.
        raise NotImplementedError("stage 6: Server.serve_forever")

    def stop(self) -> None:
        """Stop accepting, let the commands under way finish, and close every connection.

        Idle clients are closed at once. A client that does not read its last replies is given up
        after two seconds. Returns when all threads have ended; does nothing when called again.
        """
        # TODO: three steps, in this order: no new clients; tell each client's thread that this is
        # the end, also one that sits in `recv`; wait for the threads. Closing a socket under a
        # thread that is sending cuts a reply in half: find a way to wake only the ones that wait.
        raise NotImplementedError("stage 6: Server.stop")

    def __enter__(self) -> Server:
        # TODO: start, and return what `as` names.
        raise NotImplementedError("stage 6: Server.__enter__")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # TODO: stop, whether or not there was an error.
        raise NotImplementedError("stage 6: Server.__exit__")
