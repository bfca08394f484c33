"""Refuse the system calls that no honest store makes: a seccomp filter, as bytes for the kernel.

The other walls hold without it; it takes away what could be used to climb them: namespaces and
mounts of one's own, debuggers, kernel keys and programs, io_uring, sockets other than TCP, memory
and files that no limit counts, and leaving the process group by which an agent is killed.

Source: the kernel's Documentation/userspace-api/seccomp_filter.rst; numbers from its tables of
system calls. A filter is a list of instructions of the classic Berkeley packet filter, each of 8
bytes.
"""

from __future__ import annotations

import errno
import os
import struct

_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_LOAD, _AND, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_FOREIGN_NUMBERS = 0x40000000  # x86_64 numbers from here on are the x32 interface's
_NEW_NAMESPACE_FLAGS = 0x7E020000
_AF_INET, _AF_INET6, _SOCK_STREAM, _IPPROTO_TCP, _TYPE_BITS = 2, 10, 1, 6, 0xF
_PR_SET_PDEATHSIG = 1

# The number of each refused call on x86_64 and on aarch64, where it exists.
_REFUSED: dict[str, tuple[int | None, int | None]] = {
    # namespaces, mounts, roots
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    # other processes
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "setsid": (112, 157),
    "setpgid": (109, 154),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "sched_setaffinity": (203, 122),
    "sched_setattr": (314, 274),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    # memory and files that no limit counts, and files that stop their reader
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "mknod": (133, None),
    "mknodat": (259, 33),
    # the kernel itself
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "ioperm": (173, None),
    "iopl": (172, None),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "lookup_dcookie": (212, 18),
    "modify_ldt": (154, None),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "perf_event_open": (298, 241),
    "personality": (135, 92),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "setdomainname": (171, 162),
    "sethostname": (170, 161),
    "settimeofday": (164, 170),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "userfaultfd": (323, 282),
    "vhangup": (153, 58),
}

Instruction = tuple[int, int, int, int]
_PERMISSION = (_RETURN, 0, 0, _REFUSE | errno.EPERM)
_FAMILY = (_RETURN, 0, 0, _REFUSE | errno.EAFNOSUPPORT)
_UNKNOWN = (_RETURN, 0, 0, _REFUSE | errno.ENOSYS)
_YES = (_RETURN, 0, 0, _ALLOW)


def build() -> bytes | None:
    """Return the filter for this machine, or None where its system calls are not known here."""
    import sys

    known = _ARCHITECTURES.get(os.uname().machine) if sys.platform == "linux" else None
    if known is None:
        return None
    column, architecture = known
    program: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_AT_LEAST, 0, 1, _FOREIGN_NUMBERS),
        _PERMISSION,
    ]
    for numbers in _REFUSED.values():
        program += _when(numbers[column], [_PERMISSION])
    for numbers, body in _JUDGED_BY_ARGUMENTS:
        program += _when(numbers[column], body)
    program.append(_YES)
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def _when(number: int | None, body: list[Instruction]) -> list[Instruction]:
    """For this system call, `body`, which ends with a return."""
    return [(_EQUAL, 0, len(body), number), *body] if number is not None else []


def _argument(index: int) -> Instruction:
    """Load the lower half of an argument."""
    return (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * index)


_JUDGED_BY_ARGUMENTS: tuple[tuple[tuple[int, int], list[Instruction]], ...] = (
    (
        (56, 220),  # clone: threads and children, but no namespaces
        [_argument(0), (_ANY_BIT, 0, 1, _NEW_NAMESPACE_FLAGS), _PERMISSION, _YES],
    ),
    # clone3 has its flags in memory, which a filter cannot read; the C library then uses clone
    ((435, 435), [_UNKNOWN]),
    (
        (62, 129),  # kill: one process, never "everybody" or a group
        [_argument(0), (_AT_LEAST, 0, 1, 0x80000000), _PERMISSION, _YES],
    ),
    (
        (157, 167),  # prctl: the agent must go on dying with its parent
        [_argument(0), (_EQUAL, 0, 1, _PR_SET_PDEATHSIG), _PERMISSION, _YES],
    ),
    (
        (302, 261),  # prlimit64: one's own limits only
        [_argument(0), (_EQUAL, 1, 0, 0), _PERMISSION, _YES],
    ),
    (
        (41, 198),  # socket: TCP
        [
            _argument(0),
            (_EQUAL, 2, 0, _AF_INET),
            (_EQUAL, 1, 0, _AF_INET6),
            _FAMILY,
            _argument(1),
            (_AND, 0, 0, _TYPE_BITS),
            (_EQUAL, 1, 0, _SOCK_STREAM),
            _PERMISSION,
            _argument(2),
            (_EQUAL, 2, 0, 0),
            (_EQUAL, 1, 0, _IPPROTO_TCP),
            _PERMISSION,
            _YES,
        ],
    ),
    (
        (53, 199),  # socketpair: streams, which cannot be sent to other addresses
        [_argument(1), (_AND, 0, 0, _TYPE_BITS), (_EQUAL, 1, 0, _SOCK_STREAM), _PERMISSION, _YES],
    ),
)
