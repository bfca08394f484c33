"""A headless Chromium for checks: opens a page, asks it questions, presses its buttons, draws it.

It is spoken to in the DevTools protocol over two pipes (`--remote-debugging-pipe`: JSON messages,
each ended by a NUL byte, on its descriptors 3 and 4), so no port is opened and no driver is needed.
See https://chromedevtools.github.io/devtools-protocol/. POSIX only, as the checks are.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import itertools
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SECONDS_MAX = 30.0
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe"),
)
# Moves the two ends to the numbers that the browser expects, and becomes the browser.
_START = """
import os, sys
for number, end in enumerate(sys.argv[1:3], 3):
    os.dup2(int(end), number)
os.execv(sys.argv[3], sys.argv[3:])
"""


def find_chromium() -> str | None:
    """The program, None where it is not installed."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


@contextmanager
def open_chromium(profile: Path) -> Iterator[Browser]:
    """Start a browser that keeps its things in the new folder `profile`."""
    program = find_chromium()
    assert program is not None
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (to_read, from_write)]
    helper = [sys.executable, "-c", _START, *map(str, ends)]
    process = subprocess.Popen(
        [*helper, program, *_OPTIONS, f"--user-data-dir={profile}"],
        pass_fds=ends,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for end in (to_read, from_write, *ends):
        os.close(end)
    try:
        yield Browser(to_write, from_read)
    finally:
        os.close(to_write)  # which tells it to end
        try:
            process.wait(SECONDS_MAX)
        finally:
            os.close(from_read)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class Browser:
    """One tab of a running browser."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to = to_browser
        self._from = from_browser
        self._ids = itertools.count(1)
        self._waiting = b""
        self._session = ""
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Log", "Runtime", "Network"):
            self.call(f"{domain}.enable")

    def open(self, page: Path, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Load a page of the disk and wait until it is there."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        self.events.clear()
        self.call("Page.navigate", url=page.resolve().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self._receive(time.monotonic() + SECONDS_MAX))

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression on the page; what it throws is an AssertionError."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def draw(self, picture: Path, *, whole: bool = True) -> bytes:
        """Write a PNG of the page, or only of what the window shows, and return its bytes."""
        answer = self.call("Page.captureScreenshot", captureBeyondViewport=whole, format="png")
        data = base64.b64decode(answer["data"])
        picture.write_bytes(data)
        return data

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol; events that come meanwhile are kept."""
        number = next(self._ids)
        message = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + SECONDS_MAX
        while True:
            answer = self._receive(deadline)
            if "method" in answer:
                self.events.append(answer)
            elif answer.get("id") == number:
                assert "error" not in answer, (method, answer["error"])
                result: dict[str, Any] = answer["result"]
                return result

    def _receive(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._waiting:
            left = max(deadline - time.monotonic(), 0.0)
            ready, _, _ = select.select([self._from], [], [], left)
            assert ready, "the browser did not answer in time"
            data = os.read(self._from, 1 << 20)
            assert data, "the browser is gone"
            self._waiting += data
        message, _, self._waiting = self._waiting.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        return answer
