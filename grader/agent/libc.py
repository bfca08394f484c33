"""Functions of the C library that Python does not offer, called by name. Linux only.

It stands on `_ctypes`, the part of ctypes that is written in C: the rest of it would add 3 ms to
the start of an agent, which needs five functions.
"""

from __future__ import annotations

import _ctypes
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class _Long(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "l"


class _UnsignedShort(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "H"


class _Bytes(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "z"


class _Function(_ctypes.CFuncPtr):
    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
    _restype_ = _Long


class _CountedBytes(_ctypes.Structure):
    _fields_ = (("count", _UnsignedShort), ("bytes", _Bytes))


def function(name: str) -> Callable[..., int]:
    """The function of this name: it takes ints, passed as longs, bytes, passed as a pointer, and
    None; it raises `OSError` when the result is negative.
    """
    found = _Function(_ctypes.dlsym(_ctypes.dlopen(None, 0), name))  # type: ignore[arg-type]

    def call(*arguments: Any) -> int:
        result: int = found(*[_Long(a) if type(a) is int else a for a in arguments])
        if result < 0:
            number = _ctypes.get_errno()
            raise OSError(number, f"{name}: {os.strerror(number)}")
        return result

    return call


def call(name: str, *arguments: Any) -> int:
    """Call a function by name, once."""
    return function(name)(*arguments)


def counted(data: bytes, count: int) -> Any:
    """A pointer to a struct of a short, `count`, and a pointer to `data`, to pass to a call."""
    return _ctypes.byref(_CountedBytes(count, data))
