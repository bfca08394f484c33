"""`python -m grader inspect PATH`: the byte map of a file, or what recovery makes of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from grader.mistake import MistakeError
from grader.report.bytemap import ENDS, byte_map
from grader.report.bytetable import byte_map_table
from grader.report.console import open_console, print_page
from grader.report.datafolder import folder_page, read_folder, read_start
from grader.report.layout import kind_of, number_of
from grader.report.words import plain

_ENDS_OF_ALL = 5_000


class InspectError(MistakeError):
    """What was named cannot be inspected."""


def inspect(
    path: Annotated[Path, typer.Argument(help="A segment, a snapshot, or a data folder.")],
    everything: Annotated[
        bool, typer.Option("--all", help="Each frame and item, up to 10,000 of them.")
    ] = False,
    start: Annotated[
        str, typer.Option("--from", metavar="OFFSET", help="Leave out what ends before it.")
    ] = "0",
) -> None:
    """Show what stands where in a segment or a snapshot, or what recovery makes of a folder.

    Exit code 0 if all is intact, 1 if anything is damaged, torn or missing.
    """
    try:
        is_intact = _inspect(path, _ENDS_OF_ALL if everything else ENDS, _offset(start))
    except OSError as problem:
        raise InspectError(f"{_shown(path)} cannot be read: {problem.strerror}") from None
    raise typer.Exit(0 if is_intact else 1)


def _inspect(path: Path, ends: int, start: int) -> bool:
    console = open_console()
    if path.is_dir():
        folder = read_folder(path, _shown(path))
        if not folder.is_known:
            raise InspectError(
                f"{_shown(path)} holds no segment and no snapshot: name a data folder, or a file"
                " such as wal-0000000001.log"
            )
        print_page(console, folder_page(folder))
        return folder.is_intact
    if not path.exists():
        raise InspectError(f"{_shown(path)} does not exist: name a segment, a snapshot or a folder")
    if not path.is_file():
        raise InspectError(f"{_shown(path)} is neither a file nor a folder")
    data, size = read_start(path)
    it = byte_map(
        path.name,
        data,
        size,
        ends=ends,
        start=start,
        is_last=_is_last(path),
        is_foretold=True,
    )
    if not it.kind:
        raise InspectError(
            f"{_shown(path)} is neither a segment nor a snapshot: neither its name nor its first"
            " bytes say so"
        )
    if start >= max(size, 1):
        raise InspectError(f"--from {start} is beyond the end: the file has {size} bytes")
    print_page(console, byte_map_table(it))
    return it.state == "intact"


def _offset(text: str) -> int:
    try:
        offset = int(text, 16 if text.lower().startswith("0x") else 10)
    except ValueError:
        offset = -1
    if offset < 0:
        raise InspectError(f"--from {plain(text)!r} is no offset: write bytes, such as 46 or 0x2e")
    return offset


def _is_last(path: Path) -> bool | None:
    """Whether no later segment stands beside a segment; None for anything else."""
    if kind_of(path.name) != "segment":
        return None
    others = [each.name for each in path.absolute().parent.iterdir()]
    numbers = [number_of(name) for name in others if kind_of(name) == "segment"]
    return max(numbers, default=0) <= number_of(path.name)


def _shown(path: Path) -> str:
    return plain(str(path))
