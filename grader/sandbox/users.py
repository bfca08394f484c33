"""User ids for agents that are started by root: one that owns nothing else, and one for each work
folder.

The kernel counts processes per user, so a fork bomb in one agent must not use up another one's
share. An agent that is started again on the same folder must still own what it wrote there, so the
folder's owner *is* the record of who that is.
"""

from __future__ import annotations

import itertools
import os
from functools import cache
from pathlib import Path

_FIRST = 1_000_000_000
_SPREAD = 1_000_000
_IDS_WANTED = 10_000
_count = itertools.count(1)


def owner_for(work_dir: Path) -> int:
    """Return the user that an agent on `work_dir` runs as; the folder and what is in it become that
    user's.
    """
    first, spread = _ids()
    user = work_dir.stat().st_uid
    if not first <= user < first + spread:
        user = first + (os.getpid() * 512 + next(_count) % 512) % spread
        for path in [work_dir, *work_dir.rglob("*")]:
            os.chown(path, user, user, follow_symlinks=False)
    return user


@cache
def _ids() -> tuple[int, int]:
    """The first of the ids to be used, and how many there are.

    Inside a container root may have a few ten thousand ids only: then it is the last ones of those.
    """
    for line in Path("/proc/self/uid_map").read_text().splitlines():
        inside, _outside, length = map(int, line.split())
        if inside <= _FIRST and inside + length >= _FIRST + _SPREAD:
            return _FIRST, _SPREAD
        if length >= 2 * _IDS_WANTED:
            return inside + length - 1 - _IDS_WANTED, _IDS_WANTED
    raise OSError("this root user has no other users to give to agents")
