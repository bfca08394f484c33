"""What an agent prints: read by a thread, so that no pipe fills up, and kept in part."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import IO

OUTPUT_BYTES_KEPT = 8 * 1024
OUTPUT_BYTES_MAX = 16 * 1024 * 1024


class Output:
    """What a process printed: the first and the last kilobytes.

    `stop` is called, once, when it was too much.
    """

    def __init__(self, stream: IO[bytes], stop: Callable[[], None]) -> None:
        self._stream = stream
        self._stop = stop
        self._first, self._last, self._total = bytearray(), bytearray(), 0
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()

    def text(self) -> str:
        """All that was printed until the process ended; a mark stands for a middle left out."""
        self._thread.join(0.5)
        left_out = self._total - len(self._first) - len(self._last)
        mark = f"\n… {left_out:,} bytes left out …\n".encode() if left_out > 0 else b""
        return bytes(self._first + mark + self._last).decode("utf-8", "replace")

    def _drain(self) -> None:
        with self._stream:
            self._keep_all(self._stream.fileno())

    def _keep_all(self, descriptor: int) -> None:
        while chunk := os.read(descriptor, 65536):
            room = OUTPUT_BYTES_KEPT - len(self._first)
            self._first += chunk[:room]
            self._last = (self._last + chunk[room:])[-OUTPUT_BYTES_KEPT:]
            too_much = self._total <= OUTPUT_BYTES_MAX < self._total + len(chunk)
            self._total += len(chunk)
            if too_much:
                self._stop()  # and read on: it must not learn from a closed pipe that it is over
