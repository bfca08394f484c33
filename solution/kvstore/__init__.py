"""A durable key-value store: `from kvstore import Store`.

Given: leave this file as it is. Names are loaded when they are first asked for, so that a package
in which only the first stages are written can be imported.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "rwlock": ("RWLock",),
    "memory": ("MemoryStore",),
    "entry": ("Entry", "Op"),
    "wal": ("WAL",),
    "store": ("Recovery", "Store"),
    "snapshot": ("latest_snapshot", "load_snapshot", "write_snapshot"),
    "protocol": ("ErrorReply", "Parser"),
    "commands": ("Dispatcher",),
    "server": ("Server",),
    "errors": (
        "CorruptEntryError",
        "CorruptLogError",
        "CorruptSnapshotError",
        "InvalidKeyError",
        "InvalidTTLError",
        "InvalidValueError",
        "KVStoreError",
        "LockError",
        "LogFailedError",
        "NotAnIntegerError",
        "ProtocolError",
        "StoreClosedError",
        "StoreLockedError",
        "TruncatedEntryError",
    ),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    """Import the module that holds `name`, the first time it is asked for (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'kvstore' has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
