import struct
import time
import zlib
from pathlib import Path

from .errors import *


def write_snapshot(path, items, deadlines):
    out = b"KVSP" + struct.pack(">qI", time.time_ns(), len(items))
    for k, v in items.items():
        k = k.encode()
        out += struct.pack(">I", len(k)) + k + struct.pack(">I", len(v)) + v
    out += struct.pack(">I", len(deadlines))
    for k, d in deadlines.items():
        k = k.encode()
        out += struct.pack(">I", len(k)) + k + struct.pack(">q", d)
    out += struct.pack(">I", zlib.crc32(out))
    # the checksum tells us later if the write was complete
    Path(path).write_bytes(out)


def load_snapshot(path):
    data = Path(path).read_bytes()
    if data[:4] != b"KVSP":
        raise CorruptSnapshotError("bad magic", path, 0)
    if zlib.crc32(data[:-4]) != struct.unpack(">I", data[-4:])[0]:
        raise CorruptSnapshotError("bad checksum", path, len(data) - 4)
    pos = 12

    def read(n):
        nonlocal pos
        pos += n
        return data[pos - n : pos]

    def number():
        return struct.unpack(">I", read(4))[0]

    items = {}
    for _ in range(number()):
        key = read(number()).decode()
        items[key] = read(number())
    deadlines = {}
    for _ in range(number()):
        key = read(number()).decode()
        deadlines[key] = struct.unpack(">q", read(8))[0]
    return items, deadlines


def latest_snapshot(data_dir):
    for path in sorted(Path(data_dir).glob("snapshot-*.kvsp"), reverse=True):
        try:
            load_snapshot(path)
        except CorruptSnapshotError:
            continue
        return int(path.stem.split("-")[1]), path
    return None


def snapshot_path(data_dir, number):
    return Path(data_dir) / f"snapshot-{number:010d}.kvsp"
