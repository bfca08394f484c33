"""Whole messages over a pair of pipes, with a deadline on each.

On Linux and macOS the descriptors are polled. Windows cannot poll a pipe, so there a thread reads
ahead; that variant works everywhere, and is tested everywhere.
"""

from __future__ import annotations

import os
import queue
import select
import struct
import threading
import time
from typing import Protocol

from grader.agent.wire import MESSAGE_BYTES_MAX

_LENGTH = struct.Struct(">I")
_CHUNK_BYTES = 1024 * 1024


class PipeTimeoutError(Exception):
    """The deadline passed."""


class PipeClosedError(Exception):
    """The other end is gone, or does not speak in messages."""


class Pipes(Protocol):
    """Deadlines are absolute times of `time.monotonic()`."""

    def send(self, message: bytes, deadline: float) -> None:
        """Write one message."""

    def receive(self, deadline: float) -> bytes:
        """Read one message."""


class PolledPipes:
    """Pipes whose descriptors can be polled; both are made non-blocking."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading, self._writing = reading, writing
        self._buffer = bytearray()
        os.set_blocking(reading, False)
        os.set_blocking(writing, False)
        self._readable = select.poll()
        self._readable.register(reading, select.POLLIN)
        self._writable = select.poll()
        self._writable.register(writing, select.POLLOUT)

    def send(self, message: bytes, deadline: float) -> None:
        """Write one message; raises `PipeTimeoutError` or `PipeClosedError`."""
        data = memoryview(_LENGTH.pack(len(message)) + message)
        while data:
            try:
                data = data[os.write(self._writing, data) :]
            except BlockingIOError:
                _wait(self._writable, deadline)
            except OSError as problem:
                raise PipeClosedError(str(problem)) from None

    def receive(self, deadline: float) -> bytes:
        """Read one message; raises `PipeTimeoutError` or `PipeClosedError`."""
        (length,) = _LENGTH.unpack(self._take(_LENGTH.size, deadline))
        if length > MESSAGE_BYTES_MAX:
            raise PipeClosedError("it sent a reply that is too large")
        return self._take(length, deadline)

    def _take(self, count: int, deadline: float) -> bytes:
        while len(self._buffer) < count:
            _wait(self._readable, deadline)
            chunk = os.read(self._reading, _CHUNK_BYTES)
            if not chunk:
                raise PipeClosedError("its pipe closed")
            self._buffer += chunk
        taken = bytes(memoryview(self._buffer)[:count])
        del self._buffer[:count]
        return taken


def _wait(poller: select.poll, deadline: float) -> None:
    left = deadline - time.monotonic()
    if left <= 0 or not poller.poll(left * 1000):
        raise PipeTimeoutError


class ThreadedPipes:
    """Pipes read by a thread of their own, for systems that cannot poll them."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading, self._writing = reading, writing
        self._messages: queue.Queue[bytes | None] = queue.Queue()
        threading.Thread(target=self._read_ahead, daemon=True).start()

    def send(self, message: bytes, deadline: float) -> None:
        """Write one message; raises `PipeTimeoutError` or `PipeClosedError`."""
        failures: list[OSError] = []
        thread = threading.Thread(target=self._write, args=(message, failures), daemon=True)
        thread.start()
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            raise PipeTimeoutError
        if failures:
            raise PipeClosedError(str(failures[0]))

    def receive(self, deadline: float) -> bytes:
        """Read one message; raises `PipeTimeoutError` or `PipeClosedError`."""
        try:
            message = self._messages.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise PipeTimeoutError from None
        if message is None:
            self._messages.put(None)
            raise PipeClosedError("its pipe closed")
        return message

    def _write(self, message: bytes, failures: list[OSError]) -> None:
        data = memoryview(_LENGTH.pack(len(message)) + message)
        try:
            while data:
                data = data[os.write(self._writing, data) :]
        except OSError as problem:
            failures.append(problem)

    def _read_ahead(self) -> None:
        while (header := self._take(_LENGTH.size)) is not None:
            (length,) = _LENGTH.unpack(header)
            message = self._take(length) if length <= MESSAGE_BYTES_MAX else None
            if message is None:
                break
            self._messages.put(message)
        self._messages.put(None)

    def _take(self, count: int) -> bytes | None:
        taken = bytearray()
        while len(taken) < count:
            try:
                chunk = os.read(self._reading, min(count - len(taken), _CHUNK_BYTES))
            except OSError:
                return None
            if not chunk:
                return None
            taken += chunk
        return bytes(taken)


def pipes_for(reading: int, writing: int) -> Pipes:
    """Return the pipes that suit this system."""
    if hasattr(select, "poll"):
        return PolledPipes(reading, writing)
    return ThreadedPipes(reading, writing)
