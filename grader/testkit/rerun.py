"""The one thing that a run is about when it was given an id: a schedule, or a power cut."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from grader.powercuts.effects import Tree
from grader.powercuts.replay import PowerCutReplay, parse_power_cut
from grader.races.replay import ScheduleReplay, parse_schedule
from grader.replay import ReplayError

# A test runs with an open umask, for agents of other users; what is left is its owner's to change.
_FOLDER_MODE, _FILE_MODE = 0o755, 0o644

Replay = ScheduleReplay | PowerCutReplay


@dataclass
class Rerun:
    """What is run again; nothing is searched.

    `is_debugged` says that the package runs in this process, under a debugger: nothing is traced
    then, and nothing has a time limit. `leave_in` is an empty folder in which the files are left
    as a power cut left them; None: nowhere.

    What the finder says: `is_done`, that a test has come to the place of the id and has run it;
    `misfit`, that it found something else there. `left` is the data folder in `leave_in`.
    """

    replay: Replay
    is_debugged: bool = False
    leave_in: Path | None = None
    is_done: bool = False
    misfit: ReplayError | None = None
    left: Path | None = None

    def leave(self, tree: Tree, inside: str = "") -> None:
        """Write a tree into `leave_in`, if there is one; `inside` is the path of the data folder
        in it, which may be missing. A path that leads out of the tree is a misfit: the package
        chose the names. Raises `OSError`.
        """
        if self.leave_in is None:
            return
        root = self.leave_in.resolve()
        for name in (inside, *tree.folders, *tree.files):
            if not (root / name).resolve().is_relative_to(root):
                self.misfit = ReplayError(f"a file of this power cut cannot be left: {name!r}")
                return
        for name in tree.folders:
            _make(root / name)
        for name, data in tree.files.items():
            path = root / name
            path.write_bytes(data)
            path.chmod(_FILE_MODE)
        self.left = self.leave_in / inside


def parse_replay(text: str) -> Replay:
    """Read an id of either kind; raises `ReplayError`."""
    for parse in (parse_schedule, parse_power_cut):
        with suppress(ReplayError):
            return parse(text)
    raise ReplayError(
        f"{text!r} is not the id of a schedule or of a power cut: copy it whole from the failure"
        " that it replays"
    )


def _make(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    folder.chmod(_FOLDER_MODE)
