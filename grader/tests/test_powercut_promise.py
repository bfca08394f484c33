"""What a history allows to be there: the bounds of each policy, and calls that raised."""

import pytest

from grader.powercuts.answers import Answer, Refusal
from grader.powercuts.promise import Bounds, bounds_at, promise_of
from grader.testkit.histories_on_disk import LogHistory, SnapshotFile, StoreHistory
from grader.tests.power_logs import append, frames

DONE = Answer()
FAILED = Answer(refusal=Refusal(("OSError", "Exception"), "no space left"))
REFUSED = Answer(refusal=Refusal(("LogFailedError", "KVStoreError"), "it failed before"))


def promise(subject, history, answers=None, interval=4.0):
    return promise_of(subject, history, answers or [DONE] * len(history), interval)


def test_always_keeps_every_call_that_returned():
    made = promise(LogHistory(), [append(1), append(2)])
    assert made.lows == (0, 1, 2)
    assert made.allowed(Bounds(1, 2)) == [frames(1, 2), frames(1)]
    assert made.allows(Bounds(0, 1), frames())
    assert not made.allows(Bounds(1, 2), frames(2))


@pytest.mark.parametrize("cover", ["sync", "close"])
def test_never_keeps_what_a_sync_or_a_close_covered(cover):
    history = [append(1), (cover, ()), append(2), append(3)]
    assert promise(LogHistory(sync="never"), history).lows == (0, 0, 2, 2, 2)


def test_a_snapshot_covers_what_a_lazy_store_wrote():
    history = [("set", ("a", b"1")), ("snapshot", ()), ("set", ("a", b"2")), ("close", ())]
    made = promise(StoreHistory(sync="never"), history)
    assert made.lows == (0, 0, 2, 2, 4)
    assert made.allowed(Bounds(2, 3)) == [{"a": (b"2", None)}, {"a": (b"1", None)}]


def lows_of_interval(*steps):
    """Numbers are appends, other texts move the clock by as many seconds."""
    history = [append(s) if isinstance(s, int) else ("advance", (float(s),)) for s in steps]
    return promise(LogHistory(sync="interval"), history, interval=4.0).lows


def test_interval_keeps_what_is_an_interval_older_than_a_later_append():
    # Appended at 0, 3, 4 and 7.5 s: the third leaves nothing of 0 s, the fourth nothing of 3 s.
    assert lows_of_interval(1, "3", 2, "1", 3, "3.5", 4) == (0, 0, 0, 0, 0, 1, 1, 3)


def test_interval_keeps_nothing_while_nobody_appends():
    assert lows_of_interval(1, "100", "100") == (0, 0, 0, 0)


def test_interval_is_no_less_lazy_than_a_log_that_syncs_as_it_should():
    """A log that syncs at an append a whole interval after the last sync keeps what is asked for,
    whatever the steps.
    """
    for steps in ([1, "2", 2, "2", 3, "3", 4], ["4", 1, "3", 2, "3", 3, "1", 4], [1, "9", 2, 3]):
        now = synced_at = 0.0
        synced = [0]
        for number, step in enumerate(steps, 1):
            now += 0.0 if isinstance(step, int) else float(step)
            is_due = isinstance(step, int) and now - synced_at >= 4.0
            synced_at = now if is_due else synced_at
            synced.append(number if is_due else synced[-1])
        lows = lows_of_interval(*steps)
        assert all(low <= kept for low, kept in zip(lows, synced, strict=True)), steps


def test_what_raised_an_os_error_may_be_there_or_not():
    made = promise(LogHistory(), [append(1), append(2), append(3)], [DONE, FAILED, REFUSED])
    assert made.lows == (0, 1, 1, 1)
    assert made.allowed(Bounds(1, 3)) == [frames(1, 2), frames(1)] * 2 + [frames(1)]
    assert not made.allows(Bounds(1, 3), frames(1, 2, 3))


def test_a_batch_is_one_call():
    history = [("apply_batch", ([("set", "a", b"1"), ("set", "b", b"2")],))]
    made = promise(StoreHistory(), history)
    assert made.allowed(Bounds(0, 1)) == [{"a": (b"1", None), "b": (b"2", None)}, {}]


def test_a_snapshot_file_holds_the_last_that_was_written():
    history = [("write", ({"a": b"1"}, {})), ("write", ({"b": b"2"}, {"b": 5}))]
    made = promise(SnapshotFile(), history)
    assert made.allowed(Bounds(1, 2)) == [{"b": (b"2", 5)}, {"a": (b"1", None)}]


def test_bounds_count_the_calls_of_the_history_alone():
    made = promise(LogHistory(), [append(1), append(2)])
    events = [("begin", 0), ("end", 0), ("begin", 1), ("end", 1), ("begin", 2), ("end", 2)]
    events += [("begin", 3), ("write", 1, 0, b"x")]
    bounds = [bounds_at(events, point, 2, made) for point in range(len(events) + 1)]
    assert bounds[:5] == [Bounds(0, 0)] * 5
    assert bounds[5:] == [Bounds(0, 1), Bounds(1, 1), Bounds(1, 2), Bounds(1, 2)]
