"""Who is to blame for a test that did not pass, and in which words."""

from pathlib import Path

import pytest

from grader.outcome import Frame
from grader.remote.failures import (
    CallTimeout,
    MissingName,
    NotAPlainValue,
    Prerequisite,
    ProcessDied,
    RemoteError,
)
from grader.testkit import formats
from grader.unit.verdict import judge

FRAME = Frame("memory.py", 3, "get", "return 1 / 0")


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (CallTimeout("store.get('a') did not return within 4 s"), "timeout", "did not return"),
        (ProcessDied("store.get('a') ended the process"), "crashed", "ended the process"),
        (Prerequisite("there is no file kvstore/wal.py"), "skipped", "there is no file"),
        (MissingName("MemoryStore has no attribute 'incr'"), "failed", "has no attribute"),
        (NotAPlainValue("got an object of class Liar"), "failed", "class Liar"),
        (RemoteError(("KeyError",), "'a'", (FRAME,)), "failed", "raised KeyError: 'a'"),
        (AssertionError("nothing was raised"), "failed", "nothing was raised"),
    ],
)
def test_what_the_package_did_is_never_the_graders_error(error, status, reason):
    judged, failure = judge(error, None)
    assert judged == status
    assert reason in failure.reason


def test_an_unfinished_function_is_named():
    error = RemoteError(("NotImplementedError", "Exception"), "stage 3: WAL.append", (FRAME,))
    status, failure = judge(error, None)
    assert (status, failure.unwritten) == ("failed", "WAL.append")
    assert failure.reason == "not written yet: WAL.append"


def test_another_not_implemented_error_is_an_ordinary_one():
    _status, failure = judge(RemoteError(("NotImplementedError",), "later"), None)
    assert failure.unwritten is None


def test_both_sides_of_a_comparison_are_kept():
    error = AssertionError("the key is gone\nassert b'1' == b'2'")
    _status, failure = judge(error, ("==", b"1", b"2"))
    assert failure.reason == "the key is gone"
    comparison = failure.comparison
    assert (comparison.expected, comparison.actual) == ("b'2'", "b'1'")
    assert (comparison.expected_bytes, comparison.actual_bytes) == (b"2", b"1")


def test_a_test_kit_that_trips_over_what_came_back_blames_the_package(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        formats.read_frames(Path(tmp_path / "wal-0000000001.log"))
    status, failure = judge(caught.value, None)
    assert status == "failed"
    assert "wal-0000000001.log" in failure.reason


def test_the_graders_own_mistake_is_an_error_and_says_so():
    with pytest.raises(ZeroDivisionError) as caught:
        _ = 1 // 0
    status, failure = judge(caught.value, None)
    assert status == "error"
    assert "not your fault" in failure.reason
