"""Failures that need a power cut, for the tests of grading and of reports."""

from typing import Any

import msgspec

from grader.outcome import DiskFile, DiskOperation, Failure, HistoryCall, Outcome, PowerCut, Step
from grader.testkit.formats import SET, frame, snapshot
from grader.tests.make_outcomes import outcome

REPLAY = "test_what_was_set_is_there:7:0:c0de:3:{}:41"
NOW = 1_700_000_000_000_000_000  # unix ns


def unsynced_set() -> Failure:
    """An append that was flushed and acknowledged, but never synced: the power takes it."""
    first, second = (frame((SET, NOW, key, value)) for key, value in (("a", b"1"), ("b", b"2")))
    cut = PowerCut(
        calls=(
            HistoryCall("store.set('a', b'1')", "returned", "None"),
            HistoryCall("store.set('b', b'2')", "returned", "None"),
        ),
        operations=(
            DiskOperation(0, "create wal-0000000001.log", "kept", synced=True),
            DiskOperation(0, "write wal-0000000001.log", "kept", f"{len(first)} bytes", True),
            DiskOperation(0, "fsync wal-0000000001.log", "kept"),
            DiskOperation(1, "write wal-0000000001.log", "part", f"12 of {len(second)} bytes"),
        ),
        cuts=(4,),
        what=f"the last write was cut after 12 of {len(second)} bytes",
        files=(
            DiskFile(
                "wal-0000000001.log", len(first) + 12, first + second[:12], stopped_at=len(first)
            ),
        ),
        reopened=(
            Step("store = Store(folder)"),
            Step("store.get('b')", "None"),
        ),
        differences=("'b' should be b'2', and is not there",),
        diagnosis="set('b') returned before its bytes were on disk",
        model="ordered",
        states=41,
        replay=REPLAY.format("o"),
    )
    return Failure("set('b') returned before its bytes were on disk", power_cut=cut)


def unsynced_folder() -> Failure:
    """A log whose name was never synced: POSIX lets the power take the whole file."""
    written = frame((SET, NOW, "a", b"1"))
    cut = PowerCut(
        calls=(HistoryCall("store.set('a', b'1')", "returned", "None"),),
        operations=(
            DiskOperation(0, "create wal-0000000001.log", "lost"),
            DiskOperation(0, "write wal-0000000001.log", "kept", f"{len(written)} bytes", True),
            DiskOperation(0, "fsync wal-0000000001.log", "kept"),
        ),
        cuts=(3,),
        what="the name wal-0000000001.log was lost",
        files=(),
        reopened=(Step("store = Store(folder)"), Step("store.get('a')", "None")),
        differences=("'a' should be b'1', and is not there",),
        diagnosis="the folder of wal-0000000001.log was never synced",
        model="strict",
        states=1234,
        replay=REPLAY.format("s"),
    )
    return Failure("set('a') returned before the file's name was on disk", power_cut=cut)


def torn_batch() -> Failure:
    """A batch that is written as one frame for each of its entries."""
    one, two, three = (frame((SET, NOW, key, b"1")) for key in "abc")
    log = "wal-0000000001.log"
    batch = "store.apply_batch([('set', 'b', b'1'), ('set', 'c', b'1')])"
    cut = PowerCut(
        calls=(
            HistoryCall("store = Store.open(folder, sync='always')", "returned"),
            HistoryCall("store.set('a', b'1')", "returned", "None"),
            HistoryCall(batch, "under way"),
            HistoryCall("store.close()", "after"),
        ),
        operations=(
            DiskOperation(0, f"create {log}", "kept", synced=True),
            DiskOperation(0, "fsync the folder", "kept"),
            DiskOperation(1, f"write {log} at 0", "kept", f"{len(one)} bytes", True),
            DiskOperation(1, f"fsync {log}", "kept"),
            DiskOperation(2, f"write {log} at {len(one)}", "kept", f"{len(two)} bytes"),
            DiskOperation(
                2, f"write {log} at {len(one + two)}", "part", f"20 of {len(three)} bytes"
            ),
            DiskOperation(2, f"fsync {log}", "after"),
            DiskOperation(3, f"fsync {log}", "after"),
        ),
        cuts=(6,),
        what=f"the write under way was cut after 20 of {len(three)} bytes",
        files=(
            DiskFile("LOCK", 0, b""),
            DiskFile(
                log,
                len(one + two) + 20,
                one + two + three[:20],
                stopped_at=len(one + two),
            ),
        ),
        reopened=(
            Step("store = Store.open(folder)"),
            Step("store.dump()", "({'a': b'1', 'b': b'1'}, {})"),
            Step("store.recovery.bytes_cut", "20"),
        ),
        differences=(
            "'b' and 'c' should both be there, or neither: 'b' is b'1', 'c' is not there",
        ),
        diagnosis="half of a batch survived: its two entries were not one frame.",
        model="ordered",
        states=212,
        replay=REPLAY.format("o"),
    )
    return Failure("a batch was neither wholly there nor wholly gone", power_cut=cut)


