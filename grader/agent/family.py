"""Who waits for whom: a process that stays behind to collect orphans, and death with one's parent.

What code under test starts and abandons would become a child of the machine's first process, where
nobody could tell whose it was. The process that stays behind gets them instead, and ends them when
the agent has ended. Linux only.
"""

from __future__ import annotations

import contextlib
import os
import signal

from .libc import call

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def go_on_in_a_child() -> None:
    """Return in a forked child. This process collects its orphans; when the child ends, or the
    parent does, it ends them and then itself, with the child's exit code or 128 and its signal.

    Must be called before any thread is started.
    """
    child = os.fork()
    if not child:
        return
    signal.signal(signal.SIGTERM, _end)
    call("prctl", _PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    call("prctl", _PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for descriptor in (0, 1, 2):
        os.close(descriptor)  # or the pipes would not close with the agent
    ended, status = os.wait()
    while ended != child:
        ended, status = os.wait()
    _end_orphans()
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def _end(number: int, _frame: object) -> None:
    """The grader has ended without ending this: do so."""
    _end_orphans()
    os._exit(128 + number)


def _end_orphans() -> None:
    """Kill and collect every child of this process, and those that become so thereby."""
    with contextlib.suppress(ChildProcessError):  # there are none any more
        while True:
            with open(f"/proc/self/task/{os.getpid()}/children") as file:
                for pid in map(int, file.read().split()):
                    os.kill(pid, signal.SIGKILL)
            os.wait()


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends. A change of user undoes it."""
    call("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
