"""What an agent says is read strictly: whoever wrote it, a wrong shape is a `ValueError`."""

import pytest

from grader.powercuts.answers import Answer, Refusal, read_answers, read_events, read_sessions

EVENTS = [
    *(("file", "a", 1), ("create", "d/b", 2), ("mkdir", "d"), ("unlink", "a"), ("rmdir", "d")),
    *(("rename", "a", "b"), ("link", "a", "b"), ("write", 1, 0, b"x"), ("truncate", 1, 0)),
    *(("fsync", 1), ("fsync folder", "."), ("sync",), ("failed", "fsync", -1)),
    *(("begin", 0), ("end", 0), ("unsupported", "a memory map")),
]

WRONG_EVENTS = [
    *((), ("write",), ("write", 1, 0), ("write", 1, 0, "x"), ("write", 1, 0, b"x", 1)),
    *(("write", True, 0, b"x"), ("write", 1, -2, b"x"), ("write", 1, 2**61, b"x")),
    *(("truncate", 1, 2**40), ("truncate", 1, None), ("fsync", "1"), ("fsync", 1.0)),
    *(("create", b"a", 1), ("create", "../a", 1), ("create", "/etc/a", 1), ("create", "", 1)),
    *(("create", "d//a", 1), ("create", "d/./a", 1), ("rename", "a", "../../b"), ("sync", 1)),
    *(("zeros", 1, 0, 1), ("no such", 1), ["sync"], "sync", None, (None,), (b"sync",)),
]


def test_every_kind_of_event_is_read():
    assert read_events(EVENTS) == tuple(EVENTS)
    assert read_events(()) == ()


@pytest.mark.parametrize("event", WRONG_EVENTS, ids=repr)
def test_a_wrong_event_is_refused(event):
    with pytest.raises(ValueError, match="recorder"):
        read_events([("sync",), event])


@pytest.mark.parametrize("raw", [None, {}, "sync", b"", 5, {("sync",)}])
def test_events_are_a_list(raw):
    with pytest.raises(ValueError, match="recorder"):
        read_events(raw)


RAISED = {"names": ("CorruptLogError",), "message": "bad", "frames": ()}


def test_answers_are_values_or_exceptions():
    raw = [
        ("ok", {"a": 1}, None),
        ("missing", "Store has no attribute 'dump'", None),
        ("raised", RAISED, ("/tmp/x/state-7/wal-1.log", 12)),
    ]
    told = read_answers(raw, 3, "/tmp/x")
    assert told[0] == Answer({"a": 1})
    assert told[1].refusal == Refusal(("AttributeError",), "Store has no attribute 'dump'")
    assert told[2].refusal == Refusal(("CorruptLogError",), "bad", (), "wal-1.log", 12)


def test_an_exception_is_told_without_the_folder_of_the_run():
    """Its text is the same each time, wherever the folder lay."""
    for root in ("/tmp/kv-1/data", "/tmp/kv-2/data"):
        for place in (root, f"{root}/state-3"):
            raised = {**RAISED, "message": f"cannot read '{place}/wal-1.log' at 5"}
            (answer,) = read_answers([("raised", raised, (f"{place}/wal-1.log", 5))], 1, root)
            assert answer.refusal.message == "cannot read 'wal-1.log' at 5"
            assert answer.refusal.path == "wal-1.log"


@pytest.mark.parametrize(
    "row",
    [
        *(None, (), ("ok", 1), ["ok", 1, None], ("ok", 1, None, 2), ("fine", 1, None)),
        *(("missing", 5, None), ("raised", "ValueError", None), ("raised", {}, None)),
        ("raised", {**RAISED, "names": ()}, None),
        ("raised", {**RAISED, "names": ["CorruptLogError"]}, None),
        ("raised", {**RAISED, "names": (5,)}, None),
        ("raised", {**RAISED, "message": b"bad"}, None),
        ("raised", {**RAISED, "frames": [()]}, None),
        ("raised", {**RAISED, "frames": (("file", "line", "name", "text"),)}, None),
    ],
    ids=repr,
)
def test_a_wrong_answer_is_refused(row):
    with pytest.raises(ValueError, match="recorder"):
        read_answers([row], 1)


@pytest.mark.parametrize(
    "place", [None, 5, (), ("f",), ("f", "5"), ("f", True), ("f", 2**70), [1, 2], {}]
)
def test_a_place_that_is_none_is_left_out(place):
    (answer,) = read_answers([("raised", RAISED, place)], 1)
    assert answer.refusal.offset is None


def test_more_answers_than_calls_are_refused():
    with pytest.raises(ValueError, match="recorder"):
        read_answers([("ok", 1, None)] * 3, 2)


def test_what_is_long_is_cut():
    raised = {"names": ("E",) * 1000, "message": "x" * 10**6, "frames": (("f", 1, "n", "t"),) * 99}
    (answer,) = read_answers([("raised", raised, None)], 1)
    assert len(answer.refusal.names) <= 30
    assert len(answer.refusal.message) <= 2_000
    assert len(answer.refusal.frames) <= 12


OK = ("ok", 1, None)


def session(*rows, end="done", events=()):
    return {"end": end, "calls": list(rows), "events": list(events)}


def test_sessions_are_read_up_to_the_first_that_raised():
    whole = read_sessions([session(OK, OK), session(OK)], [2, 1])
    assert [len(one.answers) for one in whole] == [2, 1]
    (early,) = read_sessions([session(OK, ("raised", RAISED, None))], [5, 1])
    assert early.refusal.names == ("CorruptLogError",)
    for end in ("timeout", "crashed"):
        assert read_sessions([session(end=end)], [2, 1])[0].end == end


@pytest.mark.parametrize(
    "raw",
    [
        *(None, [], {}, [None], [session(OK, OK), session(OK), session(OK)]),
        [session(OK)],  # two were asked for, and it says that it is done
        [session(OK, OK, OK)],
        [session(OK, OK, end="well")],
        [session(OK, OK, events=[("no such",)])],
        [{"end": "done", "calls": [OK, OK]}],
        [{"calls": [OK, OK], "events": []}],
    ],
    ids=repr,
)
def test_wrong_sessions_are_refused(raw):
    with pytest.raises(ValueError, match="recorder"):
        read_sessions(raw, [2, 1])
