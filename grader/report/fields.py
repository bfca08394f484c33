"""Runs of bytes with names: what a field is, how its bytes read, and how they are told apart.

Invariants: a `Cursor` takes fields in order and without overlap, and never outside of its bounds;
what it is asked for and is not there is written down as missing. A text is short and on one line,
whatever the bytes. Not here: which fields there are, and in which order (layout.py).
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from grader.report.words import count

OPS = {1: "SET", 2: "DELETE", 3: "EXPIRE"}
_PREVIEW_BYTES = 24


class Field(msgspec.Struct, frozen=True):
    """One named run of bytes.

    `offset` and `size` are in bytes, `text` is what the bytes say or what is wrong with them, and
    `owner` is what the field belongs to, such as "the entry at 0". `is_wrong` says that no intact
    file holds it so; `missing` is how many of its bytes are not there.
    """

    offset: int
    size: int
    name: str
    text: str
    owner: str
    is_wrong: bool = False
    missing: int = 0

    @property
    def end(self) -> int:
        """The offset of the byte behind it."""
        return self.offset + self.size


def field_at(fields: list[Field], offset: int) -> Field | None:
    """Return the field that holds the byte at `offset`, None if none does."""
    return next((f for f in fields if f.offset <= offset < f.offset + f.size), None)


def reading(name: str, part: bytes) -> str:
    """Say what `part` means when it is read as the field `name`, which may be any text."""
    return _READINGS.get(name, preview)(part)


def preview(data: bytes) -> str:
    """Show bytes on one line, the first of many: quoted if printable ASCII, else in hex."""
    head = data[:_PREVIEW_BYTES]
    printable = all(0x20 <= byte < 0x7F for byte in head)
    text = f'"{head.decode("ascii")}"' if printable else head.hex(" ")
    return text if len(data) <= len(head) else f"{text}… ({len(data):,} bytes)"


class UnreadableError(Exception):
    """What follows cannot be told apart into fields."""


class Cursor:
    """Takes one field after another from `data[at:end]`, and writes each down.

    What a field's bytes say, and whether they may say so, are two questions: `show` answers the
    one, `is_wrong` the other.
    """

    def __init__(self, data: bytes, at: int = 0, end: int | None = None, owner: str = "") -> None:
        self.data = data
        self.at = at
        self.end = len(data) if end is None else end
        self.owner = owner
        self.fields: list[Field] = []

    def take(
        self,
        name: str,
        size: int,
        show: Callable[[bytes], str] | None = None,
        is_wrong: Callable[[bytes], bool] = lambda part: False,
    ) -> bytes:
        """Take a field, shown as its name says or by `show`.

        Raises `UnreadableError` after writing down a field that is cut short.
        """
        part = self.data[self.at : min(self.at + size, self.end)]
        missing = size - len(part)
        if not missing:
            text = show(part) if show else reading(name, part)
            self._write(name, size, text, is_wrong=is_wrong(part))
            return part
        there = f"{preview(part)} … " if part else ""
        self._write(name, len(part), f"{there}{count(missing, 'byte')} missing", missing=missing)
        raise UnreadableError

    def take_number(self, name: str, size: int, wrong: Callable[[int], str] | None = None) -> int:
        """Take an unsigned number.

        Raises `UnreadableError` after one that is `wrong` for a reason.
        """

        def problem(part: bytes) -> str:
            return wrong(int.from_bytes(part)) if wrong else ""

        def show(part: bytes) -> str:
            return ": ".join(filter(None, (_number_text(part), problem(part))))

        part = self.take(name, size, show, lambda part: bool(problem(part)))
        if problem(part):
            raise UnreadableError
        return int.from_bytes(part)

    def take_rest(self, end: int) -> None:
        """Take what is left before `end` as bytes without a meaning."""
        size = end - self.at
        if size > 0 and not any(self.data[self.at : end]):
            self.take_zeros(size)
        elif size > 0:
            peek = preview(self.data[self.at : self.at + 8])
            words = f"{count(size, 'byte')} that cannot be read: {peek}"
            self._write("rest", size, words, is_wrong=True)

    def take_zeros(self, size: int) -> None:
        """Take zero bytes that are no field."""
        self._write("zeros", size, count(size, "zero byte"), is_wrong=True)

    def _write(
        self, name: str, size: int, text: str, *, is_wrong: bool = False, missing: int = 0
    ) -> None:
        field = Field(self.at, size, name, text, self.owner, is_wrong or missing > 0, missing)
        self.fields.append(field)
        self.at += size


def _number_text(part: bytes) -> str:
    return str(int.from_bytes(part))


def _op_text(part: bytes) -> str:
    return OPS.get(part[0], f"0x{part[0]:02x}: not an op")


def instant_text(part: bytes) -> str:
    """Read a time or a deadline, in unix nanoseconds."""
    return str(int.from_bytes(part, signed=True))


def _key_text(part: bytes) -> str:
    key = as_text(part)
    if key is None:
        return f"not UTF-8: {preview(part)}"
    return f'"{key}"' if len(key) <= _PREVIEW_BYTES and key.isprintable() else preview(part)


def as_text(part: bytes) -> str | None:
    """Return the text that bytes are in UTF-8, None if they are none."""
    try:
        return part.decode("utf-8")
    except UnicodeDecodeError:
        return None


_READINGS: dict[str, Callable[[bytes], str]] = {
    "op": _op_text,
    "timestamp": instant_text,
    "deadline": instant_text,
    "key_len": _number_text,
    "value_len": _number_text,
    "payload_len": _number_text,
    "count": _number_text,
    "deadline_count": _number_text,
    "key": _key_text,
    "crc32": bytes.hex,
}
