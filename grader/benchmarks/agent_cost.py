"""What a fresh agent and a call cost: `python -m grader.benchmarks.agent_cost`.

A start is from nothing to the first answer, sandbox included, beside the start of a bare Python. A
call is `store.get(key)` from a test's handle and back, beside the same call made directly.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from grader.remote.process import AgentProcess, isolation_in_force
from grader.remote.session import Session
from grader.remote.trace import Trace
from grader.testkit.kv import KV

STARTS = 30
CALLS = 5_000
PACKAGE = "class MemoryStore:\n    def get(self, key):\n        return b'value'\n"


class Direct:
    """The same class, without a pipe in between."""

    def get(self, _key: str) -> bytes:
        """Return a value."""
        return b"value"


def main() -> None:
    """Measure, and print medians."""
    with tempfile.TemporaryDirectory(prefix="kv-cost-") as name:
        package = Path(name).resolve() / "package" / "kvstore"
        package.mkdir(parents=True)
        for folder in (package.parent.parent, package.parent):
            folder.chmod(0o755)
        (package / "memory.py").write_text(PACKAGE, encoding="utf-8")
        work_dir = package.parent.parent / "work"
        work_dir.mkdir()
        _measure(package, work_dir)


def _measure(package: Path, work_dir: Path) -> None:
    isolation = isolation_in_force()
    agents: list[Session] = []

    def start() -> None:
        session = Session(lambda: AgentProcess(isolation, package, work_dir), Trace())
        session.ask("len", "function", "len", ([],))
        agents.append(session)

    bare = _median_ms(STARTS, lambda: subprocess.run([sys.executable, "-c", ""], check=True))
    fresh = _median_ms(STARTS, start)
    store = KV(agents[-1], package, {}).MemoryStore()
    remote = _median_ms(CALLS, lambda: store.get("key")) * 1000
    own = Direct()
    direct = _median_ms(CALLS, lambda: own.get("key")) * 1000
    for session in agents:
        session.kill()
    print(f"isolation: {isolation.name}")  # noqa: T201
    print(f"fresh agent {fresh:.1f} ms, bare Python {bare:.1f} ms, ratio {fresh / bare:.2f}")  # noqa: T201
    print(f"call through a handle {remote:.0f} us, direct {direct:.2f} us")  # noqa: T201


def _median_ms(times: int, work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds) * 1000


if __name__ == "__main__":
    main()
