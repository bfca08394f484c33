"""A bare TCP client beside the server under test, since the agent's network reaches nobody else.

Bytes only: what they mean is for the test to say.
"""

from __future__ import annotations

import _socket

from .primitives import opaque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_CHUNK_BYTES = 256 * 1024

_Socket = _socket.socket
_blank, _init = _Socket.__new__, _Socket.__init__
_connect, _set_option = _Socket.connect, _Socket.setsockopt
_receive, _shutdown = _Socket.recv, _Socket.shutdown
send_all, set_timeout, close_connection = _Socket.sendall, _Socket.settimeout, _Socket.close


def connect(host: str, port: int) -> tuple[str, Any]:
    """Make a connection to `host` and `port`, a tool with `send(data)`, `receive()` (waits for
    bytes; empty once the server has closed), `finish_sending()` and `close()`.
    """
    connection = open_connection(host, port)
    actions: dict[str, Callable[..., Any]] = {
        "send": lambda data: send_all(connection, data),
        "receive": lambda: receive(connection),
        "finish_sending": lambda: _shutdown(connection, _socket.SHUT_WR),
        "close": lambda: close_connection(connection),
    }
    return "ok", opaque(lambda name, *args: ("ok", actions[name](*args)))


def open_connection(host: str, port: int) -> Any:
    """Return a socket that is connected to `host` and `port`."""
    connection = _blank(_Socket)
    _init(connection, _socket.AF_INET6 if ":" in host else _socket.AF_INET, _socket.SOCK_STREAM)
    _connect(connection, (host, port))
    _set_option(connection, _socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
    return connection


def receive(connection: Any) -> bytes:
    """Wait for bytes; none once the other side has closed, in whatever way."""
    try:
        return _receive(connection, _CHUNK_BYTES)
    except ConnectionError:
        return b""
