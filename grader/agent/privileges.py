"""Give up rights for good, where bubblewrap has not done it: what root may do, and system calls.

Source: the manual pages capabilities(7), capset(2), prctl(2), seccomp(2). Linux only.
"""

from __future__ import annotations

import os
import struct

from .libc import call, counted

_PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 8, 47, 2
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER, _INSTRUCTION_BYTES = 38, 22, 2, 8
_CAPABILITY_VERSION, _CAP_DAC_READ_SEARCH = 0x20080522, 2


def give_up(user: int | None) -> None:
    """Become `user`, a number, where one is given; keep no privilege but to find one's way.

    The new user keeps the right to pass and read folders that belong to others, since Python or
    the package may lie below a private folder. What may be read at all is not decided here.
    """
    kept = 0
    if user is not None:
        kept = 1 << _CAP_DAC_READ_SEARCH
        call("prctl", _PR_SET_KEEPCAPS, 1, 0, 0, 0)
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    header = struct.pack("=Ii", _CAPABILITY_VERSION, 0)
    call("capset", header, struct.pack("=6I", kept, kept, kept, 0, 0, 0))
    if kept:  # or a program started from here would lose it
        call("prctl", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_READ_SEARCH, 0, 0)


def refuse_calls(program: bytes) -> None:
    """Put this process and all that it will start under a seccomp filter, see `seccomp.build`."""
    call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    instructions = counted(program, len(program) // _INSTRUCTION_BYTES)
    call("prctl", _PR_SET_SECCOMP, _MODE_FILTER, instructions)