def snapshot_in_place() -> Failure:
    """A snapshot that is written to its own name, after which the log is removed unsynced."""
    data = snapshot({"a": b"1", "b": b"2"}, timestamp=NOW)
    log, name = "wal-0000000001.log", "snapshot-0000000002.kvsp"
    first = frame((SET, NOW, "a", b"1"), (SET, NOW, "b", b"2"))
    cut = PowerCut(
        calls=(
            HistoryCall("store.apply_batch([('set', 'a', b'1'), ('set', 'b', b'2')])", "returned"),
            HistoryCall("store.snapshot()", "under way"),
        ),
        operations=(
            DiskOperation(0, f"write {log} at 0", "kept", f"{len(first)} bytes", True),
            DiskOperation(0, f"fsync {log}", "kept"),
            DiskOperation(1, "create wal-0000000002.log", "kept", synced=True),
            DiskOperation(1, "fsync the folder", "kept"),
            DiskOperation(1, f"create {name}", "kept"),
            DiskOperation(1, f"write {name} at 0", "zeros", f"{len(data)} bytes"),
            DiskOperation(1, f"unlink {log}", "kept"),
            DiskOperation(1, f"fsync {name}", "after"),
            DiskOperation(1, "fsync the folder", "after"),
        ),
        cuts=(7,),
        what=f"{name} had grown to {len(data)} bytes, but all of them are zeros",
        files=(
            DiskFile(name, len(data), bytes(len(data)), stopped_at=0),
            DiskFile("wal-0000000002.log", 0, b""),
        ),
        reopened=(
            Step(
                "store = Store.open(folder)",
                "raised CorruptLogError: wal-0000000002.log: segment 1 is missing",
            ),
        ),
        differences=(
            "'a' should be b'1', and the store does not open",
            "'b' should be b'2', and the store does not open",
        ),
        diagnosis=(
            "the log was removed before the snapshot that stands for it was on disk: "
            "two acknowledged writes are gone."
        ),
        model="ordered",
        states=1_893,
        replay=REPLAY.format("o"),
    )
    return Failure("two acknowledged writes are gone", power_cut=cut)


def two_cuts() -> Failure:
    """A torn tail is cut, and written over unsynced; the power goes again."""
    one, two = (frame((SET, NOW, key, b"1")) for key in "ab")
    log = "wal-0000000001.log"
    cut = PowerCut(
        calls=(
            HistoryCall("store.set('a', b'1')", "returned", "None"),
            HistoryCall("store.set('b', b'1')", "under way"),
        ),
        operations=(
            DiskOperation(0, f"write {log} at 0", "kept", f"{len(one)} bytes", True),
            DiskOperation(0, f"fsync {log}", "kept"),
            DiskOperation(1, f"write {log} at {len(one)}", "part", f"12 of {len(two)} bytes"),
            DiskOperation(-1, f"truncate {log} to 0", "kept"),
            DiskOperation(-1, f"write {log} at 0", "lost", f"{len(one)} bytes"),
            DiskOperation(-1, f"fsync {log}", "after"),
        ),
        cuts=(3, 5),
        what=f"{log} was emptied, and what was written to it again was lost",
        files=(DiskFile(log, 0, b""),),
        reopened=(Step("store = Store.open(folder)"), Step("store.dump()", "({}, {})")),
        differences=("'a' should be b'1', and is not there",),
        diagnosis="recovery emptied the log before it wrote it anew: it is not safe to interrupt.",
        model="ordered",
        states=3_044,
        replay=REPLAY.format("o"),
    )
    return Failure("an acknowledged write is gone", power_cut=cut)


