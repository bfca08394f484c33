"""A thread-safe map with deadlines: keys are spread over shards, each with a lock of its own.

One key needs one lock. What looks at all keys takes every lock, always in the order of the list, so
two such views cannot wait for each other, and reads the clock once it has them all.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from threading import Lock

from .errors import InvalidKeyError, InvalidTTLError, InvalidValueError, NotAnIntegerError

_SHARDS = 4


@dataclass
class _Slot:
    value: bytes
    dies_at: int | None = None


class _Shard:
    def __init__(self) -> None:
        self.lock = Lock()  # protects the slots, and what is in them
        self.slots: dict[str, _Slot] = {}

    def living(self, key: str, now: int) -> _Slot | None:
        slot = self.slots.get(key)
        return None if slot is None or _is_dead(slot, now) else slot


class MemoryStore:
    """A map of `str` keys to `bytes` values, for many threads. `clock()` gives unix seconds."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._shards = [_Shard() for _ in range(_SHARDS)]

    def set(self, key: str, value: bytes) -> None:
        shard = self._shard_of(key)
        _check_value(value)
        with shard.lock:
            shard.slots[key] = _Slot(value)

    def get(self, key: str) -> bytes | None:
        with self._slot(key) as (slot, _now):
            return slot.value if slot else None

    def delete(self, key: str) -> bool:
        shard = self._shard_of(key)
        with shard.lock:
            slot = shard.living(key, self._now())
            shard.slots.pop(key, None)
        return slot is not None

    def exists(self, key: str) -> bool:
        with self._slot(key) as (slot, _now):
            return slot is not None

    def keys(self, pattern: str = "*") -> list[str]:
        tokens = _tokens(pattern)
        return [key for key in self.dump()[0] if _accepts(tokens, key)]

    def __len__(self) -> int:
        with self._everything() as now:
            return sum(not _is_dead(s, now) for shard in self._shards for s in shard.slots.values())

    def setnx(self, key: str, value: bytes) -> bool:
        shard = self._shard_of(key)
        _check_value(value)
        with shard.lock:
            is_free = shard.living(key, self._now()) is None
            if is_free:
                shard.slots[key] = _Slot(value)
            return is_free

    def incr(self, key: str, by: int = 1) -> int:
        shard = self._shard_of(key)
        with shard.lock:
            slot = shard.living(key, self._now())
            total = _add(slot.value if slot else b"0", by)
            shard.slots[key] = _Slot(b"%d" % total, slot.dies_at if slot else None)
        return total

    def expire(self, key: str, seconds: float) -> bool:
        if not isinstance(seconds, int | float) or not abs(seconds) < 2**63:  # NaN is not less
            raise InvalidTTLError(f"no time to live: {seconds!r}")
        return self._die(key, lambda now: now + int(seconds * 1_000_000_000))

    def expire_at(self, key: str, deadline_ns: int) -> bool:
        return self._die(key, lambda _now: deadline_ns)

    def ttl(self, key: str) -> float:
        with self._slot(key) as (slot, now):
            if slot is None:
                return -2.0
            return -1.0 if slot.dies_at is None else (slot.dies_at - now) / 1_000_000_000

    def persist(self, key: str) -> bool:
        with self._slot(key) as (slot, _now):
            had_deadline = slot is not None and slot.dies_at is not None
            if had_deadline:
                slot.dies_at = None
            return had_deadline

    def deadline(self, key: str) -> int | None:
        with self._slot(key) as (slot, _now):
            return slot.dies_at if slot else None

    def purge_expired(self) -> int:
        freed = 0
        with self._everything() as now:
            for shard in self._shards:
                stay = {key: slot for key, slot in shard.slots.items() if not _is_dead(slot, now)}
                freed += len(shard.slots) - len(stay)
                shard.slots = stay
        return freed

    def dump(self) -> tuple[dict[str, bytes], dict[str, int]]:
        items, deadlines = {}, {}
        with self._everything() as now:
            for shard in self._shards:
                for key, slot in shard.slots.items():
                    if not _is_dead(slot, now):
                        items[key] = slot.value
                        if slot.dies_at is not None:
                            deadlines[key] = slot.dies_at
        return items, deadlines

    def _now(self) -> int:
        return int(self._clock() * 1e9)

    def _shard_of(self, key: str) -> _Shard:
        # Not hash(): its numbers differ from process to process.
        return self._shards[zlib.crc32(_utf8(key)) % _SHARDS]

    @contextmanager
    def _slot(self, key: str) -> Iterator[tuple[_Slot | None, int]]:
        """Hold a key's shard; gives its slot, None if it is not alive, and the time."""
        shard = self._shard_of(key)
        with shard.lock:
            now = self._now()
            yield shard.living(key, now), now

    @contextmanager
    def _everything(self) -> Iterator[int]:
        with ExitStack() as held:
            for shard in self._shards:
                held.enter_context(shard.lock)
            yield self._now()

    def _die(self, key: str, choose: Callable[[int], int]) -> bool:
        with self._slot(key) as (slot, now):
            deadline = choose(now)
            if not isinstance(deadline, int) or not -(2**63) <= deadline < 2**63:
                raise InvalidTTLError(f"no deadline in 64 bits: {deadline!r}")
            if slot is not None and deadline <= now:
                del self._shard_of(key).slots[key]
            elif slot is not None:
                slot.dies_at = deadline
            return slot is not None


