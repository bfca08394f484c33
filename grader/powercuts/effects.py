"""What changes make of a disk: names that lead to files, and bytes in them.

An event is a tuple as the agent's recorder writes it down (`grader.agent.powercut.recorder`); those
that change something are effects. Here a rename knows its file as well, `("rename", from, to,
file)`, so that it can reach the disk although the name before it never did; and there is one more,
("zeros", file, offset, count): a write of which only the length arrived.

Not here: which effects survive a power cut (`durable`, `states`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Event = tuple[Any, ...]

NAME_EFFECTS = frozenset({"create", "rename", "link", "unlink", "mkdir", "rmdir"})
CONTENT_EFFECTS = frozenset({"write", "truncate"})


@dataclass(frozen=True)
class Tree:
    """A folder: the bytes of each file by its path, and the paths of all folders within, sorted."""

    files: Mapping[str, bytes]
    folders: tuple[str, ...] = ()

    def digest(self) -> bytes:
        """What tells it from every other tree."""
        digest = hashlib.blake2b(digest_size=16)
        for name in sorted(self.files):
            data = self.files[name]
            digest.update(
                b"%d %d " % (len(name), len(data)) + name.encode("utf-8", "surrogatepass") + data
            )
        digest.update("\0".join(self.folders).encode("utf-8", "surrogatepass"))
        return digest.digest()


def is_effect(event: Event) -> bool:
    """Whether an event changes what is on disk."""
    return event[0] in NAME_EFFECTS or event[0] in CONTENT_EFFECTS


def start_of(events: Iterable[Event]) -> tuple[Event, ...]:
    """The events that say what was there at the beginning."""
    return tuple(event for event in events if event[0] == "file")


def with_files(events: Iterable[Event]) -> list[Event]:
    """The events, in which every rename and link says which file it names; -1 for a folder."""
    names: dict[str, int] = {}
    told: list[Event] = []
    for event in events:
        file = names.get(event[1], -1) if event[0] in ("rename", "link") else -1
        told.append((*event[:3], file) if event[0] in ("rename", "link") else event)
        _name(names, told[-1])
    return told


def same_files(before: Iterable[Event], later: Iterable[Event]) -> tuple[Event, ...]:
    """Events of a later process, with the numbers that files have in the events before; those that
    say what was there are left out.
    """
    names: dict[str, int] = {}
    last = 0
    for event in before:
        _name(names, event)
        last = max(last, event[2]) if event[0] in ("file", "create") else last
    numbers = {-1: -1}
    changed: list[Event] = []
    for event in later:
        if event[0] == "file":
            numbers[event[2]] = names.get(event[1], -1)
            continue
        if event[0] == "create":
            numbers[event[2]] = last + event[2]
        place = _PLACE_OF_FILE.get(event[0])
        if place is not None:
            event = (*event[:place], numbers.get(event[place], -1), *event[place + 1 :])
        changed.append(event)
    return tuple(changed)


_PLACE_OF_FILE = {
    "create": 2,
    "write": 1,
    "truncate": 1,
    "fsync": 1,
    "failed": 2,
    "rename": 3,
    "link": 3,
}


def _name(names: dict[str, int], event: Event) -> None:
    """Keep account of which name leads to which file."""
    if event[0] in ("file", "create"):
        names[event[1]] = event[2]
    elif event[0] in ("rename", "link"):
        names[event[2]] = event[3]
    if event[0] in ("rename", "unlink"):
        names.pop(event[1], None)


class Disk:
    """A disk on which effects are made, one after the other."""

    def __init__(self, tree: Tree, start: Iterable[Event] = ()) -> None:
        """It holds a tree, whose files have the numbers that `start` says: ("file", path, number)
        events.
        """
        self._names: dict[str, int] = {}
        self._data: dict[int, bytearray] = {}
        self._folders: set[str] = set(tree.folders)
        for _file, path, number in start:
            self._names[path] = number
            self._data[number] = bytearray(tree.files.get(path, b""))

    def make(self, effects: Iterable[Event]) -> Disk:
        """Make effects; returns itself."""
        for effect in effects:
            getattr(self, f"_{effect[0]}")(*effect[1:])
        return self

    def tree(self) -> Tree:
        """What lies there now. A file whose folder was lost is lost with it."""
        files = {
            path: bytes(self._data.get(number, b""))
            for path, number in self._names.items()
            if self._has_parents(path)
        }
        return Tree(files, tuple(sorted(path for path in self._folders if self._has_parents(path))))

    def _has_parents(self, path: str) -> bool:
        place = path.rpartition("/")[0]
        return not place or (place in self._folders and self._has_parents(place))

    def _create(self, path: str, file: int) -> None:
        self._names[path] = file
        self._data.setdefault(file, bytearray())

    def _write(self, file: int, offset: int, data: bytes) -> None:
        content = self._extended(file, offset)
        content[offset : offset + len(data)] = data

    def _zeros(self, file: int, offset: int, count: int) -> None:
        self._extended(file, offset + count)

    def _truncate(self, file: int, size: int) -> None:
        del self._extended(file, size)[size:]

    def _extended(self, file: int, size: int) -> bytearray:
        content = self._data.setdefault(file, bytearray())
        content.extend(bytes(max(0, size - len(content))))
        return content

    def _rename(self, old: str, new: str, file: int) -> None:
        if file >= 0:
            self._names.pop(old, None)
            self._names[new] = file
        elif old in self._folders:
            inside = {path for path in self._folders if path.startswith(f"{old}/")}
            self._folders -= {old, *inside}
            self._folders |= {new, *(new + path[len(old) :] for path in inside)}
            for path in [path for path in self._names if path.startswith(f"{old}/")]:
                self._names[new + path[len(old) :]] = self._names.pop(path)

    def _link(self, _old: str, new: str, file: int) -> None:
        self._names[new] = file

    def _unlink(self, path: str) -> None:
        self._names.pop(path, None)

    def _mkdir(self, path: str) -> None:
        self._folders.add(path)

    def _rmdir(self, path: str) -> None:
        self._folders.discard(path)
