"""Landlock from Python: after `restrict`, this process and all its children reach only the named
folders.

Source: the kernel's Documentation/userspace-api/landlock.rst. There are three system calls; the
numbers are the same on every architecture, as for all that were added since Linux 5.1.
"""

from __future__ import annotations

import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG, _RULE_PATH_BENEATH = 1, 1
_PR_SET_NO_NEW_PRIVS = 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_READ = _EXECUTE | _READ_FILE | _READ_DIR
# What each version of the interface knows: 13 rights at first, then REFER, TRUNCATE and (5)
# IOCTL_DEV.
_RIGHTS_BY_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | 1 << 14
# From this version on, signals and abstract sockets of processes outside are out of reach too.
SCOPES_ABI = 6
_ALL_SCOPES = 0b11


def version() -> int:
    """The kernel's Landlock version, 0 where there is none."""
    try:
        from .libc import call

        return call("syscall", _CREATE_RULESET, None, 0, _VERSION_FLAG)
    except (ImportError, OSError):  # this Python cannot call it, or this kernel has none
        return 0


def restrict(read: list[str], names: list[str], write: list[str]) -> int:
    """Allow reading and executing below `read`, the names of what is in and below `names`, and
    everything below `write`; nothing else in the file system. A missing path is passed over.

    Returns the version in force; raises `OSError` where the kernel has no Landlock.
    """
    from .libc import call, function

    abi = version()
    if abi == 0:
        raise OSError("this kernel has no Landlock")
    rights = max(mask for at_least, mask in _RIGHTS_BY_ABI.items() if abi >= at_least)
    attributes = struct.pack("=Q", rights)
    if abi >= SCOPES_ABI:
        attributes = struct.pack("=QQQ", rights, 0, _ALL_SCOPES)
    ruleset = call("syscall", _CREATE_RULESET, attributes, len(attributes), 0)
    add_rule = function("syscall")
    try:
        for paths, allowed in ((read, _READ), (names, _READ_DIR), (write, rights)):
            for path in paths:
                _allow(add_rule, ruleset, path, allowed & rights)
        call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        call("syscall", _RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return abi


def _allow(add_rule: Callable[..., int], ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not os.path.isdir(path):
            rights &= _FILE_RIGHTS
        rule = struct.pack("=Qi", rights, place)
        add_rule(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0)
    finally:
        os.close(place)
