"""What a fresh agent and a call cost: `python -m grader.benchmarks.agent_cost`.

A start is from nothing to the first answer: of an agent without any walls, and behind each
isolation that works here, in turns so that all meet the same machine; beside it the start of a bare
Python. What walls add is the difference to none. A call is `store.get(key)` from a test's handle
and back, beside the same call made directly.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from grader.remote.process import AgentProcess, choose_isolation
from grader.remote.session import Session
from grader.remote.trace import Trace
from grader.sandbox import Isolation, IsolationError, Walls, candidates, find_isolation
from grader.testkit.kv import KV

STARTS = 30
CALLS = 5_000
BARE = "bare Python"
NO_WALLS = Isolation("none", "no walls", (), lambda *_: _no_walls())
PACKAGE = "class MemoryStore:\n    def get(self, key):\n        return b'value'\n"


class Direct:
    """The same class, without a pipe in between."""

    def get(self, _key: str) -> bytes:
        """Return a value."""
        return b"value"


def main() -> None:
    """Measure, and print medians."""
    with tempfile.TemporaryDirectory(prefix="kv-cost-") as name:
        folder = Path(name).resolve()
        package = folder / "package" / "kvstore"
        package.mkdir(parents=True)
        (package / "memory.py").write_text(PACKAGE, encoding="utf-8")
        starts: dict[str, Callable[[], Session | None]] = {BARE: _start_bare}
        for isolation in _working():
            work_dir = folder / isolation.key
            work_dir.mkdir()
            starts[isolation.key] = partial(_start, isolation, package, work_dir)
        _print_starts(_in_turns(starts))
        work_dir = folder / "calls"
        work_dir.mkdir()
        _print_calls(_start(choose_isolation(), package, work_dir), package)


def _no_walls() -> Walls:
    walls = find_isolation("rlimits").walls(Path(), Path())
    return replace(walls, confine={"probe": walls.confine["probe"]})


def _working() -> list[Isolation]:
    found = [NO_WALLS]
    for isolation in candidates():
        try:
            found.append(choose_isolation(isolation.key))
        except IsolationError as problem:
            print(problem)  # noqa: T201
    return found


def _start(isolation: Isolation, package: Path, work_dir: Path) -> Session:
    session = Session(lambda: AgentProcess(isolation, package, work_dir), Trace())
    session.ask("len", "function", "len", ([],))
    return session


def _start_bare() -> None:
    subprocess.run([sys.executable, "-c", ""], check=True)


def _in_turns(starts: dict[str, Callable[[], Session | None]]) -> dict[str, float]:
    """The median time of each, in milliseconds."""
    times: dict[str, list[float]] = {name: [] for name in starts}
    for _ in range(STARTS):
        for name, start in starts.items():
            started = time.perf_counter()
            session = start()
            times[name].append((time.perf_counter() - started) * 1000)
            if session is not None:
                session.kill()
    return {name: statistics.median(taken) for name, taken in times.items()}


def _milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def _print_starts(medians: dict[str, float]) -> None:
    least = medians[NO_WALLS.key]
    for name, median in medians.items():
        compared = f"{median - least:+6.1f} ms, ratio {median / least:.2f}"
        print(f"{name:30} {median:6.1f} ms  to no walls {compared}")  # noqa: T201


def _print_calls(session: Session, package: Path) -> None:
    store, own = KV(session, package, {}).MemoryStore(), Direct()
    remote = statistics.median(_milliseconds(lambda: store.get("key")) for _ in range(CALLS))
    direct = statistics.median(_milliseconds(lambda: own.get("key")) for _ in range(CALLS))
    session.kill()
    print(f"call through a handle {remote * 1000:.0f} us, direct {direct * 1000:.2f} us")  # noqa: T201


if __name__ == "__main__":
    main()
