"""Ask an agent to record a history, or to open folders again, and read what it says.

An agent that records does nothing else, and begins before any other code of the package has run in
its process. After a record it is killed, and its folder compared with what was written down.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from grader.found import FailureFound
from grader.outcome import Failure
from grader.powercuts.answers import Answer, Session, read_answers, read_events, read_sessions
from grader.powercuts.effects import Disk, Event, Tree, is_effect, start_of, with_files
from grader.powercuts.subject import Subject
from grader.races.program import Invocation
from grader.remote import session as remote
from grader.remote.failures import ProcessDied
from grader.removal import remove_tree

BATCH = 40  # folders in one request
SESSION_SECONDS = 2.0
CHANGES_MAX = 1_000  # of one history
FILE_BYTES_MAX = 16 * 1024 * 1024  # of a file that is compared with the record

Fault = tuple[str, int, int, str, int]
"""An operation of the disk, from which one on, how many of them, the name of the errno, and how
many bytes the first of these takes if it is a write."""


class UnsupportedIO(FailureFound):
    """The package changed files in a way that cannot be followed."""

    def __init__(self, sentence: str) -> None:
        super().__init__(Failure(sentence))


@dataclass(frozen=True)
class Recorded:
    """A history as it ran: the events, the answers of all calls, and what was there before."""

    events: tuple[Event, ...]
    answers: tuple[Answer, ...]
    start: Tree

    def disk(self) -> Disk:
        """The disk before the first event."""
        return Disk(self.start, start_of(self.events))

    def tree(self) -> Tree:
        """What was there in the end."""
        return self.disk().make(filter(is_effect, self.events)).tree()


class PowerAgent:
    """The agents of one test; one that `is_debugged` opens folders in this process."""

    def __init__(self, session: remote.Session, *, is_debugged: bool = False) -> None:
        self._session = session
        self._is_debugged = is_debugged
        assert session.data_dir is not None
        self._root = session.data_dir

    def record(
        self,
        subject: Subject,
        calls: Sequence[Invocation],
        start: Tree,
        faults: Sequence[Fault] = (),
    ) -> Recorded:
        """Run calls in a folder that holds `start`. Raises the `CallFailure` that this led to, and
        `UnsupportedIO`.
        """
        self._fresh()
        lay_out(start, self._root)
        folder = self._root / subject.inside if subject.inside else self._root
        wire = [call.wire() for call in calls]
        doing = "; ".join(call.text() for call in calls)
        raw = self._ask(doing, "record", str(self._root), str(folder), wire, [*faults])
        try:
            answers = read_answers(raw["calls"], len(calls), str(self._root))
            events = tuple(with_files(read_events(raw["events"])))
        except (ValueError, LookupError, TypeError):
            raise self._broken(doing) from None
        self._quit_if_asked(answers)
        self._session.kill()
        _check_followed(events)
        found = _look(self._root)
        _empty(self._root)
        recorded = Recorded(events, answers, start)
        _check_complete(recorded, found)
        return recorded

    def reopen(
        self,
        subject: Subject,
        trees: Iterable[Tree],
        sessions: Sequence[Sequence[Invocation]],
        *,
        record: bool = False,
        faults: Sequence[Fault] = (),
        trees_a_process: int = 1,
    ) -> Iterator[tuple[Session, ...]]:
        """Have each tree opened, and yield what came of it, in order; fewer if one hangs."""
        self._fresh()
        options = {
            "inside": subject.inside,
            "seconds": SESSION_SECONDS,
            "modules": [*subject.modules],
            "faults": [*faults],
            "record": record,
            "forks": not self._is_debugged,
            "trees_a_process": trees_a_process,
        }
        wire = [[call.wire() for call in calls] for calls in sessions]
        counts = [len(calls) for calls in sessions]
        waiting = iter(trees)
        while batch := [([*tree.folders], dict(tree.files)) for tree in islice(waiting, BATCH)]:
            raw = self._ask("opening it again", "reopen", str(self._root), batch, wire, options)
            try:
                if type(raw) is not list or not 0 < len(raw) <= len(batch):
                    raise ValueError
                said = [read_sessions(one, counts, str(self._root)) for one in raw]
            except ValueError:
                raise self._broken("opening it again") from None
            if any(session.end == "strayed" for one in said for session in one):
                raise UnsupportedIO(
                    "unsupported I/O: when it was opened again, the package left files or processes"
                    " outside of its data folder"
                )
            self._quit_if_asked([answer for one in said for each in one for answer in each.answers])
            yield from said
            if len(said) < len(batch):
                return

    def _fresh(self) -> None:
        """The next request starts a process, in which nothing of the package has run."""
        if self._session.is_started:
            self._session.kill()
        _empty(self._root)

    def _quit_if_asked(self, answers: Sequence[Answer]) -> None:
        """The debugger was told to quit."""
        refusals = (answer.refusal for answer in answers if answer.refusal is not None)
        if self._is_debugged and any("BdbQuit" in refusal.names for refusal in refusals):
            raise KeyboardInterrupt

    def _ask(self, doing: str, tool: str, *arguments: Any) -> Any:
        return self._session.ask(doing, "tool", tool, arguments)

    def _broken(self, doing: str) -> ProcessDied:
        self._session.kill()
        return ProcessDied(f"{doing} broke the connection to the grader")


def _check_followed(events: Sequence[Event]) -> None:
    """Raises `UnsupportedIO` if changes could not be followed, or are too many."""
    changes = sum(is_effect(event) for event in events)
    if changes > CHANGES_MAX:
        raise UnsupportedIO(
            f"{changes:,} changes on disk in so few calls: power cuts are tried up to"
            f" {CHANGES_MAX:,}, so write more at a time"
        )
    for event in events:
        if event[0] == "unsupported":
            raise UnsupportedIO(f"unsupported I/O: {event[1]}, so no power cut can be tried")


def _check_complete(recorded: Recorded, found: Tree) -> None:
    """Compare what was written down with what is there; raises `UnsupportedIO`."""
    told = recorded.tree()
    for name in sorted(told.files.keys() | found.files.keys()):
        if told.files.get(name) != found.files.get(name):
            raise UnsupportedIO(
                f"unsupported I/O: {name} was changed past open, os and shutil (by another process,"
                " a database or a memory map, say), so no power cut can be tried"
            )
    if set(told.folders) != set(found.folders):
        raise UnsupportedIO("unsupported I/O: a folder was made or removed past os")


def _look(folder: Path, below: str = "") -> Tree:
    """What lies in a folder that the package may have put anything into; raises `UnsupportedIO` at
    what is neither a file nor a folder.
    """
    files: dict[str, bytes] = {}
    folders: list[str] = []
    try:
        for path in sorted(folder.iterdir()):
            name = f"{below}{path.name}"
            if path.is_dir():
                inner = _look(path, f"{name}/")
                files |= inner.files
                folders += [name, *inner.folders]
            elif path.stat().st_size > FILE_BYTES_MAX:
                raise UnsupportedIO(f"unsupported I/O: {name} has {path.stat().st_size:,} bytes")
            else:
                files[name] = path.read_bytes()
    except AssertionError as refused:  # a safe path's way to say so
        raise UnsupportedIO(f"unsupported I/O: {refused}") from None
    except OSError as problem:
        why = problem.strerror
        raise UnsupportedIO(f"unsupported I/O: the data folder cannot be read ({why})") from None
    return Tree(files, tuple(folders))


def lay_out(tree: Tree, root: Path) -> None:
    """Write a tree into an empty folder."""
    for name in tree.folders:
        (root / name).mkdir(exist_ok=True)
    for name, data in tree.files.items():
        (root / name).write_bytes(data)


def _empty(root: Path) -> None:
    """Make the data folder anew, whatever the package has put in its place; nobody works there any
    more.
    """
    folder = Path(str(root))
    try:
        if folder.is_dir() and not folder.is_symlink():
            remove_tree(folder)
        elif os.path.lexists(folder):
            folder.unlink()
        folder.mkdir()
    except OSError as problem:
        why = problem.strerror
        raise UnsupportedIO(f"unsupported I/O: the data folder cannot be emptied ({why})") from None
