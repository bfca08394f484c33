"""Namespaces without bubblewrap: a network, processes and mounts of the agent's own.

`enter` forks twice. The process that was started stays behind outside; the first process inside
stays behind too, and when it ends the kernel kills all others in there, wherever they went; what
returns is the second one inside.

Source: the manual pages unshare(2), user_namespaces(7), pid_namespaces(7), netdevice(7).
"""

from __future__ import annotations

import _socket
import fcntl
import os
import struct

from .family import go_on_in_a_child
from .libc import call

_NEW_MOUNTS, _NEW_NAMES, _NEW_IPC, _NEW_USER, _NEW_PROCESSES, _NEW_NETWORK = (
    0x00020000,
    0x04000000,
    0x08000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
_PRIVATE, _RECURSIVE = 1 << 18, 1 << 14
_READ_ONLY, _NO_SUID, _NO_DEVICES, _NO_EXEC = 1, 2, 4, 8
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1


def enter(covered: list[str]) -> None:
    """Return in a process behind namespaces of its own, where the `covered` folders are empty.

    Raises `OSError` where the kernel does not allow it. To be called before threads are started.
    """
    user, group = os.getuid(), os.getgid()
    flags = _NEW_MOUNTS | _NEW_NAMES | _NEW_IPC | _NEW_PROCESSES | _NEW_NETWORK
    call("unshare", flags if user == 0 else flags | _NEW_USER)
    if user != 0:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
    go_on_in_a_child()
    call("mount", b"none", b"/", None, _RECURSIVE | _PRIVATE, None)
    call("mount", b"proc", b"/proc", b"proc", _NO_SUID | _NO_DEVICES | _NO_EXEC, None)
    for folder in covered:
        call("mount", b"none", os.fsencode(folder), b"tmpfs", _READ_ONLY, b"size=4k,mode=755")
    any_socket = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    fcntl.ioctl(any_socket.fileno(), _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
    any_socket.close()
    go_on_in_a_child()


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)