def killed_then_cut() -> Failure:
    """A store that was killed, opened again and then cut: what it had found was never synced."""
    one = frame((SET, NOW, "a", b"1"))
    log = "wal-0000000001.log"
    cut = PowerCut(
        calls=(HistoryCall("store.set('a', b'1')", "returned", "None"),),
        operations=(
            DiskOperation(0, f"write {log} at 0", "lost", f"{len(one)} bytes"),
            DiskOperation(-1, "create wal-0000000002.log", "kept", synced=True),
            DiskOperation(-1, "fsync the folder", "kept"),
        ),
        cuts=(3,),
        what=f"{log} is empty",
        files=(DiskFile(log, 0, b""), DiskFile("wal-0000000002.log", 0, b"")),
        reopened=(Step("store = Store.open(folder)"), Step("store.dump()", "({}, {})")),
        differences=("'a' should be b'1', and is not there",),
        diagnosis="what was replayed after a kill was not synced, and the power took it.",
        model="ordered",
        states=1,
        replay=REPLAY.format("o"),
    )
    return Failure("an acknowledged write is gone", power_cut=cut)


def unwritten_append() -> Failure:
    """A set that stayed in a buffer of the program."""
    cut = PowerCut(
        calls=(
            HistoryCall("store.set('a', b'1')", "returned", "None"),
            HistoryCall("store.get('a')", "returned", "b'1'"),
        ),
        operations=(),
        cuts=(0,),
        what="nothing of it had reached the disk",
        files=(),
        reopened=(Step("store.get('a')", "None"),),
        differences=("'a' should be b'1', and is not there",),
        diagnosis="set('a') returned before anything was written.",
        model="ordered",
        states=1,
        replay=REPLAY.format("o"),
    )
    return Failure("set('a') returned before anything was written.", power_cut=cut)


def long_history(operations: int, cut_at: int, calls: int = 1) -> Failure:
    """A power cut in the middle of many operations, which took the last one before it."""
    rows = tuple(
        DiskOperation(
            number * calls // operations,
            f"write number {number}",
            "kept" if number < cut_at - 1 else "lost" if number < cut_at else "after",
        )
        for number in range(operations)
    )
    history = tuple(
        HistoryCall(
            f"store.set('k{number}', b'')",
            "returned" if number < cut_at * calls // operations else "after",
        )
        for number in range(calls)
    )
    return changed(unsynced_set(), operations=rows, cuts=(cut_at,), calls=history)


def filled(text: str) -> PowerCut:
    """A power cut with that text in each of its fields."""
    fates = ("kept", "lost", "part", "zeros", "after", "kept")
    return PowerCut(
        calls=(HistoryCall(text, "returned", text), HistoryCall(text, "under way", text)),
        operations=tuple(
            DiskOperation(min(n, 1) if n < 5 else -1, text, fate, text)
            for n, fate in enumerate(fates)
        ),
        cuts=(4, 6),
        what=text,
        files=(DiskFile(text, 4711, text.encode(errors="replace")),),
        reopened=(Step(text, text),),
        differences=(text,),
        diagnosis=text,
        model="strict",
        states=4711,
        replay=text,
    )


def changed(failure: Failure, **fields: Any) -> Failure:
    """The failure with another power cut."""
    assert failure.power_cut is not None
    cut = msgspec.structs.replace(failure.power_cut, **fields)
    return msgspec.structs.replace(failure, power_cut=cut)


def power_outcome(name: str, failure: Failure, stage: int = 3, **fields: Any) -> Outcome:
    """A test of persistence worth 2 points that failed so."""
    return outcome(stage, name, "persistence", 2.0, "failed", failure=failure, **fields)
