"""User ids for agents that are started by root: one that owns nothing else, and one for each work
folder.

The kernel counts processes per user, so a fork bomb in one agent must not use up another one's
share. An agent that is started again on the same folder must still own what it wrote there, so the
folder's owner *is* the record of who that is.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path

_FIRST = 1_000_000_000
_SPREAD = 1_000_000
_count = itertools.count(1)


def owner_for(work_dir: Path) -> int:
    """Return the user that an agent on `work_dir` runs as; the folder and what is in it become that
    user's.
    """
    user = work_dir.stat().st_uid
    if user < _FIRST:
        user = _FIRST + (os.getpid() * 512 + next(_count) % 512) % _SPREAD
        for path in [work_dir, *work_dir.rglob("*")]:
            os.chown(path, user, user)
    return user
