"""Everything that a test of the course may import.

A test is a function with a docstring that says the behaviour in one sentence, and `@points(...)`.
It asks for fixtures:

- `kv`: the package under test, which lives in another process: `kv.MemoryStore()`,
  `kv.wal.segment_path(...)`, `kv.raises("LockError")`, `kv.kill()`, `kv.at_once(...)`,
  `kv.actor("reader")`, `kv.connect(server)`; see `KV`.
- `kv_beside`: the same in a second process on the same folder, for what two processes do at once.
- `clock`: a clock that stands still until the test moves it; pass it as `clock=clock`.
- `data_dir`: an empty folder that both the test and the package can write to.
- `races`: the race finder: `races.explore(memory, aim=["incr"])`; see `Races`.
- `rng`: a `random.Random` with the run's seed, which the package never sees.

A comparison is written `assert actual == expected`: a failure shows the right side as "expected".
"""

from grader.oracle.workload import Workload
from grader.testkit import formats
from grader.testkit.actor import Actor
from grader.testkit.client import Client
from grader.testkit.clock import Clock
from grader.testkit.history import Record
from grader.testkit.kv import KV
from grader.testkit.log_subjects import FailingLogSubject, LogSubject
from grader.testkit.marks import points
from grader.testkit.more_subjects import DispatcherSubject, FolderSubject
from grader.testkit.program import Program
from grader.testkit.races import Races
from grader.testkit.snapshot_subjects import IdleSubject, LeftSubject, SnapshotSubject
from grader.testkit.subjects import LockSubject, MemorySubject, StoreSubject, dead_key
from grader.testkit.values import eventually, random_key, random_value

__all__ = [
    "KV",
    "Actor",
    "Client",
    "Clock",
    "DispatcherSubject",
    "FailingLogSubject",
    "FolderSubject",
    "IdleSubject",
    "LeftSubject",
    "LockSubject",
    "LogSubject",
    "MemorySubject",
    "Program",
    "Races",
    "Record",
    "SnapshotSubject",
    "StoreSubject",
    "Workload",
    "dead_key",
    "eventually",
    "formats",
    "points",
    "random_key",
    "random_value",
]
