"""The codec of the pipe between the grader and the agent.

Invariants: only values of *exact* built-in types cross (an `int` subclass is not an `int` here),
tuples stay tuples, strings may hold lone surrogates, and whatever bytes arrive, `decode` soon
yields a value or raises `WireError`. It builds nothing but built-in values, so the grader can read
what an untrusted process wrote.

A value is a tag byte and its body; lengths and counts are big-endian u32:

    N T F           None, True, False
    i <i64>         a small int             I <len> <two's complement>   any other int
    f <double>      float
    s <len> <utf-8, surrogates allowed>     b <len> <bytes>
    l t <count> …   list, tuple             d <count> (key value) …      dict
    h <u32> <value> an object that stays where it is: its number, and a plain description of it

Framing (a u32 length before each message) is the business of the two ends, not of this file. What
is called on a value was looked up at import, for the reason that `grader.agent.primitives` gives.
"""

from __future__ import annotations

from struct import Struct
from struct import error as StructError  # noqa: N812

from .primitives import exact_text, name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Keep = Callable[[Any], tuple[int, Any] | str]
    Resolve = Callable[[int, Any], Any]

# Generous for what tests send and receive, and so small that no message takes a second to read.
MESSAGE_BYTES_MAX = 72 * 1024 * 1024
VALUES_MAX = 150_000
INT_BYTES_MAX = 4096
SURROGATES_BYTES_MAX = 2 * 1024 * 1024  # of texts that hold lone surrogates: slow to read
DEPTH_MAX = 60
_OBJECT_COST = 10  # in values: what it takes to hold an object

_u32, _i64, _f64 = Struct(">I").pack, Struct(">q").pack, Struct(">d").pack
_read_u32 = Struct(">I").unpack_from
_read_i64 = Struct(">q").unpack_from
_read_f64 = Struct(">d").unpack_from
_join, _join_text, _pairs = b"".join, "".join, dict.items
_int_bytes, _bit_length, _int_of = int.to_bytes, int.bit_length, int.from_bytes
_utf8, _text_of = str.encode, bytes.decode
_I64_MIN, _I64_MAX = -(2**63), 2**63 - 1
# Texts and bytes have hashes that nobody can foresee; of these others too few values have the same
# hash to make a dict slow.
_KEYS = (id(str), id(bytes), id(int), id(float), id(bool), id(type(None)))


WireError = BufferError
"""The bytes are not a message, or the value cannot cross. It is a built-in class, since code under
test finds every other one, and would put methods of its own into it.
"""


def refuse(value: Any) -> str:
    """The default for a value of any other type: it cannot cross."""
    raise WireError(f"a value of type {type(value).__name__} cannot cross")


def encode(value: Any, keep: Keep = refuse) -> bytes:
    """Return `value` as bytes; `keep` says for what is not a built-in value its number and what to
    tell of it, or gives a text to send instead.

    Raises `WireError` when the value is nested too deeply (or contains itself), or is too large.
    """
    parts: list[bytes] = []
    _encode(value, parts, keep, 0, [VALUES_MAX])
    message = _join(parts)
    if len(message) > MESSAGE_BYTES_MAX:
        raise WireError(f"a message of {len(message):,} bytes is too large")
    return message


def _encode(value: Any, parts: list[bytes], keep: Keep, depth: int, left: list[int]) -> None:
    left[0] -= 1
    if left[0] < 0:
        raise WireError(f"a value of more than {VALUES_MAX:,} parts cannot cross")
    kind = type(value)
    if id(kind) in _SCALARS:
        parts += _SCALARS[id(kind)](value)
    elif depth >= DEPTH_MAX:
        raise WireError(f"a value nested more than {DEPTH_MAX} deep cannot cross")
    elif kind is list or kind is tuple:
        items = tuple(value)  # another thread may be changing it
        parts += (b"l" if kind is list else b"t", _u32(len(items)))
        for item in items:
            _encode(item, parts, keep, depth + 1, left)
    elif kind is dict:
        pairs = tuple(_pairs(value))
        parts += (b"d", _u32(len(pairs)))
        for key, item in pairs:
            if not _is_key(key):
                raise WireError(f"a dict with a key of type {_name_of(type(key))} cannot cross")
            _encode(key, parts, keep, depth + 1, left)
            _encode(item, parts, keep, depth + 1, left)
    else:
        kept = keep(value)
        if isinstance(kept, str):
            parts += _encode_str(kept)
        else:
            number, about = kept
            parts += (b"h", _u32(number))
            left[0] -= _OBJECT_COST
            _encode(about, parts, refuse, depth + 1, left)


def _name_of(kind: type) -> str:
    return exact_text(name_of(kind))


def _is_key(key: Any) -> bool:
    kind = type(key)
    return id(kind) in _KEYS and (kind is not int or _I64_MIN <= key <= _I64_MAX)


def _encode_int(value: int) -> tuple[bytes, ...]:
    if _I64_MIN <= value <= _I64_MAX:
        return b"i", _i64(value)
    size = _bit_length(value) // 8 + 1
    if size > INT_BYTES_MAX:
        raise WireError(f"an int of {size:,} bytes cannot cross")
    return b"I", _u32(size), _int_bytes(value, size, "big", signed=True)