def _is_dead(slot: _Slot, now: int) -> bool:
    return slot.dies_at is not None and slot.dies_at <= now


def _utf8(key: str) -> bytes:
    try:
        data = key.encode() if isinstance(key, str) else b""
    except UnicodeEncodeError:
        data = b""
    if not data or len(data) > 2**16:
        raise InvalidKeyError("a key is a str of 1 to 65,536 bytes in UTF-8")
    return data


def _check_value(value: bytes) -> None:
    if not isinstance(value, bytes):
        raise InvalidValueError(f"bytes are wanted, not {type(value).__name__}")
    if len(value) > 2**26:
        raise InvalidValueError(f"{len(value)} bytes are more than 64 MiB")


def _add(text: bytes, by: int) -> int:
    digits = text.removeprefix(b"-")
    if not digits.isdigit() or len(digits) > 19 or (digits[:1] == b"0" and text != b"0"):
        raise NotAnIntegerError("the value is not a number")
    try:
        total = int(text) + int.from_bytes(by.to_bytes(8, signed=True), signed=True)
        int(text).to_bytes(8, signed=True)
        total.to_bytes(8, signed=True)
    except (OverflowError, AttributeError):
        raise NotAnIntegerError("the value, the step or the sum is not in 64 bits") from None
    return total


def _tokens(pattern: str) -> list[Callable[[str], bool] | str]:
    """Take a glob apart: "*" for each star, a test for each other character."""
    tokens: list[Callable[[str], bool] | str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "[":
            test, at = _class(pattern, at)
            tokens.append(test)
        elif char == "*":
            tokens.append(char)
        elif char == "?":
            tokens.append(lambda _char: True)
        else:
            if char == "\\" and at < len(pattern):
                char, at = pattern[at], at + 1
            tokens.append(char.__eq__)
    return tokens


def _class(pattern: str, at: int) -> tuple[Callable[[str], bool], int]:
    wanted = not pattern.startswith("^", at)
    at += not wanted
    singles, ranges = set(), []
    while at < len(pattern) and pattern[at] != "]":
        if pattern[at] == "\\" and at + 1 < len(pattern):
            at += 1
        elif pattern[at + 1 : at + 2] == "-" and at + 2 < len(pattern):
            ranges.append(sorted((pattern[at], pattern[at + 2])))
            at += 2
        singles.add(pattern[at])
        at += 1
    return lambda c: (c in singles or any(a <= c <= b for a, b in ranges)) is wanted, at + 1


def _accepts(tokens: list[Callable[[str], bool] | str], text: str) -> bool:
    """Run all ways to match at once; bit n of `ways` says that the first n tokens are used up."""
    stars = sum(1 << n for n, token in enumerate(tokens) if token == "*")

    def skip_stars(ways: int) -> int:
        while (more := ways | (ways & stars) << 1) != ways:
            ways = more
        return ways

    ways = skip_stars(1)
    for char in text:
        step = ways & stars
        for n, token in enumerate(tokens):
            if ways >> n & 1 and token != "*" and token(char):
                step |= 2 << n
        ways = skip_stars(step)
    return bool(ways >> len(tokens) & 1)
