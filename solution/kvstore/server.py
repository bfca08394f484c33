"""TCP: many clients, each with a thread, a parser and a dispatcher of its own.

Why threads: the code reads from top to bottom, a slow client delays nobody but itself, and Python's
global lock is free while a thread waits for a disk or a socket, so an fsync stops no other client.

Invariants:
- Replies leave in the order of the commands.
- A client that does not read blocks its own thread in `_send`, and that thread then reads no more:
  at most `_REPLIES_BYTES` and one reply wait for a client, however much it asks for.
- Only a client's own thread uses its socket. `stop` reaches all of them through the bell.

What bytes and commands mean is not known here, save for QUIT. The store stays open: it belongs to
whoever opened it.
"""

from __future__ import annotations

import contextlib
import math
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING

from .commands import Dispatcher
from .errors import ProtocolError
from .protocol import ErrorReply, Parser, encode

if TYPE_CHECKING:
    from .store import Store

_READ_BYTES = 65_536
_REPLIES_BYTES = 1_048_576  # replies leave when the commands at hand are done, or at this size
_BACKLOG = 511
_STOP_SECONDS = 2.0  # how long a stopping server waits for a client to take its last replies
_SEND_SECONDS = 0.5  # how often a blocked send looks at the bell
_SIGNAL_SECONDS = 0.2  # how often `serve_forever` looks for a signal
_LINGER_SECONDS = 1.0  # how long to wait for each read when hanging up,
_LINGER_READS = 64  # and how many of them
_ACCEPT_PAUSE_SECONDS = 0.05
_TOO_MANY = encode(ErrorReply("ERR max number of clients reached"))

# poll has no limit of 1,024 descriptors and takes none for itself. Windows has only select.
_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)


class Server:
    """Serves a store over TCP from background threads.

    `port` 0 lets the system choose: ask `address`. A client above `max_clients` is told so and
    closed. A server starts once; as a context manager it starts on entry and stops on exit.
    """

    def __init__(
        self, store: Store, host: str = "127.0.0.1", port: int = 0, *, max_clients: int = 1000
    ) -> None:
        self._store = store
        self._host = host
        self._port = port
        self._max_clients = max_clients
        self._address: tuple[str, int] | None = None
        self._bell: _Bell | None = None
        self._acceptor: threading.Thread | None = None
        self._clients: list[threading.Thread] = []  # the acceptor's alone, until it has ended
        self._lock = threading.Lock()  # protects starting and stopping: one caller at a time
        self._stopped = threading.Event()

    def start(self) -> None:
        """Bind, and serve from then on.

        Raises `OSError` if the address cannot be had, `OverflowError` for a port that no address
        has, and `RuntimeError` when called a second time.
        """
        with self._lock:
            if self._bell is not None:
                raise RuntimeError("this server was started before: make a new one")
            family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
            address = (self._host, self._port)
            listener = socket.create_server(address, family=family, backlog=_BACKLOG)
            self._address = listener.getsockname()[:2]
            self._bell = _Bell()
            self._acceptor = threading.Thread(
                target=self._accept,
                args=(listener, self._bell),
                name="kvstore-acceptor",
                daemon=True,
            )
            self._acceptor.start()

    @property
    def address(self) -> tuple[str, int]:
        """The host and port really bound; raises `RuntimeError` before `start`."""
        if self._address is None:
            raise RuntimeError("the server has no address before it is started")
        return self._address

    def serve_forever(self) -> None:
        """Start, unless started already, and block until another thread calls `stop`."""
        if self._bell is None:
            self.start()
        # Short waits: a signal that arrives just before one, and on Windows any signal, goes
        # unnoticed until it ends.
        while not self._stopped.wait(_SIGNAL_SECONDS):
            pass

    def stop(self) -> None:
        """Stop accepting, let the commands under way finish, and close every connection.

        Idle clients are closed at once. A client that does not read its last replies is given up
        after two seconds. Returns when all threads have ended; does nothing when called again.
        """
        with self._lock:
            if self._bell is None or self._acceptor is None or self._stopped.is_set():
                return
            self._bell.ring()
            self._acceptor.join()
            for client in self._clients:
                client.join()
            self._bell.close()
            self._stopped.set()

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _accept(self, listener: socket.socket, bell: _Bell) -> None:
        with listener:
            listener.settimeout(0)  # never block: the client may be gone again before `accept`
            for _ in bell.arrivals(listener):
                try:
                    connection, _address = listener.accept()
                except OSError:
                    time.sleep(_ACCEPT_PAUSE_SECONDS)  # out of descriptors, perhaps: do not spin
                else:
                    self._admit(connection, bell)

    def _admit(self, connection: socket.socket, bell: _Bell) -> None:
        self._clients = [client for client in self._clients if client.is_alive()]
        if len(self._clients) >= self._max_clients:
            _turn_away(connection)
            return
        client = threading.Thread(
            target=_Client(connection, self._store, bell).serve, name="kvstore-client", daemon=True
        )
        try:
            client.start()
        except RuntimeError:  # the system has no thread left
            _turn_away(connection)
        else:
            self._clients.append(client)


