"""One agent process: started behind walls, asked one thing at a time, and killed with all its
children.

The parent holds the clock. What the process prints is read by a thread that keeps the beginning and
the end, and that stops a process which prints without end.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import IO

from grader.agent.wire import WireError, decode, encode
from grader.remote.failures import CallTimeout, ProcessDied
from grader.remote.pipes import PipeClosedError, PipeTimeoutError, pipes_for
from grader.sandbox import Isolation, strongest

START_SECONDS = 10.0
OUTPUT_BYTES_KEPT = 8 * 1024
OUTPUT_BYTES_MAX = 16 * 1024 * 1024


class AgentStartError(RuntimeError):
    """An agent did not come up behind its walls: the grader's or the machine's fault."""


class Output:
    """What a process printed: the first and the last kilobytes.

    `stop` is called, once, when it was too much; `flooded` then says so.
    """

    def __init__(self, stream: IO[bytes], stop: Callable[[], None]) -> None:
        self._stream = stream
        self._stop = stop
        self._first, self._last, self._total = bytearray(), bytearray(), 0
        self.flooded = False
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
            self._total += len(chunk)
            if self._total > OUTPUT_BYTES_MAX and not self.flooded:
                self.flooded = True
                self._stop()  # and read on: it must not learn from a closed pipe that it is over


class AgentProcess:
    """An agent for the package in `package_dir` that may write to `work_dir`."""

    def __init__(self, isolation: Isolation, package_dir: Path, work_dir: Path) -> None:
        walls = isolation.walls(package_dir, work_dir)
        self._process = subprocess.Popen(
            walls.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=walls.environment,
            cwd=work_dir,
            bufsize=0,
            start_new_session=True,
        )
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stderr
        self._pipes = pipes_for(self._process.stdout.fileno(), self._process.stdin.fileno())
        self._output = Output(self._process.stderr, lambda: _kill_tree(self._process))
        self._settings = encode({"package_dir": str(package_dir), "confine": walls.confine})
        self._ready = False
        self._killed = False

    def request(self, message: bytes, seconds: float, doing: str) -> bytes:
        """Send one message and return the reply; raises `CallTimeout` or `ProcessDied`, and then it
        is dead.
        """
        self._await_ready()
        try:
            deadline = time.monotonic() + seconds
            self._pipes.send(message, deadline)
            return self._pipes.receive(deadline)
        except PipeTimeoutError:
            self.kill()
            raise CallTimeout(f"{doing} did not return within {seconds:g} s") from None
        except PipeClosedError:
            raise ProcessDied(self._cause_of_death(doing)) from None

    def output(self) -> str:
        """What the code under test printed, once it is closed."""
        return self._output.text()

    def kill(self) -> None:
        """End the process and everything that it started, at once, as a power switch would."""
        if not self._killed:
            self._killed = True
            _kill_tree(self._process)  # also of a process that has ended: it may have children
        self._process.wait()

    def close(self) -> None:
        """Kill the process and give back its pipes."""
        self.kill()
        self._output.text()
        for stream in (self._process.stdin, self._process.stdout):  # the reader closes the third
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _await_ready(self) -> None:
        """Wait for the start, which is the grader's own affair: no code under test has run yet."""
        if self._ready:
            return
        deadline = time.monotonic() + START_SECONDS
        try:
            self._pipes.send(self._settings, deadline)
            decode(self._pipes.receive(deadline))
        except (PipeTimeoutError, PipeClosedError, WireError) as problem:
            self.kill()
            said = self.output().strip().rpartition("\n")[2]
            raise AgentStartError(f"an agent did not start: {said or problem!r}") from None
        self._ready = True

    def _cause_of_death(self, doing: str) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.5)
        code = self._process.poll()
        self.kill()
        if self._output.flooded:
            return f"{doing} printed more than {OUTPUT_BYTES_MAX:,} bytes"
        if code is None:
            return f"{doing} broke the connection to the grader"
        number = -code if code < 0 else code - 128
        if number > 0 and number in signal.valid_signals():
            return f"{doing} ended the process by {signal.Signals(number).name}"
        return f"{doing} ended the process with exit code {code}"


def _kill_tree(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True)  # noqa: S607
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


@cache
def isolation_in_force() -> Isolation:
    """The strongest isolation of this machine, found once by starting an agent behind each."""
    return strongest(_works)


def _works(isolation: Isolation) -> bool:
    with tempfile.TemporaryDirectory(prefix="kv-trial-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        package = folder / "package" / "kvstore"
        work = folder / "work"
        package.mkdir(parents=True)
        work.mkdir()
        try:
            agent = AgentProcess(isolation, package, work)
        except OSError:
            return False
        try:
            agent.request(encode(((), "function", "len", ([],))), START_SECONDS, "the trial")
        except (AgentStartError, CallTimeout, ProcessDied):
            return False
        else:
            return True
        finally:
            agent.close()
