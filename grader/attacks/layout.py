"""Make a submission of an attack: a folder or a zip, as a student would hand it in.

What git or Windows cannot hold (links, FIFOs, devices, odd zips) is made here from its description.
Invariants: nothing is written outside the given folder, and nothing of the attack is run.
"""

from __future__ import annotations

import os
import socket
import stat
import struct
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from grader.attacks.catalog import MARK, Attack, AttackError, Odd
from grader.course import REFERENCE_DIR, load_course
from grader.mutants.catalog import mutate

_BLOCK = bytes(1024 * 1024)


def lay_out(attack: Attack, into: Path, mark: str) -> Path:
    """Write the attack below the folder `into`; return the folder or the zip to hand in."""
    name = attack.submission.replace(MARK, mark) or attack.name
    files = {
        place.replace(MARK, mark): text.replace(MARK, mark).encode()
        for place, text in package_files(attack).items()
    }
    odds = tuple(replace(odd, path=odd.path.replace(MARK, mark)) for odd in attack.odd)
    if attack.form == "zip":
        path = into / f"{name}.zip"
        _write_zip(path, files, odds)
        return path
    root = into / name
    for place, data in files.items():
        _write(root / place, data)
    for odd in odds:
        _make(root / odd.path, odd)
    return root


def lay_out_twin(attack: Attack, into: Path) -> Path:
    """Write the package of an attack without its trick below `into`; return the package."""
    for place, text in {**_base_files(attack), **attack.twin}.items():
        _write(into / _place(place), text.encode())
    return into / "kvstore"


def package_files(attack: Attack) -> dict[str, str]:
    """Return the text of every plain file by its place within the submission.

    Raises `AttackError` when it adds to a file that its base does not have.
    """
    files = {**_base_files(attack), **attack.texts}
    for place, text in attack.append.items():
        if place not in files:
            raise AttackError(f"attack {attack.name!r}: there is no {place} to add to")
        files[place] += "\n" + text
    return {_place(place): text for place, text in files.items()}


def _place(place: str) -> str:
    return place[1:] if place.startswith("/") else f"kvstore/{place}"


def _base_files(attack: Attack) -> Mapping[str, str]:
    course = load_course()
    files = {name: (course.given_dir / name).read_text("utf-8") for name in course.given}
    for stage in course.stages:
        origin = REFERENCE_DIR if attack.base == "reference" else stage.skeleton
        files |= {name: (origin / name).read_text("utf-8") for name in stage.files}
    mutant = attack.mutant
    return files if mutant is None else {**files, mutant.file: mutate(mutant)}


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _make(path: Path, odd: Odd) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    match odd.kind:
        case "link":
            path.symlink_to(odd.target)
        case "fifo":
            os.mkfifo(path)
        case "socket":
            _make_socket(path)
        case "device":
            _make_device(path)
        case "files":
            path.mkdir()
            for number in range(odd.count):
                (path / f"file_{number}.py").touch()
        case "zeros":
            with path.open("wb") as file:
                file.truncate(odd.count)
        case _:
            raise AttackError(f"a folder cannot hold an odd {odd.kind!r}")


def _make_device(path: Path) -> None:
    """Make a second /dev/zero; who may not make devices gets a socket."""
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    except PermissionError:
        _make_socket(path)


def _make_socket(path: Path) -> None:
    """Bind by a relative name: a socket's path has at most 107 bytes."""
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name)
    finally:
        os.chdir(before)


def _write_zip(path: Path, files: Mapping[str, bytes], odds: tuple[Odd, ...]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for place, data in files.items():
            archive.writestr(place, data)
        for odd in odds:
            _add_member(archive, odd)
    for odd in odds:
        if odd.kind == "encrypted":
            _flag_encrypted(path, odd.path)
        if odd.kind == "short":
            _declare_size(path, odd.path, odd.count)


def _add_member(archive: zipfile.ZipFile, odd: Odd) -> None:
    info = zipfile.ZipInfo(odd.path)
    info.compress_type = zipfile.ZIP_LZMA if odd.kind == "lzma" else zipfile.ZIP_DEFLATED
    if odd.kind == "link":
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name that is there twice is what we want
        if odd.kind == "zeros":
            with archive.open(info, "w", force_zip64=True) as member:
                for _ in range(odd.count // len(_BLOCK)):
                    member.write(_BLOCK)
        else:
            archive.writestr(info, odd.target)


def _flag_encrypted(path: Path, member: str) -> None:
    _patch_directory(path, member, 8, struct.pack("<H", 1))


def _declare_size(path: Path, member: str, size: int) -> None:
    _patch_directory(path, member, 24, struct.pack("<I", size))


def _patch_directory(path: Path, member: str, at: int, data: bytes) -> None:
    """Change a field of a member's entry in the central directory (APPNOTE.TXT, 4.3.12)."""
    raw = bytearray(path.read_bytes())
    entry = raw.rindex(member.encode()) - 46
    if raw[entry : entry + 4] != b"PK\x01\x02":
        raise AttackError(f"{path.name} has no directory entry of {member}")
    raw[entry + at : entry + at + len(data)] = data
    path.write_bytes(raw)
