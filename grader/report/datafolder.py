"""A data folder as recovery sees it: its segments and snapshots, what it would load, and what not.

Recovery takes the newest intact snapshot N and replays the segments from N on, in order; without a
snapshot, from 1 on. Segments must follow each other without a gap (docs/design.md, "Recovery").

Invariants: files are read one at a time, up to `READ_BYTES_MAX`; links, folders and other things
that are no plain file are named and not opened. Not here: what is in a file (bytemap.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from grader.report.blocks import INDENT, Hanging, hanging, joined
from grader.report.bytemap import ByteMap, byte_map
from grader.report.bytewords import STATES
from grader.report.layout import kind_of, number_of
from grader.report.words import count, plain

READ_BYTES_MAX = 256 * 1024 * 1024
_ROWS_MAX = 100  # at each end of a long list


def read_start(path: Path) -> tuple[bytes, int]:
    """Return the first bytes of a file and its size in bytes; raises `OSError`."""
    with path.open("rb") as file:
        data = file.read(READ_BYTES_MAX)
        return data, max(path.stat().st_size, len(data))


@dataclass(frozen=True)
class DataFile:
    """A file of the course: its number and its map, without blocks; None if it is no plain file."""

    name: str
    number: int
    it: ByteMap | None

    @property
    def is_intact(self) -> bool:
        """Whether every byte is as it was written."""
        return self.it is not None and self.it.state == "intact"


@dataclass(frozen=True)
class DataFolder:
    """The files of a data folder, by kind, each in the order of their numbers."""

    path: str
    segments: tuple[DataFile, ...]
    snapshots: tuple[DataFile, ...]
    temporary: tuple[str, ...]
    has_lock: bool
    others: int

    @property
    def snapshot(self) -> DataFile | None:
        """The snapshot that recovery begins with."""
        return next((each for each in reversed(self.snapshots) if each.is_intact), None)

    @property
    def first(self) -> int:
        """The number of the first segment that recovery replays."""
        return self.snapshot.number if self.snapshot else 1

    @property
    def replayed(self) -> list[DataFile]:
        """The segments that recovery replays, in order."""
        return [each for each in self.segments if each.number >= self.first]

    @property
    def missing(self) -> int:
        """The number of the first segment that should be there and is not, -1 if none is."""
        there = {each.number for each in self.segments}
        last = max(there, default=0)
        if self.snapshots and not self.snapshot:
            last = max(last, self.snapshots[-1].number)
        if self.snapshot:
            last = max(last, self.first)
        return next((n for n in range(self.first, last + 1) if n not in there), -1)

    @property
    def is_intact(self) -> bool:
        """Whether no file is damaged, and none is missing."""
        return self.missing < 0 and all(each.is_intact for each in self.segments + self.snapshots)

    @property
    def is_known(self) -> bool:
        """Whether anything of the course is in it."""
        return bool(self.segments or self.snapshots or self.temporary or self.has_lock)


def read_folder(folder: Path, shown: str) -> DataFolder:
    """Read a data folder, which is named `shown`; raises `OSError`."""
    paths = {path.name: path for path in folder.iterdir()}
    names = sorted(paths, key=lambda name: (number_of(name), name))
    temporary = tuple(name for name in names if name.endswith(".tmp"))
    segments = [name for name in names if kind_of(name) == "segment"]
    snapshots = [name for name in names if kind_of(name) == "snapshot" and name not in temporary]
    known = {*temporary, *segments, *snapshots, "LOCK"}
    last = segments[-1] if segments else ""
    return DataFolder(
        path=shown,
        segments=tuple(_read(paths[name], is_last=name == last) for name in segments),
        snapshots=tuple(_read(paths[name], is_last=False) for name in snapshots),
        temporary=temporary,
        has_lock="LOCK" in paths,
        others=len([name for name in names if name not in known]),
    )


def folder_page(folder: DataFolder) -> RenderableType:
    """Tell what is in a folder, a line a file, and what opening a store in it would do."""
    lines = [*_files(folder), *_others(folder)]
    left_out = len(lines) - 2 * _ROWS_MAX
    if left_out > 0:
        lines[_ROWS_MAX:-_ROWS_MAX] = [("", f"… {count(left_out, 'more file')}", "dim")]
    columns = max((len(name) for name, _, _ in lines if not name.endswith(".tmp")), default=0)
    holds = joined(
        [count(len(folder.segments), "segment"), count(len(folder.snapshots), "snapshot")]
    )
    return Group(
        Text(plain(folder.path), "bold").append(f"  {holds}", "not bold"),
        Text(),
        *(_line(name, columns, text, style) for name, text, style in lines),
        Text(),
        *(Hanging(Text(), Text(sentence)) for sentence in _opening(folder)),
    )


def _line(name: str, columns: int, text: str, style: str) -> Hanging:
    return hanging(f"{INDENT}{name:<{columns}}  ", text, label_style="bold", style=style)


def _files(folder: DataFolder) -> Iterator[tuple[str, str, str]]:
    """Name, words and style of each segment and snapshot, in the order of recovery."""
    replayed = folder.replayed
    both = sorted(folder.segments + folder.snapshots, key=lambda each: (each.number, each.name))
    for each in both:
        if each in replayed:
            role = f"replayed as {replayed.index(each) + 1} of {len(replayed)}"
        elif each in folder.segments:
            role = "not replayed: the snapshot stands for it"
        elif each == folder.snapshot:
            role = "recovery begins with it"
        elif each.number > folder.first or not folder.snapshot:
            role = "recovery passes it over"
        else:
            role = "not used: a newer one is intact"
        yield each.name, joined((_state(each), role)), "" if each.is_intact else "bold red"


def _others(folder: DataFolder) -> Iterator[tuple[str, str, str]]:
    for name in folder.temporary:
        yield plain(name), "a temporary file, left over: opening the store removes it", ""
    if folder.has_lock:
        yield "LOCK", "the lock: it may stay, whoever holds it tells the operating system", ""
    if folder.others:
        yield "", f"… and {count(folder.others, 'file')} of no format of the course", "dim"


def _state(each: DataFile) -> str:
    it = each.it
    if it is None:
        return "NOT A PLAIN FILE"
    at = f" at {it.damaged_at}" if it.damaged_at >= 0 else ""
    return joined((count(it.size, "byte"), it.holds, f"{STATES[it.state]}{at}"))


def _opening(folder: DataFolder) -> Iterator[str]:
    """What opening a store here would do."""
    if folder.missing >= 0:
        yield (
            f"Opening a store here raises CorruptLogError: segment {folder.missing} of the log is"
            " missing."
        )
        return
    replayed = folder.replayed
    broken = next((e for e in replayed if not e.is_intact and not _is_torn(e)), None)
    if broken is not None:
        at = broken.it.damaged_at if broken.it else 0
        yield (
            f"Opening a store here raises CorruptLogError: {broken.name} is damaged at {at}, and"
            " an unfinished write does not explain it."
        )
        return
    start = f"loads {folder.snapshot.name}" if folder.snapshot else "finds no intact snapshot"
    names = f": {replayed[0].name} to {replayed[-1].name}" if replayed else ""
    yield f"Opening a store here {start}, and replays {count(len(replayed), 'segment')}{names}."
    for each in replayed:
        if each.it and _is_torn(each):
            size = count(each.it.size - each.it.damaged_at, "byte")
            yield f"It cuts {size} off {each.name}, at {each.it.damaged_at}: a torn tail."


def _is_torn(each: DataFile) -> bool:
    return each.it is not None and each.it.state == "torn"


def _read(path: Path, *, is_last: bool) -> DataFile:
    if path.is_symlink() or not path.is_file():
        return DataFile(path.name, number_of(path.name), None)
    data, size = read_start(path)
    it = byte_map(path.name, data, size, ends=0, is_last=is_last)
    return DataFile(path.name, number_of(path.name), it)
