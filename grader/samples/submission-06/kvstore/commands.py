"""What each command means: a table of small functions between the wire and the store."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from .errors import InvalidKeyError, InvalidTTLError, KVStoreError, NotAnIntegerError
from .protocol import ErrorReply

if TYPE_CHECKING:
    from .store import Store

Reply: TypeAlias = "str | bytes | int | ErrorReply | list[Reply] | None"
Run: TypeAlias = "Callable[[Store, list[bytes]], Reply]"

_DECIMAL = re.compile(rb"0|-?[1-9][0-9]{0,18}")
_INT64 = range(-(2**63), 2**63)


class _Command(NamedTuple):
    run: Run
    fewest: int
    most: float


_COMMANDS: dict[str, _Command] = {}


def _command(name: str, fewest: int, most: float | None = None) -> Callable[[Run], Run]:
    """Enter a function into the table, with the smallest and largest number of its arguments."""

    def enter(run: Run) -> Run:
        _COMMANDS[name] = _Command(run, fewest, fewest if most is None else most)
        return run

    return enter


class Dispatcher:
    """Runs the commands of one client on a store; any number of dispatchers may share a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def execute(self, args: list[bytes]) -> Reply:
        """Run one command, its name first in any case, and return its reply; never raises."""
        if not args:
            return ErrorReply("ERR empty command")
        name = args[0].decode("utf-8", "backslashreplace")
        command = _COMMANDS.get(name.upper()) if name.isascii() else None
        if command is None:
            return ErrorReply(f"ERR unknown command '{name}'")
        if not command.fewest <= len(args) - 1 <= command.most:
            return ErrorReply(f"ERR wrong number of arguments for '{name.lower()}' command")
        try:
            return command.run(self._store, args[1:])
        except NotAnIntegerError:
            return ErrorReply("ERR value is not an integer or out of range")
        except InvalidTTLError:
            return ErrorReply("ERR invalid expire time in 'expire' command")
        except KVStoreError as error:
            return ErrorReply(f"ERR {error}")
        except Exception as error:
            return ErrorReply(f"ERR internal error: {error}")


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise InvalidKeyError("a key or pattern is UTF-8 text") from None


def _integer(data: bytes) -> int:
    if _DECIMAL.fullmatch(data) is None or int(data) not in _INT64:
        raise NotAnIntegerError("not a signed 64-bit integer")
    return int(data)


@_command("PING", 0, 1)
def _ping(store: Store, args: list[bytes]) -> Reply:
    return args[0] if args else "PONG"


@_command("ECHO", 1)
def _echo(store: Store, args: list[bytes]) -> Reply:
    return args[0]


@_command("SET", 2)
def _set(store: Store, args: list[bytes]) -> Reply:
    store.set(_text(args[0]), args[1])
    return "OK"


@_command("GET", 1)
def _get(store: Store, args: list[bytes]) -> Reply:
    return store.get(_text(args[0]))


@_command("DEL", 1, math.inf)
def _del(store: Store, args: list[bytes]) -> Reply:
    keys = [_text(arg) for arg in args]
    return sum(store.delete(key) for key in keys)


@_command("EXISTS", 1, math.inf)
def _exists(store: Store, args: list[bytes]) -> Reply:
    return sum(store.exists(_text(arg)) for arg in args)


@_command("KEYS", 1)
def _keys(store: Store, args: list[bytes]) -> Reply:
    return [key.encode() for key in store.keys(_text(args[0]))]


@_command("EXPIRE", 2)
def _expire(store: Store, args: list[bytes]) -> Reply:
    return int(store.expire(_text(args[0]), _integer(args[1])))


@_command("TTL", 1)
def _ttl(store: Store, args: list[bytes]) -> Reply:
    return int(store.ttl(_text(args[0])))


@_command("PERSIST", 1)
def _persist(store: Store, args: list[bytes]) -> Reply:
    return int(store.persist(_text(args[0])))


@_command("INCR", 1)
def _incr(store: Store, args: list[bytes]) -> Reply:
    return store.incr(_text(args[0]), 1)


@_command("DECR", 1)
def _decr(store: Store, args: list[bytes]) -> Reply:
    return store.incr(_text(args[0]), -1)


@_command("INCRBY", 2)
def _incrby(store: Store, args: list[bytes]) -> Reply:
    return store.incr(_text(args[0]), _integer(args[1]))


@_command("DECRBY", 2)
def _decrby(store: Store, args: list[bytes]) -> Reply:
    amount = -_integer(args[1])
    if amount not in _INT64:
        raise NotAnIntegerError("the amount cannot be negated")
    return store.incr(_text(args[0]), amount)


@_command("SETNX", 2)
def _setnx(store: Store, args: list[bytes]) -> Reply:
    return int(store.setnx(_text(args[0]), args[1]))


@_command("DBSIZE", 0)
def _dbsize(store: Store, args: list[bytes]) -> Reply:
    return len(store)
