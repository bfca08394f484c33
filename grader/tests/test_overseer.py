"""What an agent and all that it starts may use together."""

import sys

import pytest

from grader.remote import overseer
from grader.remote.failures import ProcessDied
from grader.removal import remove_tree

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells so much")

GLUTTON = """
    import os, threading, time

    class MemoryStore:
        def fork_and_fill(self):
            for _ in range(4):
                if os.fork() == 0:
                    hoard = bytearray(os.urandom(1024)) * 60_000
                    time.sleep(60)
            time.sleep(60)

        def start_threads(self):
            for _ in range(40):
                threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
            time.sleep(60)

        def fill(self):
            with open("data/file", "wb") as file:
                file.write(bytes(30_000_000))
            time.sleep(60)

        def fill_unseen(self):
            self.file = open("data/file", "wb")
            os.unlink("data/file")
            self.file.write(bytes(30_000_000))
            self.file.flush()
            time.sleep(60)

        def litter(self):
            for number in range(300):
                open(f"data/{number}", "w").close()
            time.sleep(60)

        def dig(self):
            os.chdir("data")
            for _ in range(100):
                os.mkdir("d")
                os.chdir("d")
            time.sleep(60)

        def rest(self):
            return "rested"
"""

CASES = [
    ("fork_and_fill", "TREE_MEMORY_BYTES_MAX", 150_000_000, "used more than .* of memory"),
    ("start_threads", "TREE_THREADS_MAX", 30, "ran more than 30 processes and threads"),
    ("fill", "FOLDER_BYTES_MAX", 10_000_000, "wrote more than .* to the disk"),
    ("fill_unseen", "FOLDER_BYTES_MAX", 10_000_000, "wrote more than .* to the disk"),
    ("litter", "FOLDER_FILES_MAX", 200, "made more than 200 files"),
    ("dig", "FOLDER_DEPTH_MAX", 64, "made folders more than 64 deep in each other"),
]


@pytest.mark.parametrize(("method", "limit", "value", "reason"), CASES)
def test_who_uses_too_much_is_stopped_and_told_why(
    kv_of, monkeypatch, tmp_path, method, limit, value, reason
):
    monkeypatch.setattr(overseer, limit, value)
    kv = kv_of(30.0, memory=GLUTTON)
    store = kv.MemoryStore()
    with pytest.raises(ProcessDied, match=rf"^store\.{method}\(\) {reason}$"):
        getattr(store, method)()
    kv.kill()
    for entry in (tmp_path / "work" / "data").iterdir():
        remove_tree(entry) if entry.is_dir() else entry.unlink()
    assert kv.MemoryStore().rest() == "rested"
