"""TCP: many clients at once, a thread for each, and one store that they share."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING

from .commands import Dispatcher
from .errors import ProtocolError
from .protocol import ErrorReply, Parser, encode

if TYPE_CHECKING:
    from .store import Store

_READ_BYTES = 65_536
_GATHER_BYTES = 65_536  # replies are sent at the latest when so many bytes have gathered
_LINGER_SECONDS = 0.5  # how long to go on reading after the last reply, so that it arrives
_GIVE_UP_SECONDS = 2.0


class Server:
    """Serves a store over TCP from background threads."""

    def __init__(
        self, store: Store, host: str = "127.0.0.1", port: int = 0, *, max_clients: int = 1000
    ) -> None:
        self._store = store
        self._where = (host, port)
        self._max_clients = max_clients
        self._address: tuple[str, int] | None = None
        # Protects the fields below. Never held across a call that may wait for a client.
        self._lock = threading.Lock()
        self._started = False
        self._clients: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()
        self._stopping = threading.Event()
        self._stopped = threading.Event()

    def start(self) -> None:
        """Bind, and serve from then on."""
        with self._lock:
            if self._started or self._stopping.is_set():
                raise RuntimeError("a server starts only once")
            self._listener = socket.create_server(self._where)
            self._listener.setblocking(False)
            self._address = self._listener.getsockname()[:2]
            self._waker, self._wake_end = socket.socketpair()
            self._acceptor = threading.Thread(target=self._accept_clients, daemon=True)
            self._acceptor.start()
            self._started = True

    @property
    def address(self) -> tuple[str, int]:
        """The host and port really bound; raises `RuntimeError` before `start`."""
        if self._address is None:
            raise RuntimeError("the server has not started")
        return self._address

    def serve_forever(self) -> None:
        """Start, unless started already, and block until another thread calls `stop`."""
        if not self._started:
            self.start()
        while not self._stopped.wait(0.2):
            pass

    def stop(self) -> None:
        """Stop accepting, let the commands under way finish, and close every connection."""
        with self._lock:
            if self._stopping.is_set():
                return
            self._stopping.set()
        if self._started:
            self._waker.close()
            self._acceptor.join()
            self._listener.close()
            self._wake_end.close()
            self._shut_clients(socket.SHUT_RD)
            deadline = time.monotonic() + _GIVE_UP_SECONDS
            self._join_clients(deadline)
            self._shut_clients(socket.SHUT_RDWR)
            self._join_clients(None)
        self._stopped.set()

    def _shut_clients(self, how: int) -> None:
        with self._lock:
            for client in self._clients:
                with contextlib.suppress(OSError):
                    client.shutdown(how)

    def _join_clients(self, deadline: float | None) -> None:
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))

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

    # One thread accepts.

    def _accept_clients(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._wake_end, selectors.EVENT_READ)
            while True:
                selector.select()
                if self._stopping.is_set():
                    return
                try:
                    client, _ = self._listener.accept()
                except BlockingIOError:
                    continue
                except OSError:  # no more descriptors, say
                    self._stopping.wait(0.05)
                    continue
                client.setblocking(True)
                self._admit(client)

    def _admit(self, client: socket.socket) -> None:
        with self._lock:
            self._threads = {thread for thread in self._threads if thread.is_alive()}
            is_full = len(self._clients) >= self._max_clients
            if not is_full:
                self._clients.add(client)
                thread = threading.Thread(target=self._serve_client, args=(client,), daemon=True)
                thread.start()
                self._threads.add(thread)
        if is_full:
            client.settimeout(0.05)
            with client, contextlib.suppress(OSError):
                client.sendall(encode(ErrorReply("ERR max number of clients reached")))
                client.shutdown(socket.SHUT_WR)
                client.recv(_READ_BYTES)  # unread input would turn the close into a reset

    # One thread for each client.

    def _serve_client(self, client: socket.socket) -> None:
        try:
            with contextlib.suppress(OSError):
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if not self._talk(client):
                    _say_goodbye(client)
        finally:
            with self._lock:
                self._clients.discard(client)
                client.close()

    def _talk(self, client: socket.socket) -> bool:
        """Answer until the client leaves or the server stops; False after a protocol error."""
        parser = Parser()
        dispatcher = Dispatcher(self._store)
        while data := client.recv(_READ_BYTES):
            parser.feed(data)
            replies = bytearray()
            try:
                while (command := parser.next_command()) is not None:
                    replies += encode(dispatcher.execute(command))
                    if self._stopping.is_set():
                        break
                    if len(replies) >= _GATHER_BYTES:
                        client.sendall(replies)
                        replies.clear()
            except ProtocolError as error:
                replies += encode(ErrorReply(f"ERR Protocol error: {error}"))
                client.sendall(replies)
                return False
            if replies:
                client.sendall(replies)
            if self._stopping.is_set():
                break
        return True


def _say_goodbye(client: socket.socket) -> None:
    """End the connection so that the last reply arrives although there is unread input."""
    client.shutdown(socket.SHUT_WR)
    client.settimeout(_LINGER_SECONDS)
    deadline = time.monotonic() + _LINGER_SECONDS
    while client.recv(_READ_BYTES) and time.monotonic() < deadline:
        pass
