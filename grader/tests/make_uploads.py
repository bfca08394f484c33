"""Folders and archives as students and learning platforms make them, for the tests of intake."""

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

FILES = {"kvstore/memory.py": "x = 1\n", "kvstore/rwlock.py": "y = 2\n"}

Contents = Mapping[str, str | bytes]


def make_folder(root: Path, files: Contents) -> Path:
    """Write the files below `root`, and return it."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_bytes(content))
    return root


def make_zip(path: Path, files: Mapping[str | zipfile.ZipInfo, str | bytes]) -> Path:
    """Write a zip with these members, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def make_tar(path: Path, files: Mapping[str | tarfile.TarInfo, str | bytes]) -> Path:
    """Write a gzipped tar with these members, and return its path."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name) if isinstance(name, str) else name
            data = _bytes(content)
            member.size = len(data) if member.isreg() else 0
            archive.addfile(member, io.BytesIO(data))
    return path


def zipped(files: Contents) -> bytes:
    """Return the bytes of a zip with these members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content