class _Bell:
    """Tells every thread at once that the server stops.

    One end of a pair of sockets is closed, and the other is readable for everybody from then on:
    no polling, and it works wherever sockets do.
    """

    def __init__(self) -> None:
        self._ear, self._rope = socket.socketpair()
        self._deadline = math.inf

    def ring(self) -> None:
        self._deadline = time.monotonic() + _STOP_SECONDS
        self._rope.close()

    def close(self) -> None:
        self._rope.close()
        self._ear.close()

    @property
    def has_rung(self) -> bool:
        return self._deadline < math.inf

    @property
    def is_overdue(self) -> bool:
        """Whether it rang so long ago that nothing more may be waited for."""
        return time.monotonic() > self._deadline

    def arrivals(self, sock: socket.socket) -> Iterator[None]:
        """Yield each time the socket has something to read; end when the bell rings."""
        with _Selector() as selector:
            selector.register(sock, selectors.EVENT_READ)
            selector.register(self._ear, selectors.EVENT_READ)
            while selector.select() and not self.has_rung:
                yield


class _Client:
    """One connection: read, execute, reply, until either side has had enough."""

    def __init__(self, connection: socket.socket, store: Store, bell: _Bell) -> None:
        self._socket = connection
        self._bell = bell
        self._parser = Parser()
        self._dispatcher = Dispatcher(store)

    def serve(self) -> None:
        # An OSError means that the client is gone: nobody is left to be told.
        with self._socket, contextlib.suppress(OSError):
            self._socket.settimeout(_SEND_SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for _ in self._bell.arrivals(self._socket):
                data = self._socket.recv(_READ_BYTES)
                if not data:
                    return
                if not self._answer(data):
                    break
            _hang_up(self._socket, 0 if self._bell.has_rung else _LINGER_SECONDS)

    def _answer(self, data: bytes) -> bool:
        """Execute what has arrived and send the replies; False if the connection should close."""
        replies = bytearray()
        goes_on = True
        try:
            self._parser.feed(data)
            while goes_on and (command := self._parser.next_command()) is not None:
                replies += encode(self._dispatcher.execute(command))
                if len(replies) >= _REPLIES_BYTES:
                    self._send(replies)
                    replies = bytearray()
                goes_on = command[0].upper() != b"QUIT" and not self._bell.has_rung
        except ProtocolError as error:
            replies += encode(ErrorReply(f"ERR {error}"))
            goes_on = False
        self._send(replies)
        return goes_on

    def _send(self, replies: bytearray) -> None:
        rest = memoryview(replies)
        while rest:
            with contextlib.suppress(TimeoutError):
                rest = rest[self._socket.send(rest) :]
            if rest and self._bell.is_overdue:
                raise TimeoutError("the client did not read its replies")


def _turn_away(connection: socket.socket) -> None:
    """Refuse a client without waiting for it: this runs in the thread that accepts all others."""
    with connection, contextlib.suppress(OSError):
        connection.settimeout(0)
        connection.send(_TOO_MANY)
        _hang_up(connection, 0)


def _hang_up(connection: socket.socket, patience_seconds: float) -> None:
    """Say that no more replies come, and read what the client still sends.

    Closing with unread input would reset the connection, and the client could lose replies that it
    has not read yet.
    """
    connection.shutdown(socket.SHUT_WR)
    connection.settimeout(patience_seconds)
    for _ in range(_LINGER_READS):
        if not connection.recv(_READ_BYTES):
            return
