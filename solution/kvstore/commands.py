"""What each command means: a table of small functions between the wire and the store.

To add a command, write a function of a session and the command's arguments and register it with
`@_command(name, arity, summary)`. The arity is checked before the function runs, and every error
becomes a reply in one place, `_reply_to`.

How a command arrived, and what becomes of its connection, is not known here: see server.py.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from .errors import InvalidKeyError, InvalidTTLError, KVStoreError, NotAnIntegerError
from .protocol import ErrorReply

if TYPE_CHECKING:
    from .store import Store

Reply: TypeAlias = "str | bytes | int | ErrorReply | list[Reply] | None"

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_INTEGER = re.compile(rb"-?[1-9][0-9]{0,18}|0")
_NAME_SHOWN_MAX = 128  # bytes of an unknown command's name that its error repeats

_session_numbers = itertools.count(1)


@dataclass
class _Session:
    """What a command may touch: the store, and what one client said about itself."""

    store: Store
    number: int
    name: bytes | None = None


@dataclass(frozen=True)
class _Command:
    name: str
    arity: int  # counts the name itself; -2 means "2 or more", as in Redis
    summary: str
    run: Callable[..., Reply]

    def accepts(self, count: int) -> bool:
        return count == self.arity if self.arity >= 0 else count >= -self.arity


_COMMANDS: dict[bytes, _Command] = {}


def _command(
    name: str, arity: int, summary: str
) -> Callable[[Callable[..., Reply]], Callable[..., Reply]]:
    """Put a function into the table under `name`."""

    def register(run: Callable[..., Reply]) -> Callable[..., Reply]:
        _COMMANDS[name.encode()] = _Command(name, arity, summary, run)
        return run

    return register


class Dispatcher:
    """Runs the commands of one client on a store; any number of dispatchers may share a store."""

    def __init__(self, store: Store) -> None:
        self._session = _Session(store, next(_session_numbers))

    def execute(self, args: list[bytes]) -> Reply:
        """Run one command, its name first in any case, and return its reply; never raises.

        Whatever is wrong with the command or fails in the store comes back as an `ErrorReply`.
        """
        name, *arguments = args or [b""]
        command = _COMMANDS.get(name.upper())
        if command is None:
            return _unknown_command(name)
        if not command.accepts(len(args)):
            return _wrong_arity(command.name)
        try:
            return command.run(self._session, *arguments)
        except Exception as error:
            return _reply_to(error)


# Errors, as Redis words them.

_NOT_AN_INTEGER = ErrorReply("ERR value is not an integer or out of range")
_INVALID_EXPIRE = ErrorReply("ERR invalid expire time in 'expire' command")
_DECREMENT_OVERFLOW = ErrorReply("ERR decrement would overflow")
_DB_OUT_OF_RANGE = ErrorReply("ERR DB index is out of range")
_NO_SUCH_PROTOCOL = ErrorReply("NOPROTO unsupported protocol version")


def _unknown_command(name: bytes) -> ErrorReply:
    shown = name[:_NAME_SHOWN_MAX].decode("utf-8", "backslashreplace")
    return ErrorReply(f"ERR unknown command '{shown}'")


def _wrong_arity(name: str) -> ErrorReply:
    return ErrorReply(f"ERR wrong number of arguments for '{name.lower()}' command")


def _reply_to(error: Exception) -> ErrorReply:
    match error:
        case NotAnIntegerError():
            return _NOT_AN_INTEGER
        case InvalidTTLError():
            return _INVALID_EXPIRE
        case KVStoreError():
            return ErrorReply(f"ERR {error}")
    return ErrorReply(f"ERR internal error: {str(error) or type(error).__name__}")


# Arguments arrive as bytes.


def _text(argument: bytes, what: str = "key") -> str:
    try:
        return argument.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidKeyError(f"invalid {what}: not UTF-8 at byte {error.start}") from error


def _integer(argument: bytes) -> int:
    if _INTEGER.fullmatch(argument) and _INT64_MIN <= int(argument) <= _INT64_MAX:
        return int(argument)
    raise NotAnIntegerError("not a signed 64-bit decimal")


# Strings.


@_command("SET", 3, "Set a key to a value.")
def _set(session: _Session, key: bytes, value: bytes) -> Reply:
    session.store.set(_text(key), value)
    return "OK"


@_command("SETNX", 3, "Set a key to a value if it does not exist yet.")
def _setnx(session: _Session, key: bytes, value: bytes) -> Reply:
    return int(session.store.setnx(_text(key), value))


@_command("GET", 2, "Return the value of a key, or nil.")
def _get(session: _Session, key: bytes) -> Reply:
    return session.store.get(_text(key))


@_command("INCR", 2, "Add one to the integer at a key.")
def _incr(session: _Session, key: bytes) -> Reply:
    return session.store.incr(_text(key), 1)


@_command("INCRBY", 3, "Add a number to the integer at a key.")
def _incrby(session: _Session, key: bytes, amount: bytes) -> Reply:
    return session.store.incr(_text(key), _integer(amount))


@_command("DECR", 2, "Subtract one from the integer at a key.")
def _decr(session: _Session, key: bytes) -> Reply:
    return session.store.incr(_text(key), -1)


@_command("DECRBY", 3, "Subtract a number from the integer at a key.")
def _decrby(session: _Session, key: bytes, amount: bytes) -> Reply:
    by = _integer(amount)
    if by == _INT64_MIN:  # 64 bits do not hold its negative
        return _DECREMENT_OVERFLOW
    return session.store.incr(_text(key), -by)


# Keys.


@_command("DEL", -2, "Delete keys and return how many there were.")
def _del(session: _Session, *keys: bytes) -> Reply:
    # Asking first refuses a bad key before any good one is gone.
    there = [name for name in map(_text, keys) if session.store.exists(name)]
    return sum(map(session.store.delete, there))


@_command("EXISTS", -2, "Count the keys that exist; one named twice counts twice.")
def _exists(session: _Session, *keys: bytes) -> Reply:
    return sum(session.store.exists(_text(key)) for key in keys)


@_command("KEYS", 2, "Return the keys that match a pattern.")
def _keys(session: _Session, pattern: bytes) -> Reply:
    return [key.encode() for key in session.store.keys(_text(pattern, "pattern"))]


@_command("DBSIZE", 1, "Return the number of keys.")
def _dbsize(session: _Session) -> Reply:
    return len(session.store)


@_command("EXPIRE", 3, "Let a key live for some more seconds.")
def _expire(session: _Session, key: bytes, seconds: bytes) -> Reply:
    return int(session.store.expire(_text(key), _integer(seconds)))


@_command("TTL", 2, "Return the seconds a key has left; -1: for ever, -2: no such key.")
def _ttl(session: _Session, key: bytes) -> Reply:
    # The nearest second, half up; -1 and -2 are whole already and stay as they are.
    return math.floor(session.store.ttl(_text(key)) + 0.5)


@_command("PERSIST", 2, "Let a key live for ever.")
def _persist(session: _Session, key: bytes) -> Reply:
    return int(session.store.persist(_text(key)))


# The connection: enough for redis-cli and the usual client libraries to feel at home.


@_command("PING", -1, "Return PONG, or the message.")
def _ping(_session: _Session, *message: bytes) -> Reply:
    if len(message) > 1:
        return _wrong_arity("PING")
    return message[0] if message else "PONG"


@_command("ECHO", 2, "Return the message.")
def _echo(_session: _Session, message: bytes) -> Reply:
    return message


@_command("QUIT", -1, "Close the connection.")
def _quit(_session: _Session, *_ignored: bytes) -> Reply:
    return "OK"  # the closing is up to the server, which knows the connection


@_command("SELECT", 2, "Choose a database: there is only number 0.")
def _select(_session: _Session, index: bytes) -> Reply:
    return _DB_OUT_OF_RANGE if _integer(index) else "OK"


@_command("HELLO", -1, "Agree on a protocol version: only 2 is spoken.")
def _hello(session: _Session, *options: bytes) -> Reply:
    if options and options[0] != b"2":
        return _NO_SUCH_PROTOCOL
    return _map(
        {
            "server": b"kvstore",
            "proto": 2,
            "id": session.number,
            "mode": b"standalone",
            "role": b"master",
            "modules": [],
        }
    )


def _map(items: Mapping[str, Reply]) -> Reply:
    # RESP2 has no map: names and values take turns.
    return [part for name, value in items.items() for part in (name.encode(), value)]


@_command("CLIENT", -2, "Say or ask something about this connection.")
def _client(session: _Session, subcommand: bytes, *arguments: bytes) -> Reply:
    match subcommand.upper(), *arguments:
        case (b"ID",):
            return session.number
        case (b"GETNAME",):
            return session.name
        case b"SETNAME", name:
            session.name = name or None
            return "OK"
        case b"SETINFO", _, _:
            return "OK"
    return ErrorReply("ERR unknown subcommand or wrong number of arguments for 'client' command")


@_command("COMMAND", -1, "Return what there is to know about the commands.")
def _describe(_session: _Session, *arguments: bytes) -> Reply:
    match [argument.upper() for argument in arguments]:
        case [b"COUNT"]:
            return len(_COMMANDS)
        case [b"DOCS", *names]:
            chosen = [_COMMANDS[name] for name in names or _COMMANDS if name in _COMMANDS]
            return _map(
                {each.name.lower(): _map({"summary": each.summary.encode()}) for each in chosen}
            )
    return []  # a client that asks for more does well without


@_command("INFO", -1, "Return figures about the store.")
def _info(session: _Session, *_sections: bytes) -> Reply:
    return b"# Keyspace\r\ndb0:keys=%d\r\n" % len(session.store)
