"""Write the golden files anew: `python -m grader.checks.make_golden`; see `grader.testkit.golden`.

Only for a new folder, or a format that changed on purpose: the files of today must open for ever.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from grader.course import REFERENCE_DIR, load_course
from grader.oracle.history import Op
from grader.powercuts.agent import PowerAgent
from grader.powercuts.effects import Tree, is_effect
from grader.powercuts.subject import Contents, Subject
from grader.remote.process import choose_isolation
from grader.remote.session import Session
from grader.remote.trace import Trace
from grader.testkit import formats
from grader.testkit.formats import DELETE, EXPIRE, SET
from grader.testkit.golden import HOME
from grader.testkit.histories_on_disk import LogHistory, StoreHistory
from grader.unit import assemble
from grader.unit.bench import Bench

History = Sequence[Op]

_NOW = 1_700_000_000_000_000_000  # unix ns
_BATCH = (
    (SET, _NOW, "цвет", "синий".encode()),
    (SET, _NOW, "😀", b""),
    (EXPIRE, _NOW, "😀", formats.deadline(_NOW + 1)),
    (EXPIRE, _NOW, "😀", b""),
    (DELETE, _NOW, "цвет", b""),
)
_FIRST_SESSION: History = (
    ("set", ("a", b"1")),
    ("set", ("ключ", b"\x00\r\nKVLG")),
    ("set", ("empty", b"")),
    ("setnx", ("a", b"lost")),
    ("setnx", ("n", b"41")),
    ("expire", ("n", 5000)),
    ("incr", ("n",)),
    ("incr", ("below", -7)),
    ("expire_at", ("empty", _NOW + 10**15)),
    ("apply_batch", ([("set", "left", b"1"), ("set", "right", b"2"), ("expire", "left", 900)],)),
    ("delete", ("nobody",)),
)
_SECOND_SESSION: History = (
    ("persist", ("empty",)),
    ("delete", ("a",)),
    ("set", ("left", bytes(range(256)))),
    ("apply_batch", ([("delete", "right"), ("set", "é€", b"x"), ("persist", "left")],)),
    ("expire", ("below", -1)),
)

LOG = LogHistory()
STORE = StoreHistory()
WANTED: dict[str, tuple[Subject, tuple[History, ...]]] = {
    "log": (
        LOG,
        (
            (
                ("append", ((SET, _NOW, "a", b"1"),)),
                ("append", ((SET, -(2**63), "k" * 300, bytes(range(256))),)),
                ("append", _BATCH),
                ("append", ((EXPIRE, 2**63 - 1, "a", formats.deadline(-1)),)),
                ("append", ((DELETE, 0, "a", b""),)),
            ),
        ),
    ),
    "store": (STORE, (_FIRST_SESSION, _SECOND_SESSION)),
    "snapshots": (STORE, ((*_FIRST_SESSION, ("snapshot", ()), *_SECOND_SESSION), _FIRST_SESSION)),
}


def main() -> None:
    """Write all of them."""
    for name, (subject, sessions) in WANTED.items():
        files = written_by(REFERENCE_DIR, subject, sessions)
        (HOME / name).mkdir(exist_ok=True)
        for file, data in files.items():
            (HOME / name / file).write_bytes(data)
        told = {"sessions": sessions, **_meaning(subject, sessions, files)}
        text = json.dumps(told, default=_hex, ensure_ascii=False, indent=1)
        (HOME / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")


def written_by(package: Path, subject: Subject, sessions: Sequence[History]) -> dict[str, bytes]:
    """The segments and snapshots that a package leaves after these sessions."""
    tree = Tree({})
    with _agent(package) as agent:
        for history in sessions:
            calls = [*subject.open(), *subject.calls([*history, ("close", ())])]
            recorded = agent.record(subject, calls, tree)
            failed = [answer.refusal for answer in recorded.answers if answer.refusal]
            assert not failed, failed
            tree = recorded.disk().make(filter(is_effect, recorded.events)).tree()
    return {name: data for name, data in sorted(tree.files.items()) if name != "LOCK"}


def opened_by(package: Path, subject: Subject, files: Mapping[str, bytes]) -> Contents:
    """What a package sees in a folder."""
    with _agent(package) as agent:
        sessions = [[*subject.open(), *subject.look()]]
        ((session,),) = agent.reopen(subject, [Tree(files)], sessions)
    assert session.refusal is None, session.refusal
    return subject.seen(session.answers[len(subject.open()) :])


def _meaning(
    subject: Subject, sessions: Sequence[History], files: Mapping[str, bytes]
) -> dict[str, Any]:
    """The frames of each segment, each of which must be whole, and what is there in the end."""
    segments = {name: data for name, data in files.items() if name.endswith(".log")}
    found = {} if subject is LOG else contents_of(subject, sessions)
    return {
        "frames": {name: formats.parse_frames(data, name) for name, data in segments.items()},
        "items": {key: value for key, (value, _) in found.items()},
        "deadlines": {key: ns for key, (_, ns) in found.items() if ns is not None},
    }


def contents_of(subject: Subject, sessions: Sequence[History]) -> Contents:
    """What a subject should see after these sessions."""
    found: Contents = {}
    for op in (op for history in sessions for op in history):
        found = subject.after(found, op)
    return found


@contextmanager
def _agent(package: Path) -> Iterator[PowerAgent]:
    """A recorder for a package."""
    with tempfile.TemporaryDirectory() as folder:
        assembled = assemble(load_course(), 5, package, Path(folder) / "package")
        bench = Bench(assembled, choose_isolation())
        try:
            with bench.slot() as slot:
                first = [slot.process]
                session = Session(
                    lambda: first.pop() if first else bench.start(slot.work_dir),
                    Trace(),
                    data_dir=slot.work_dir / "data",
                )
                yield PowerAgent(session)
                session.kill()
        finally:
            bench.close()


def _hex(value: Any) -> Any:
    assert isinstance(value, bytes)
    return {"hex": value.hex()}


if __name__ == "__main__":
    main()
