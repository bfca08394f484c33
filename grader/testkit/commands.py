"""The course's operations as commands on the wire: their words, what a reply to them means, and
commands drawn at random.

An operation is `(name, arguments)` with the names of a store's methods, such as `("incr", ("n",
1))`; each has one key. To let traffic have one more, add a line to `_FORMS`. Not here: sockets, and
what several commands together may answer.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from grader.oracle.history import Op
from grader.testkit.resp import Error

_NOT_AN_INTEGER = Error("ERR value is not an integer or out of range")
_NOT_AN_INTEGER_NAMES = ("NotAnIntegerError", "KVStoreError", "ValueError", "Exception")
_LIFETIMES_SECONDS = (-1, 0, 1000, 2000, 3000)
_AMOUNTS = (-7, -1, 1, 1, 1, 7)
_NUMBERS = range(1000, 100_000)


@dataclass(frozen=True)
class _Form:
    """How one operation is said, what a reply to it means, how often it is drawn, and how the
    arguments after its key are.
    """

    words: Callable[..., tuple[bytes, ...]]
    read: Callable[[Any], Any]
    weight: int
    draw: Callable[[random.Random], tuple[Any, ...]] = lambda _rng: ()


class OddReplyError(Exception):
    """A reply that no state of any store could lead to."""


def words_of(op: Op) -> tuple[bytes, ...]:
    """Return an operation as the words of a command."""
    name, args = op
    return _FORMS[name].words(*(arg.encode() if isinstance(arg, str) else arg for arg in args))


def meaning(op: Op, reply: Any) -> tuple[Any, tuple[str, ...]]:
    """Return what a reply says that the operation returned, and the names of what it raised.

    Raises `OddReplyError` if it is no reply to this operation at all.
    """
    if op[0] == "incr" and reply == _NOT_AN_INTEGER:
        return None, _NOT_AN_INTEGER_NAMES
    return _FORMS[op[0]].read(reply), ()


def draw_op(rng: random.Random, key: str) -> Op:
    """Draw an operation on a key; values are numbers, hardly ever the same one twice."""
    weights = [form.weight for form in _FORMS.values()]
    ((name, form),) = rng.choices(list(_FORMS.items()), weights)
    return name, (key, *form.draw(rng))


def _number_words(key: bytes, by: int) -> tuple[bytes, ...]:
    if abs(by) == 1:
        return (b"INCR" if by > 0 else b"DECR"), key
    return (b"INCRBY" if by > 0 else b"DECRBY"), key, b"%d" % abs(by)


def _one_of(*replies: Any) -> Callable[[Any], Any]:
    """Read a reply that is one of `(reply, what it means)`."""

    def read(reply: Any) -> Any:
        for known, means in replies:
            if type(reply) is type(known) and reply == known:
                return means
        raise OddReplyError

    return read


def _of_type(*kinds: type) -> Callable[[Any], Any]:
    """Read a reply that means what it is."""

    def read(reply: Any) -> Any:
        if type(reply) not in kinds:
            raise OddReplyError
        return reply

    return read


def _any_number(rng: random.Random) -> tuple[bytes]:
    return (b"%d" % rng.choice(_NUMBERS),)


_OK, _YES_OR_NO = _one_of(("OK", None)), _one_of((0, False), (1, True))
_VALUE, _NUMBER = _of_type(bytes, type(None)), _of_type(int)

_FORMS: dict[str, _Form] = {
    "set": _Form(lambda key, value: (b"SET", key, value), _OK, 2, _any_number),
    "get": _Form(lambda key: (b"GET", key), _VALUE, 4),
    "delete": _Form(lambda key: (b"DEL", key), _YES_OR_NO, 4),
    "exists": _Form(lambda key: (b"EXISTS", key), _YES_OR_NO, 1),
    "setnx": _Form(lambda key, value: (b"SETNX", key, value), _YES_OR_NO, 5, _any_number),
    "incr": _Form(_number_words, _NUMBER, 7, lambda rng: (rng.choice(_AMOUNTS),)),
    "expire": _Form(
        lambda key, seconds: (b"EXPIRE", key, b"%d" % seconds),
        _YES_OR_NO,
        1,
        lambda rng: (rng.choice(_LIFETIMES_SECONDS),),
    ),
    "persist": _Form(lambda key: (b"PERSIST", key), _YES_OR_NO, 1),
    "ttl": _Form(lambda key: (b"TTL", key), _NUMBER, 1),
}
