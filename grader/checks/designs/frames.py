"""Frames as bytes, and the names of segments: what the logs here share.

Where the bytes lie, how they get there and when they are on disk is each log's own.
"""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

from .entry import decode, encode

HEADER = struct.Struct(">II")
_ENTRY_MAGIC = b"KVLG"
_NAME = re.compile(r"wal-(\d{10}|[1-9]\d{10,})\.log", re.ASCII)


def pack(entries):
    """Return header and payload of a frame."""
    payload = b"".join(encode(entry) for entry in entries)
    if not 0 < len(payload) < 2**32:
        raise ValueError("a frame holds at least one entry, and less than 4 GiB")
    return HEADER.pack(zlib.crc32(payload), len(payload)), payload


def unpack(data, at, end):
    """Return the entries of the frame at an offset, and where it ends; None if it is damaged."""
    begin = at + HEADER.size
    if begin > end:
        return None
    checksum, length = HEADER.unpack_from(data, at)
    if not 0 < length <= end - begin:
        return None
    payload = data[begin : begin + length]
    if zlib.crc32(payload) != checksum:
        return None
    entries, place = [], 0
    try:
        while place < length:
            entry, place = decode(payload, place)
            entries.append(entry)
    except ValueError:
        return None
    return entries, begin + length


def has_frame_after(data, at, end):
    """Whether a whole frame begins anywhere after an offset."""
    magic = data.find(_ENTRY_MAGIC, at + HEADER.size + 1, end)
    while magic >= 0:
        if unpack(data, magic - HEADER.size, end):
            return True
        magic = data.find(_ENTRY_MAGIC, magic + 1, end)
    return False


def segment_path(data_dir, number):
    """The path of a segment."""
    return Path(data_dir, f"wal-{number:010}.log")


def list_segments(data_dir):
    """Number and path of every segment, in numeric order."""
    found = [(_NAME.fullmatch(path.name), path) for path in Path(data_dir).iterdir()]
    return sorted((int(name[1]), path) for name, path in found if name)
