"""What a session makes of replies that no honest agent writes, given by a stand-in for one."""

import time
from collections.abc import Sequence

import pytest

from grader.agent.wire import encode
from grader.remote.failures import NotAPlainValue, ProcessDied, RemoteError
from grader.remote.session import RECEIVED_BYTES_MAX, Session
from grader.remote.trace import TEXT_CHARS_MAX, Trace, represent, show
from grader.testkit import Client, Clock, Program


class Object:
    """Stands for an object in the agent, by its number; `name` is what it tells of its class."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.name = ("x" * 100, False)


class Forger:
    """Answers every request with the next of `replies`, the last one for ever."""

    def __init__(self, replies: Sequence[object]) -> None:
        self.replies = [encode(reply, lambda told: (told.number, told.name)) for reply in replies]
        self.closed = False

    def request(self, _message: bytes, _seconds: float, _doing: str) -> bytes:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def output(self) -> str:
        return ""

    def close(self) -> None:
        self.closed = True


def session_with(*replies):
    forger = Forger(replies)
    return Session(lambda: forger, Trace()), forger


@pytest.mark.parametrize("plain", [None, 5, [], "clock", {"a": 1}])
@pytest.mark.parametrize(
    "tool",
    [
        lambda session: Clock(session).remote_handle,
        lambda session: Client(session, "client 1", "127.0.0.1", 1),
        lambda session: Program(session, "/", ["serve"]),
    ],
    ids=["clock", "client", "program"],
)
def test_plain_data_where_a_tool_belongs_ends_the_conversation(tool, plain):
    session, forger = session_with(("ok", plain))
    with pytest.raises(ProcessDied, match="broke the connection"):
        tool(session)
    assert forger.closed


@pytest.mark.parametrize(
    "reply",
    [
        ("ok",),
        None,
        ("raised", None),
        ("raised", {"names": ("E",)}),
        ("raised", {"names": ("E",), "message": "", "frames": ((1, 2, 3, 4),)}),
        ("what", 1),
        ["ok", 1],
        ("missing", 5),
    ],
)
def test_a_forged_reply_ends_the_conversation_and_nothing_else(reply):
    session, forger = session_with(reply)
    with pytest.raises(ProcessDied, match="broke the connection"):
        session.ask("get", "call")
    assert forger.closed


def test_a_value_that_cannot_be_sent_back_is_the_packages_fault():
    deep: list[object] = []
    for _ in range(58):  # the reply and the request add a little
        deep = [deep]
    session, _forger = session_with(("ok", deep))
    value = session.ask("get", "call")
    with pytest.raises(NotAPlainValue, match="deep"):
        session.ask("set", "call", [[[value]]])


def test_no_more_is_taken_in_than_a_test_may_need():
    session, forger = session_with(("ok", bytes(64 * 1024 * 1024)))
    for _ in range(RECEIVED_BYTES_MAX // (65 * 1024 * 1024)):
        session.ask("get", "call")
    with pytest.raises(ProcessDied, match="sent more than"):
        session.ask("get", "call")
    assert forger.closed


def test_a_described_error_is_taken_in_within_limits():
    frame = ("a" * 10_000, 10**1000, "f" * 10_000, "s" * 10_000)
    error = {"names": ("E",) * 1000, "message": "m" * 10**6, "frames": (frame,) * 1000}
    session, _forger = session_with(("raised", error), ("raised", {**error, "syntax": frame[:3]}))
    for _ in range(2):
        with pytest.raises(RemoteError) as caught:
            session.ask("get", "call")
        assert len(caught.value.names) <= 30
        assert len(caught.value.message) <= 2_000
        assert len(caught.value.frames) <= 12
        assert all(0 <= f.line <= 10**9 and len(f.source) <= 2_000 for f in caught.value.frames)


def test_many_objects_are_held_and_given_back_quickly():
    session, _forger = session_with(("ok", [Object(number) for number in range(10_000)]))
    started = time.process_time()
    for _ in range(3):
        session.ask("get", "call")
    assert time.process_time() - started < 3


WIDE = [["\ud800" * 50] * 30] * 30
DEEP: list[object] = []
for _ in range(50):
    DEEP = [DEEP] * 12


@pytest.mark.parametrize(
    "value",
    [
        10**9000,
        [10**9000],
        {"a": 10**9000},
        "\ud800" * 10**6,
        {n: bytes(1000) for n in range(10_000)},
        {"k" * 1000: {"k": [b"\xff" * 10**6]}},
        [WIDE] * 40,
        (1,) * 10**5,
        DEEP,
    ],
    ids=["int", "ints", "int value", "text", "dict", "nested", "wide", "long", "deep"],
)
def test_any_value_is_shown_quickly(value):
    started = time.process_time()
    for words in (show(value), represent(value)):
        assert isinstance(words, str)
    assert len(show(value)) < 50 * TEXT_CHARS_MAX**2
    assert time.process_time() - started < 1
