"""A recorder in a process of its own, under any Python, for tests of the recorder itself.

It stands without the walls and the seals of a real agent: request and reply are pickles. One
process makes many records, each in a folder of its own, or makes the same calls unrecorded.
"""

import os
import pickle
import subprocess
import sys
from pathlib import Path

from grader.powercuts.effects import Disk, Tree, is_effect, with_files
from grader.tests.race_agent import _carried_out, _plain

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60.0  # for all records of one process; what takes longer hangs


def records(package, wanted, *, python=sys.executable, is_recorded=True):
    """For each `(folder, calls, faults)` the rows of the calls, and the events."""
    done = subprocess.run(
        [python, "-m", "grader.tests.power_agent"],
        input=pickle.dumps((str(package), is_recorded, wanted)),
        capture_output=True,
        timeout=SECONDS,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"},
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return pickle.loads(done.stdout)


def tree_of(folder) -> Tree:
    """What lies in a folder."""
    paths = sorted(Path(folder).rglob("*"))
    names = {path: path.relative_to(folder).as_posix() for path in paths}
    return Tree(
        {names[path]: path.read_bytes() for path in paths if path.is_file()},
        tuple(sorted(names[path] for path in paths if path.is_dir())),
    )


def replayed(events, content=None) -> Tree:
    """What the changes that were written down amount to."""
    events = with_files(map(tuple, events))
    start = [event for event in events if event[0] == "file"]
    return Disk(Tree(content or {}), start).make(one for one in events if is_effect(one)).tree()


def _unrecorded(calls, folder):
    """Rows of calls that are made with nothing in the way."""
    from grader.agent.race.look import call_named
    from grader.agent.race.values import named_objects

    rows = []
    for _into, owner, name, args, kwargs in calls:
        named = [named_objects(value, {"folder": folder}) for value in (args, kwargs)]
        try:
            rows.append(("ok", call_named(owner, name, *named), None))
        except Exception as error:
            rows.append(("raised", type(error).__name__, getattr(error, "errno", None)))
    return {"calls": rows, "events": []}


def _serve():
    from grader.agent.disk import watch_disk
    from grader.agent.powercut.record import power_tools

    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    package, is_recorded, wanted = pickle.loads(sys.stdin.buffer.read())
    sys.path.insert(0, str(Path(package).parent))
    if is_recorded:
        watch_disk()
        record = power_tools(package)["record"]
    found = []
    for folder, calls, faults in wanted:
        Path(folder).mkdir()
        os.chdir(folder)
        if is_recorded:
            found.append(_carried_out(record, (folder, folder, calls, faults))[1])
        else:
            found.append(_unrecorded(calls, folder))
    replies.write(pickle.dumps(_plain(found)))
    replies.flush()
    os._exit(0)


if __name__ == "__main__":
    _serve()
