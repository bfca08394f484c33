"""The bare client's reading of replies: strict, and bounded whatever the server sends."""

import itertools

import pytest

from grader.remote.trace import Trace
from grader.testkit.client import Client
from grader.testkit.resp import Error


class Wire:
    """A session whose client receives the given chunks, and then the end of the connection."""

    def __init__(self, chunks):
        self.trace = Trace()
        self._chunks = iter(chunks)

    def hold(self, *_request):
        return None

    def ask(self, _doing, _verb, _handle, name, _args):
        return next(self._chunks, b"") if name == "receive" else None

    def text(self, value):
        return repr(value)


def client(*chunks):
    return client_of(chunks)


def client_of(chunks):
    return Client(Wire(chunks), "client 1", "127.0.0.1", 1)


@pytest.mark.parametrize(
    ("sent", "value"),
    [
        (b"+OK\r\n", "OK"),
        (b"-ERR no\r\n", Error("ERR no")),
        (b":-7\r\n", -7),
        (b"$-1\r\n", None),
        (b"$4\r\na\r\nb\r\n", b"a\r\nb"),
        (b"*2\r\n:1\r\n*1\r\n$0\r\n\r\n", [1, [b""]]),
        (b"+\xff\r\n", "\\xff"),
    ],
)
def test_a_reply_is_read_in_whatever_pieces_it_comes(sent, value):
    assert client(sent).reply() == value
    assert client(*(sent[i : i + 1] for i in range(len(sent)))).reply() == value


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ([b"?1\r\n"], "not a RESP reply"),
        ([b":1_0\r\n"], "not a number"),
        ([b":" + b"1" * 5000 + b"\r\n"], "not a number"),
        ([b"$3\r\nabcd\r\n"], "must end with CR LF"),
        ([b"$3\r\nab"], "closed inside a reply"),
        ([b"+OK"], "closed before a reply was complete"),
        ([b"*999999999999\r\n"], "a reply of 999,999,999,999 items"),
        ([b"*1\r\n" * 100], "more than 32 deep"),
        (itertools.repeat(b"x" * 100_000), "a reply without a line end"),
        (itertools.chain([b"$70000000000\r\n"], itertools.repeat(b"x" * 9_000_000)), "80 MiB"),
    ],
)
def test_what_is_no_reply_fails_the_test_at_once(sent, said):
    with pytest.raises(AssertionError, match=said):
        client_of(sent).reply()


def test_reading_to_the_end_has_an_end():
    with pytest.raises(AssertionError, match="80 MiB"):
        client_of(itertools.repeat(b"x" * 9_000_000)).read_to_end()
    assert client(b"ab", b"cd").read_to_end() == b"abcd"
    assert client(b"ab", b"cd").read(3) == b"abc"
