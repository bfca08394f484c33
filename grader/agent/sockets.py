"""A bare TCP client beside the server under test, since the agent's network reaches nobody else.

Bytes only: what they mean is for the test to say.
"""

from __future__ import annotations

import socket

_CHUNK_BYTES = 256 * 1024


class Client:
    """One connection to `host` and `port`."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data: bytes) -> None:
        """Send all of `data`."""
        self._socket.sendall(data)

    def receive(self) -> bytes:
        """Wait for bytes and return what is there; empty once the server has closed."""
        try:
            return self._socket.recv(_CHUNK_BYTES)
        except ConnectionError:
            return b""

    def finish_sending(self) -> None:
        """Tell the server that nothing more will come; replies can still be received."""
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()
