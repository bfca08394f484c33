"""What the tests of the store share: clocks, looks at the folder, threads, processes."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import kvstore
import kvstore.store
from kvstore.wal import WAL, list_segments

NS = 1_000_000_000
DEADLINE_S = 20


class FakeClock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class HastyClock:
    """A second passes whenever somebody looks."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        self.now += 1
        return self.now


def frames(folder):
    """Every frame of every segment, in order."""
    found = []
    for _, path in list_segments(folder):
        with WAL(path, "never") as wal:
            found += wal.replay(is_last=False)
    return found


def numbers(folder):
    return [number for number, _ in list_segments(folder)]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def wait_until(condition):
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.001)


def in_threads(*actions):
    threads = [threading.Thread(target=action) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)
        assert not thread.is_alive()


def fail(*arguments, **options):
    raise OSError("disk on fire")


def start_python(script, *arguments):
    home = Path(kvstore.__file__).parents[1]
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(home)},
    )
