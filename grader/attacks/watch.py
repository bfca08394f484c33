"""Looks for the harm that an attempt did: what it left, changed, read or kept running.

Only Linux says all of this; elsewhere what cannot be seen is not looked for. Invariant: `findings`
ends every process that the attempt left behind, and names it.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import resource
import secrets
import signal
import sys
import time
from pathlib import Path

from grader.course import ROOT, load_course

GRADER_BYTES_MAX = 1536 * 1024 * 1024  # what any process of an attempt may need at its peak
LEAVING_SECONDS = 3.0  # a process that was killed may take this long to be gone
_WATCHED = ("grader", "stages", "solution")
_PUBLIC_PLACES = ("/tmp", "/var/tmp", "/dev/shm", "/run", "/")  # noqa: S108  (only looked at)
_PR_SET_CHILD_SUBREAPER = 36
_LEFT_MAX = 3


def adopt_orphans() -> None:
    """Become the parent of every process below this one whose own parent ends first (prctl(2))."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Watch:
    """What an attempt in the folder `ground` must not touch, as it was at the beginning.

    `mark` is in the name of whatever the attack leaves; `temp` is where the grader works, and must
    be empty in the end. The neighbour's work and results hold a secret that must not come out.
    """

    def __init__(self, ground: Path, temp: Path, mark: str) -> None:
        self._ground = ground
        self._temp = temp
        self._mark = mark
        self._secret = f"secret-{secrets.token_hex(8)}"
        self._canaries = self._lay_canaries()
        self._checkout = _digests()

    def findings(self, texts: list[str]) -> list[str]:
        """Say in sentences what harm was done; `texts` is all that the attack got to print."""
        found = [*self._survivors(), *self._told(texts)]
        found += _changed(self._canaries)
        after = _digests()
        names = sorted(set(after.items()) ^ set(self._checkout.items()))
        found += [f"changed {name} of the checkout" for name in dict.fromkeys(n for n, _ in names)]
        found += [f"left {path} behind" for path in self._left()[:_LEFT_MAX]]
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        if sys.platform == "linux" and peak > GRADER_BYTES_MAX:
            found.append(f"made a process of the grader need {peak // 1024**2:,} MiB")
        return found

    def _lay_canaries(self) -> dict[Path, bytes]:
        canaries = {
            self._ground / "submissions" / "neighbour" / "kvstore" / "memory.py": "SECRET = {!r}\n",
            self._ground / "grades" / "neighbour" / "results.json": '{{"score": 17, "note": {!r}}}',
        }
        laid = {path: text.format(self._secret).encode() for path, text in canaries.items()}
        for path, data in laid.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return laid

    def _survivors(self) -> list[str]:
        deadline = time.monotonic() + LEAVING_SECONDS
        while (left := descendants(os.getpid())) and time.monotonic() < deadline:
            reap()
            time.sleep(0.02)
        names = [_command(pid) for pid in left]
        end_all(left)
        return [f"kept {len(left)} processes running, such as {names[0]!r}"] if left else []

    def _told(self, texts: list[str]) -> list[str]:
        said = "\n".join(texts)
        boasts = [line for line in said.splitlines() if line.lstrip().startswith(f"{self._mark} ")]
        found = [line.partition(f"{self._mark} ")[2] for line in dict.fromkeys(boasts)]
        hidden = [name for name in hidden_words() if name in said]
        if self._secret in said:
            found.append("read another submission, or its results")
        return [*found, *(f"read {hidden[0]!r}, which is hidden" for _ in hidden[:1])]

    def _left(self) -> list[Path]:
        left = sorted(self._temp.iterdir())
        places = [Path(name) for name in _PUBLIC_PLACES] + [Path.home(), ROOT, ROOT.parent]
        for place in dict.fromkeys(places):
            left += [path for path in _names_in(place) if self._mark in path.name]
        sockets = Path("/proc/net/unix")
        if sockets.is_file() and self._mark in sockets.read_text(errors="replace"):
            left.append(Path("an abstract socket"))
        return left


def hidden_words() -> list[str]:
    """How the hidden test files begin: words that no student can know."""
    paths = [p for stage in load_course().stages for p in stage.hidden_tests.glob("test_*.py")]
    return [path.read_text(encoding="utf-8").partition("\n")[0].strip('"') for path in paths]


def descendants(pid: int) -> list[int]:
    """Return the processes below `pid` that are not dead, wherever the system tells."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] not in "ZX":
            children.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    found, pending = [], [pid]
    while pending:
        below = children.get(pending.pop(), [])
        found += below
        pending += below
    return found


def end_all(pids: list[int]) -> None:
    """Kill these processes, which this one or its children started."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    reap()


def reap() -> None:
    """Take note of orphans that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _command(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return str(pid)
    return b" ".join(words)[:80].decode("utf-8", "replace")


def _digests() -> dict[str, str]:
    paths = [p for folder in _WATCHED for p in (ROOT / folder).rglob("*") if p.is_file()]
    kept = [path for path in paths if "__pycache__" not in path.parts]
    return {
        str(path.relative_to(ROOT)): hashlib.sha256(path.read_bytes()).hexdigest() for path in kept
    }


def _changed(canaries: dict[Path, bytes]) -> list[str]:
    """Say which of these files are not as they were, or not alone in their folder any more."""
    found = []
    for path, data in canaries.items():
        if path.is_symlink() or not path.is_file() or path.read_bytes() != data:
            found.append(f"changed the neighbour's {path.name}")
        more = [other.name for other in _names_in(path.parent) if other != path]
        found += [f"put {more[0]} beside the neighbour's {path.name}"] if more else []
    return found


def _names_in(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
