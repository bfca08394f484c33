"""Run `python -m kvstore …` as a program of its own, inside the same walls as the agent."""

from __future__ import annotations

import os
import sys

# The same start as the agent's: no site, no user folder, no environment of the caller's.
_RUN = (
    "import runpy, sys; sys.path.insert(0, sys.argv.pop(1));"
    " runpy.run_module('kvstore', run_name='__main__', alter_sys=True)"
)


class Program:
    """One run of the package under test's command line."""

    def __init__(self, package_parent: str, args: list[str]) -> None:
        import subprocess  # few tests need it, and it would take a quarter of an agent's start

        self._process = subprocess.Popen(
            [
                sys.executable,
                "-s",
                "-S",
                "-P",
                "-B",
                "-X",
                "utf8",
                "-c",
                _RUN,
                package_parent,
                *args,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )

    def read_line(self) -> bytes:
        """Wait for the next line of standard output; empty at its end."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def interact(self, text: bytes) -> tuple[bytes, bytes, int]:
        """Send `text`, end the input, wait for the program to end: its output, its errors, its exit
        code.
        """
        output, errors = self._process.communicate(text)
        return output, errors, self._process.returncode

    def interrupt(self, name: str) -> None:
        """Send a signal by name, such as `SIGTERM`."""
        import signal

        self._process.send_signal(getattr(signal, name))
