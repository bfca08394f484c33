"""The codec of the pipe between the grader and the agent.

Invariants: only values of *exact* built-in types cross (an `int` subclass is not an `int` here),
tuples stay tuples, strings may hold lone surrogates, and whatever bytes arrive, `decode` yields a
value or raises `WireError`. It builds nothing but built-in values, so the grader can read what an
untrusted process wrote.

A value is a tag byte and its body; lengths and counts are big-endian u32:

    N T F           None, True, False
    i <i64>         a small int             I <len> <two's complement>   any other int
    f <double>      float
    s <len> <utf-8, surrogates allowed>     b <len> <bytes>
    l t <count> …   list, tuple             d <count> (key value) …      dict
    h <u32> <value> an object that stays where it is: its number, and a plain description of it

Framing (a u32 length before each message) is the business of the two ends, not of this file.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

MESSAGE_BYTES_MAX = 256 * 1024 * 1024
DEPTH_MAX = 60

_U32 = struct.Struct(">I")
_I64 = struct.Struct(">q")
_F64 = struct.Struct(">d")
_I64_MIN, _I64_MAX = -(2**63), 2**63 - 1


class WireError(Exception):
    """The bytes are not a message, or the value cannot cross."""


class Reference:
    """An object that stays in the other process: its number there, and what was said of it."""

    __slots__ = ("about", "number")

    def __init__(self, number: int, about: Any = None) -> None:
        self.number = number
        self.about = about


Keep = Callable[[Any], Any]


def refuse(value: Any) -> Reference:
    """The default for a value of any other type: it cannot cross."""
    raise WireError(f"a value of type {type(value).__name__} cannot cross")


def encode(value: Any, keep: Keep = refuse) -> bytes:
    """Return `value` as bytes; `keep` turns what is not a built-in value into a `Reference` or into
    one.

    Raises `WireError` when the value is nested too deeply (or contains itself), or is too large.
    """
    parts: list[bytes] = []
    _encode(value, parts, keep, 0)
    message = b"".join(parts)
    if len(message) > MESSAGE_BYTES_MAX:
        raise WireError(f"a message of {len(message):,} bytes is too large")
    return message


def _encode(value: Any, parts: list[bytes], keep: Keep, depth: int) -> None:
    kind = type(value)
    if kind in _SCALARS:
        _SCALARS[kind](value, parts)
    elif depth >= DEPTH_MAX:
        raise WireError(f"a value nested more than {DEPTH_MAX} deep cannot cross")
    elif kind is list or kind is tuple:
        items = tuple(value)  # another thread may be changing it
        parts.append((b"l" if kind is list else b"t") + _U32.pack(len(items)))
        for item in items:
            _encode(item, parts, keep, depth + 1)
    elif kind is dict:
        pairs = tuple(value.items())
        parts.append(b"d" + _U32.pack(len(pairs)))
        for key, item in pairs:
            _encode(key, parts, keep, depth + 1)
            _encode(item, parts, keep, depth + 1)
    elif kind is Reference:
        parts.append(b"h" + _U32.pack(value.number))
        _encode(value.about, parts, refuse, depth + 1)
    else:
        _encode(keep(value), parts, keep, depth + 1)


def _encode_int(value: int, parts: list[bytes]) -> None:
    if _I64_MIN <= value <= _I64_MAX:
        parts.append(b"i" + _I64.pack(value))
    else:
        body = value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)
        parts.append(b"I" + _U32.pack(len(body)) + body)


def _encode_str(value: str, parts: list[bytes]) -> None:
    body = value.encode("utf-8", "surrogatepass")
    parts.append(b"s" + _U32.pack(len(body)) + body)


def _encode_bytes(value: bytes, parts: list[bytes]) -> None:
    parts.append(b"b" + _U32.pack(len(value)))
    parts.append(value)


_SCALARS: dict[type, Callable[[Any, list[bytes]], None]] = {
    type(None): lambda _value, parts: parts.append(b"N"),
    bool: lambda value, parts: parts.append(b"T" if value else b"F"),
    int: _encode_int,
    float: lambda value, parts: parts.append(b"f" + _F64.pack(value)),
    str: _encode_str,
    bytes: _encode_bytes,
}


def decode(message: bytes, resolve: Callable[[Reference], Any] = lambda r: r) -> Any:
    """Return the one value that `message` holds; `resolve` turns each `Reference` into what stands
    for it.

    Raises `WireError` for anything that `encode` could not have written.
    """
    try:
        value, end = _decode(message, 0, resolve, 0)
    except (struct.error, IndexError, UnicodeDecodeError, TypeError) as problem:
        raise WireError(f"not a message: {problem}") from None
    if end != len(message):
        raise WireError(f"{len(message) - end} bytes after the message")
    return value


def _decode(
    data: bytes, at: int, resolve: Callable[[Reference], Any], depth: int
) -> tuple[Any, int]:
    tag = data[at : at + 1]
    at += 1
    if tag in _CONSTANTS:
        return _CONSTANTS[tag], at
    if tag == b"i":
        return _I64.unpack_from(data, at)[0], at + 8
    if tag == b"f":
        return _F64.unpack_from(data, at)[0], at + 8
    (size,) = _U32.unpack_from(data, at)
    at += 4
    if tag in _BLOBS:
        if at + size > len(data):
            raise WireError("a length points past the end of the message")
        return _BLOBS[tag](data[at : at + size]), at + size
    if depth >= DEPTH_MAX:
        raise WireError(f"nested more than {DEPTH_MAX} deep")
    if tag == b"h":
        about, at = _decode(data, at, resolve, depth + 1)
        return resolve(Reference(size, about)), at
    return _decode_container(data, at, tag, size, resolve, depth)


def _decode_container(
    data: bytes, at: int, tag: bytes, count: int, resolve: Callable[[Reference], Any], depth: int
) -> tuple[Any, int]:
    if tag not in (b"l", b"t", b"d"):
        raise WireError(f"unknown tag {tag!r}")
    if count > len(data) - at:
        raise WireError("a count is larger than the message")
    items = []
    for _ in range(count * 2 if tag == b"d" else count):
        item, at = _decode(data, at, resolve, depth + 1)
        items.append(item)
    if tag == b"d":
        return dict(zip(items[::2], items[1::2], strict=True)), at
    return (items if tag == b"l" else tuple(items)), at


_CONSTANTS = {b"N": None, b"T": True, b"F": False}
_BLOBS: dict[bytes, Callable[[bytes], Any]] = {
    b"I": lambda body: int.from_bytes(body, "big", signed=True),
    b"s": lambda body: body.decode("utf-8", "surrogatepass"),
    b"b": bytes,
}