def _encode_str(value: str) -> tuple[bytes, ...]:
    body = _utf8(value, "utf-8", "surrogatepass")
    return b"s", _u32(len(body)), body


# By identity: the class of a value may be code under test's, and say when it is hashed or compared.
_SCALARS: dict[int, Callable[[Any], tuple[bytes, ...]]] = {
    id(type(None)): lambda _value: (b"N",),
    id(bool): lambda value: (b"T" if value else b"F",),
    id(int): _encode_int,
    id(float): lambda value: (b"f", _f64(value)),
    id(str): _encode_str,
    id(bytes): lambda value: (b"b", _u32(len(value)), value),
}


def decode(message: bytes, resolve: Resolve = lambda *kept: kept) -> Any:
    """Return the one value that `message` holds; `resolve(number, what was told of it)` returns
    what stands for an object that stayed in the other process.

    Raises `WireError` for anything that `encode` could not have written.
    """
    try:
        value, end = _decode(message, 0, resolve, 0, [VALUES_MAX, SURROGATES_BYTES_MAX])
    except (StructError, IndexError, UnicodeDecodeError, TypeError) as problem:
        raise WireError(f"not a message: {problem}") from None
    if end != len(message):
        raise WireError(f"{len(message) - end} bytes after the message")
    return value


def _decode(data: bytes, at: int, resolve: Resolve, depth: int, left: list[int]) -> tuple[Any, int]:
    """The value at `at`, and where it ends. `left` is what may still come: values, and bytes of
    slow texts.
    """
    left[0] -= 1
    if left[0] < 0:
        raise WireError(f"more than {VALUES_MAX:,} values")
    tag = data[at : at + 1]
    at += 1
    if tag in _CONSTANTS:
        return _CONSTANTS[tag], at
    if tag in _NUMBERS:
        return _NUMBERS[tag](data, at)[0], at + 8
    (size,) = _read_u32(data, at)
    at += 4
    if tag in _BLOBS:
        if at + size > len(data):
            raise WireError("a length points past the end of the message")
        return _BLOBS[tag](data[at : at + size], left), at + size
    if depth >= DEPTH_MAX:
        raise WireError(f"nested more than {DEPTH_MAX} deep")
    if tag != b"h":
        return _decode_container(data, at, tag, size, resolve, depth, left)
    left[0] -= _OBJECT_COST
    about, at = _decode(data, at, resolve, depth + 1, left)
    return resolve(size, about), at


def _decode_container(
    data: bytes, at: int, tag: bytes, count: int, resolve: Resolve, depth: int, left: list[int]
) -> tuple[Any, int]:
    if tag not in (b"l", b"t", b"d"):
        raise WireError(f"unknown tag {tag!r}")
    if count > len(data) - at:
        raise WireError("a count is larger than the message")
    items: list[Any] = []
    for _ in range(count * 2 if tag == b"d" else count):
        item, at = _decode(data, at, resolve, depth + 1, left)
        items += (item,)
    return _container(tag, items), at


def _container(tag: bytes, items: list[Any]) -> Any:
    if tag == b"l":
        return items
    if tag == b"t":
        return tuple(items)
    for key in items[::2]:
        if not _is_key(key):
            raise WireError(f"a dict with a key of type {type(key).__name__}")
    return dict(zip(items[::2], items[1::2], strict=True))


def _int(body: bytes, _left: list[int]) -> int:
    if len(body) > INT_BYTES_MAX:
        raise WireError(f"an int of {len(body):,} bytes")
    return _int_of(body, "big", signed=True)


def _text(body: bytes, left: list[int]) -> str:
    # Two error handlers which Python has built in; those of other names can be replaced by code
    # under test, even "strict".
    text = _text_of(body, "utf-8", "surrogateescape")
    if _utf8(text, "utf-8", "surrogatepass") == body:
        return text
    left[1] -= len(body)
    if left[1] < 0:
        raise WireError("too much text with lone surrogates")
    return _join_text(_surrogates_put_together(text))


def _surrogates_put_together(text: str) -> list[str]:
    """The characters of a text in which each surrogate came as three escaped bytes, ED A0..BF
    80..BF.
    """
    characters: list[str] = []
    at = 0
    while at < len(text):
        size = 1
        character = text[at]
        if "\udc80" <= character <= "\udcff":
            size = 3
            codes = [ord(escape) - 0xDC00 for escape in text[at : at + 3]]
            if len(codes) < 3 or codes[0] != 0xED:
                raise WireError("not a text")
            if not (0xA0 <= codes[1] < 0xC0 and 0x80 <= codes[2] < 0xC0):
                raise WireError("not a text")
            character = chr(0xD000 | (codes[1] & 0x3F) << 6 | codes[2] & 0x3F)
        characters += (character,)
        at += size
    return characters


_CONSTANTS = {b"N": None, b"T": True, b"F": False}
_NUMBERS = {b"i": _read_i64, b"f": _read_f64}
_BLOBS: dict[bytes, Callable[[bytes, list[int]], Any]] = {
    b"I": _int,
    b"s": _text,
    b"b": lambda body, _left: body,
}
