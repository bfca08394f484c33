"""Have damaged files opened by a package, and compare with what they must be taken for.

Right is what `damage` says, and nothing else: the data and what is said of a cut, or an error for
damage that names the file and the offset. What is not cut stays on disk as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from grader.found import FailureFound
from grader.oracle.history import Op
from grader.outcome import Comparison, Failure
from grader.powercuts.agent import Fault
from grader.powercuts.answers import Answer, Refusal
from grader.powercuts.subject import Subject
from grader.races.program import Invocation, named
from grader.remote.failures import RemoteError
from grader.remote.trace import represent, shorten
from grader.testkit import formats
from grader.testkit.damage import FACTS, Recovered, Refused, Replayed, right_log, right_store
from grader.testkit.histories_on_disk import LogHistory, SnapshotFile, StoreHistory
from grader.testkit.powercuts import PowerCuts, Reopened

TOGETHER = 20  # folders that one process looks at
_TEXT_CHARS_MAX = 600
_ERRORS = ("CorruptLogError", "CorruptSnapshotError")
Files = Mapping[str, bytes]


class DamageFound(FailureFound):
    """A damaged file that a package takes for something else than it is."""


@dataclass(frozen=True)
class DamagedLog(LogHistory):
    """A segment that is replayed, as the last one or another, and asked what it cut."""

    is_last: bool = True

    def look(self) -> Sequence[Invocation]:
        """The frames, then what was cut."""
        cut = Invocation("helper", "attributes", (named("wal"), ["bytes_cut", "cut_offset"]))
        return (Invocation("helper", "frames", (named("wal"), self.is_last)), cut)


@dataclass(frozen=True)
class DamagedStore(StoreHistory):
    """A store that is opened, and asked what it recovered."""

    def look(self) -> Sequence[Invocation]:
        """All that it holds, then its `recovery`."""
        names = [f"recovery.{name}" for name in (*FACTS, "cut_path", "cut_offset")]
        return (*super().look(), Invocation("helper", "attributes", (named("store"), names)))


def replay_damaged(
    power: PowerCuts, damaged: Iterable[tuple[str, bytes]], *, is_last: bool = True
) -> None:
    """Have each segment replayed; fails at the first that is not taken for what it is. Each comes
    with what was done to it.
    """
    name = formats.segment_name(1)
    trees = [(what, {name: data}) for what, data in damaged]
    subject = DamagedLog(is_last=is_last)
    for what, files, opened in _opened(power, subject, trees):
        right = right_log(name, files[name], is_last=is_last)
        cut = right.cut_offset if isinstance(right, Replayed) else None
        _compare(what, (_found_log(opened), opened.left), (right, {name: files[name][:cut]}))


def recover_damaged(power: PowerCuts, damaged: Iterable[tuple[str, Files]]) -> None:
    """Have each data folder opened; fails at the first that is not taken for what it is. Each comes
    with what was done to it.
    """
    for what, files, opened in _opened(power, DamagedStore(), damaged):
        right, found = right_store(files), _found_store(opened)
        if isinstance(right, Refused) and not right.file and isinstance(found, Refused):
            # Whoever lacks something names what led there: the snapshot or a segment.
            found = right if found.error in _ERRORS else found
        kept = dict(files)
        if isinstance(right, Recovered) and right.cut_file:
            kept[right.cut_file] = kept[right.cut_file][: right.cut_offset]
        left = {name: data for name, data in opened.left.items() if name in files}
        _compare(what, (found, left), (right, kept))


def load_damaged(power: PowerCuts, damaged: Iterable[tuple[str, bytes]]) -> None:
    """Have each snapshot loaded, of which none is intact; fails at the first that is not refused
    with an error that names the file and an offset in it.
    """
    subject = SnapshotFile()
    name = formats.snapshot_name(subject.number)
    trees = [(what, {name: data}) for what, data in damaged]
    for what, files, opened in _opened(power, subject, trees):
        found = _refused(opened)
        if found is not None and 0 <= found.offset <= len(files[name]):
            found = found._replace(offset=0)
        latest = opened.look[:1]
        right = Refused("CorruptSnapshotError", name)
        _compare(what, (latest, found, opened.left), ((None,), right, files))


def refuse_to_open(
    power: PowerCuts, folders: Iterable[tuple[str, Files]], faults: Sequence[Fault]
) -> None:
    """Have each data folder opened on a disk that fails: a store must raise `OSError`, and change
    no file.
    """
    for what, files, opened in _opened(power, DamagedStore(), folders, faults):
        names = opened.refusal.names if opened.refusal is not None else ()
        raised = "OSError" if "OSError" in names else str(opened.refusal or "nothing was raised")
        left = {name: data for name, data in opened.left.items() if name != "LOCK"}
        kept = {name: data for name, data in files.items() if name != "LOCK"}
        _compare(what, (raised, left), ("OSError", kept))


def require_refusals(history: Sequence[Op], runs: Iterable[Sequence[Answer]]) -> None:
    """After a write or sync that raised `OSError`, each later one of a history must raise
    `LogFailedError`. `runs` are what the calls gave, with one fault after the other.
    """
    for answers in runs:
        failed = False
        for (name, _args), answer in zip(history, answers, strict=False):
            names = answer.refusal.names if answer.refusal is not None else ()
            if failed and name != "close" and "LogFailedError" not in names:
                what = f"{name} after a write or fsync that failed"
                _compare(what, names[:1] or "it returned", "it raises LogFailedError")
            failed = failed or "OSError" in names


def _opened(
    power: PowerCuts,
    subject: Subject,
    folders: Iterable[tuple[str, Files]],
    faults: Sequence[Fault] = (),
) -> Iterator[tuple[str, Files, Reopened]]:
    """What came of each folder; after one that hangs, of no other."""
    wanted = [*folders]
    trees = [files for _what, files in wanted]
    opened = power.reopen(subject, trees, faults, trees_a_process=TOGETHER)
    for (what, files), one in zip(wanted, opened, strict=False):
        if one.refusal is not None and "NotImplementedError" in one.refusal.names:
            raise RemoteError(one.refusal.names, one.refusal.message, one.refusal.frames)
        yield what, files, one


def _found_log(opened: Reopened) -> Replayed | Refused:
    refused = _refused(opened)
    if refused is not None:
        return refused
    frames, (bytes_cut, cut_offset) = opened.look
    return Replayed([[tuple(row) for row in rows] for rows in frames], bytes_cut, cut_offset)


def _found_store(opened: Reopened) -> Recovered | Refused:
    refused = _refused(opened)
    if refused is not None:
        return refused
    (items, deadlines), (*facts, path, offset) = opened.look[-2:]
    file = None if path is None else PurePath(path).name
    return Recovered(items, deadlines, tuple(facts), file, offset)


def _refused(opened: Reopened) -> Refused | None:
    if opened.session.end != "done":
        return Refused(f"it {opened.session.end}")
    return None if opened.refusal is None else _as_refused(opened.refusal)


def _as_refused(refusal: Refusal) -> Refused:
    """An error of the course for damage is told by its name, any other by its text."""
    names = [name for name in refusal.names if name in _ERRORS]
    if len(names) != 1 or refusal.path is None or refusal.offset is None:
        return Refused(f"{refusal}, with the path {refusal.path} and the offset {refusal.offset}")
    return Refused(names[0], PurePath(refusal.path).name, refusal.offset)


def _compare(what: str, found: Any, right: Any) -> None:
    if found == right:
        return
    expected, actual = (shorten(represent(side), _TEXT_CHARS_MAX) for side in (right, found))
    raise DamageFound(Failure(what, comparison=Comparison("==", expected, actual)))
