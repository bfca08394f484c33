import os
import struct
import threading
import time
import zlib
from pathlib import Path

from .entry import decode, encode
from .errors import *


class WAL:
    bytes_cut = 0
    cut_offset = None

    def __init__(self, path, sync="always", *, interval=1.0, clock=time.monotonic):
        if sync not in ("always", "interval", "never"):
            raise ValueError(sync)
        self.path = Path(path)
        self.mode = sync
        self.interval = interval
        self.clock = clock
        self.file = open(path, "ab")
        self.lock = threading.Lock()
        self.last = clock()
        self.failed = False

    def append(self, *entries):
        if not entries:
            raise ValueError("no entries")
        payload = b"".join(encode(e) for e in entries)
        with self.lock:
            if self.failed:
                raise LogFailedError("log failed")
            self.file.write(struct.pack(">II", zlib.crc32(payload), len(payload)))
            self.file.write(payload)
            self.file.flush()
            if self.mode == "always" or (self.mode == "interval" and self.clock() - self.last >= self.interval):
                self.fsync()

    def fsync(self):
        try:
            os.fsync(self.file.fileno())
        except OSError:
            self.failed = True
            raise
        self.last = self.clock()

    def sync(self):
        with self.lock:
            if self.failed:
                raise LogFailedError("log failed")
            self.fsync()

    def replay(self, *, is_last=True):
        if self.file.closed:
            raise ValueError("closed")
        data = self.path.read_bytes()
        pos = 0
        while pos < len(data):
            entries, end = self.frame(data, pos)
            if entries is None:
                # torn tail?
                if not is_last:
                    raise CorruptLogError("torn tail", str(self.path), pos)
                if end < len(data) and self.frame(data, end)[0] is not None:
                    raise CorruptLogError("bad frame", str(self.path), pos)
                self.bytes_cut = len(data) - pos
                self.cut_offset = pos
                self.file.truncate(pos)
                return
            yield entries
            pos = end

    def frame(self, data, pos):
        if pos + 8 > len(data):
            return None, len(data)
        crc, n = struct.unpack(">II", data[pos : pos + 8])
        end = pos + 8 + n
        payload = data[pos + 8 : end]
        if len(payload) < n or zlib.crc32(payload) != crc:
            return None, end
        entries = []
        i = 0
        while i < n:
            entry, i = decode(payload, i)
            entries.append(entry)
        return entries, end

    def close(self):
        if not self.file.closed:
            self.fsync()
            self.file.close()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.close()


def segment_path(data_dir, number):
    return Path(data_dir) / ("wal-%010d.log" % number)


def list_segments(data_dir):
    paths = sorted(Path(data_dir).glob("wal-*.log"))
    return [(int(p.stem[4:]), p) for p in paths]
