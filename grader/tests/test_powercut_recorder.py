# ruff: noqa: E501, ISC004  (each snippet of code is one entry of a table)
"""Whatever way a package writes files, the record explains the folder, or says that it cannot."""

import errno
import os
import random
import sys
import textwrap

import pytest

from grader.tests.power_agent import records, replayed, tree_of
from grader.tests.race_agent import pythons

PYTHONS = pythons()

HEAD = """
import builtins, dbm, errno, io, mmap, os, pickle, shelve, shutil, sqlite3, subprocess, sys
import tempfile, threading
from enum import Enum
from pathlib import Path

class Named(str, Enum):
    LOG = "log"

def written(file, *parts):
    with file:
        for part in parts:
            file.write(part)
"""

# Each is the body of a function that runs in its folder; then what is written down, without bytes
# and numbers of files, unless that depends on luck. `folder` is the folder's path.
RECORDED = {
    "open w": ('written(open("f", "w"), "ab", "c")', "create f, write 0+3"),
    "open w again": (
        'written(open("f", "w"), "ab")\nwritten(open("f", "w"), "x")',
        "create f, write 0+2, truncate 0, write 0+1",
    ),
    "open wb unbuffered": ('written(open("f", "wb", 0), b"ab", b"c")', "create f, write 0+2, write 2+1"),
    "line buffered": ('written(open("f", "w", 1), "a\\n", "b\\n")', "create f, write 0+2, write 2+2"),
    "a buffer of four": (
        'written(open("f", "wb", 4), b"abc", b"defgh")',
        "create f, write 0+3, write 3+5",
    ),
    "open a": (
        'written(open("f", "a"), "ab")\nwritten(open("f", "ab", 0), b"c")',
        "create f, write 0+2, write 2+1",
    ),
    "open x": ('written(open("f", "xb"), b"ab")', "create f, write 0+2"),
    "open r+": (
        'written(open("f", "w"), "abcd")\nwith open("f", "r+") as f:\n f.seek(1); f.write("x")',
        "create f, write 0+4, write 1+1",
    ),
    "open w+": (
        'with open("f", "w+b") as f:\n f.write(b"abcd"); f.seek(2); f.write(b"x"); f.truncate()',
        "create f, write 0+4, write 2+1, truncate 3",
    ),
    "a+ reads and appends": (
        'with open("f", "a+b") as f:\n f.write(b"ab"); f.seek(0); f.read(1); f.write(b"c")',
        "create f, write 0+2, write 2+1",
    ),
    "beyond the end": (
        'with open("f", "wb") as f:\n f.seek(3); f.write(b"x")',
        "create f, write 3+1",
    ),
    "bigger than the buffer": (
        'written(open("f", "wb"), b"a" * 10, b"b" * 20000)',
        "create f, write 0+10, write 10+20000",
    ),
    "print": ('with open("f", "w") as f: print("a", "b", file=f)', "create f, write 0+4"),
    "newline and encoding": (
        'written(open("f", "w", encoding="utf-16-le", newline="\\r\\n"), "a\\n")',
        "create f, write 0+6",
    ),
    "Path.open": ('written(Path(folder, "f").open("wb"), b"x")', "create f, write 0+1"),
    "io.open": ('written(io.open("f", "wb"), b"x")', "create f, write 0+1"),
    "io.FileIO": ('written(io.FileIO("f", "w"), b"x", b"yz")', "create f, write 0+1, write 1+2"),
    "layers by hand": (
        'f = io.TextIOWrapper(io.BufferedWriter(io.FileIO(Path("f"), "x")))\nwritten(f, "x")',
        "create f, write 0+1",
    ),
    "an opener": (
        'written(open("f", "wb", opener=lambda p, flags: os.open(p, flags, 0o600)), b"x")',
        "create f, write 0+1",
    ),
    "truncate of a file object": (
        'with open("f", "wb") as f:\n f.write(b"abc"); f.truncate(1); f.truncate(5)',
        "create f, write 0+3, truncate 1, truncate 5",
    ),
    "os.open and os.write": (
        'fd = os.open("f", os.O_CREAT | os.O_WRONLY)\nos.write(fd, b"ab"); os.write(fd, memoryview(b"c"))',
        "create f, write 0+2, write 2+1",
    ),
    "os.writev": (
        'fd = os.open("f", os.O_CREAT | os.O_WRONLY)\nos.writev(fd, [b"ab", bytearray(b"c")])',
        "create f, write 0+3",
    ),
    "os.pwrite and os.pwritev": (
        'fd = os.open("f", os.O_CREAT | os.O_RDWR)\nos.pwrite(fd, b"ab", 4); os.pwritev(fd, [b"c"], 1)',
        "create f, write 4+2, write 1+1",
    ),
    "O_APPEND": (
        'fd = os.open("f", os.O_CREAT | os.O_WRONLY | os.O_APPEND)\n'
        'os.write(fd, b"ab"); os.lseek(fd, 0, 0); os.write(fd, b"c")',
        "create f, write 0+2, write 2+1",
    ),
    "O_TRUNC": (
        'Path("f").write_bytes(b"ab")\nos.open("f", os.O_WRONLY | os.O_TRUNC)',
        "create f, write 0+2, truncate 0",
    ),
    "O_DSYNC": (
        'fd = os.open("f", os.O_CREAT | os.O_WRONLY | os.O_DSYNC)\nos.write(fd, b"ab")',
        "create f, write 0+2, fsync f",
    ),
    "O_SYNC through a file object": (
        'fd = os.open("f", os.O_CREAT | os.O_WRONLY | os.O_SYNC)\nwritten(os.fdopen(fd, "w"), "ab")',
        "create f, write 0+2, fsync f",
    ),
    "os.fdopen": (
        'written(os.fdopen(os.open("f", os.O_CREAT | os.O_WRONLY), "wb"), b"x")',
        "create f, write 0+1",
    ),
    "one descriptor more": (
        'fd = os.dup(os.open("f", os.O_CREAT | os.O_WRONLY))\nos.write(fd, b"ab"); os.fsync(fd)',
        "create f, write 0+2, fsync f",
    ),
    "fsync of a file object, fdatasync, sync": (
        'with open("f", "wb") as f:\n f.write(b"x"); f.flush(); os.fsync(f); os.fdatasync(f.fileno())\nos.sync()',
        "create f, write 0+1, fsync f, fsync f, sync",
    ),
    "fsync before flush": (
        'with open("f", "wb") as f:\n f.write(b"x"); os.fsync(f)',
        "create f, fsync f, write 0+1",
    ),
    "fsync of folders": (
        'os.mkdir("d")\nfor name in (folder, ".", "d/..", "d"): os.fsync(os.open(name, os.O_RDONLY))',
        "mkdir d, fsync folder ., fsync folder ., fsync folder ., fsync folder d",
    ),
    "tempfile in the folder, renamed": (
        'with tempfile.NamedTemporaryFile("wb", dir=folder, prefix="t", suffix="", delete=False) as f:\n'
        ' f.write(b"x"); f.flush(); os.fsync(f)\nos.replace(f.name, "g")',
        "create *, write 0+1, fsync *, rename * g",
    ),
    "mkstemp": (
        'fd, path = tempfile.mkstemp(dir=folder)\nos.write(fd, b"x"); os.close(fd); os.rename(path, "g")',
        "create *, write 0+1, rename * g",
    ),
    "a temporary file that nobody names": (
        'with tempfile.TemporaryFile(dir=folder) as f: f.write(b"x"); f.flush()\nopen("g", "x").close()',
        "create g",
    ),
    "shutil copies and moves": (
        'Path("f").write_bytes(b"abc"); shutil.copyfile("f", "g"); shutil.copy("g", "h"); shutil.move("h", "i")',
        "create f, write 0+3, create g, write 0+3, create h, write 0+3, rename h i",
    ),
    "copyfileobj": (
        'Path("f").write_bytes(b"abc")\nwith open("f", "rb") as a, open("g", "wb") as b: shutil.copyfileobj(a, b)',
        "create f, write 0+3, create g, write 0+3",
    ),
    "pathlib": (
        'p = Path(folder) / "f"\np.write_text("x"); p.touch(); q = p.rename(p.with_name("g"))\n'
        'q = q.replace(Path("h")); Path("d").mkdir(); Path("d/e").touch(); q.unlink()\n'
        'Path("d/e").unlink(); Path("d").rmdir(); Path("k").hardlink_to("l") if False else None',
        "create f, write 0+1, rename f g, rename g h, mkdir d, create d/e, unlink h, unlink d/e, rmdir d",
    ),
    "links": (
        'Path("f").write_bytes(b"x"); os.link("f", "g"); Path("h").hardlink_to("g"); os.remove("f")\n'
        'written(open("g", "ab"), b"y")',
        "create f, write 0+1, link f g, link g h, unlink f, write 1+1",
    ),
    "two names of one file": (
        'Path("f").write_bytes(b"x"); os.link("f", "g"); os.rename("f", "g"); os.replace("f", "f")\nos.rename("f", "h")',
        "create f, write 0+1, link f g, rename f h",
    ),
    "makedirs and rmtree": (
        'os.makedirs("a/b", exist_ok=True); open("a/b/f", "w").close(); shutil.rmtree("a")',
        "mkdir a, mkdir a/b, create a/b/f, unlink a/b/f, rmdir a/b, rmdir a",
    ),
    "a folder with files is renamed": (
        'os.mkdir("a"); Path("a/f").write_bytes(b"x"); os.rename("a", "b"); written(open("b/f", "ab"), b"y")',
        "mkdir a, create a/f, write 0+1, rename a b, write 1+1",
    ),
    "os.truncate by path and by file": (
        'Path("f").write_bytes(b"abc"); os.truncate("f", 1); fd = os.open("f", os.O_RDWR)\n'
        'os.truncate(fd, 4); os.ftruncate(fd, 2)',
        "create f, write 0+3, truncate 1, truncate 4, truncate 2",
    ),
    "dir_fd": (
        'd = os.open(folder, os.O_RDONLY)\nos.close(os.open("f", os.O_CREAT | os.O_WRONLY, dir_fd=d))\n'
        'os.rename("f", "g", src_dir_fd=d, dst_dir_fd=d); os.mkdir("d", dir_fd=d); os.rmdir("d", dir_fd=d)\n'
        'os.link("g", "h", src_dir_fd=d, dst_dir_fd=d); os.unlink("g", dir_fd=d); os.chdir("/")\n'
        'os.unlink("h", dir_fd=d)',
        "create f, rename f g, mkdir d, rmdir d, link g h, unlink g, unlink h",
    ),
    "paths of every kind": (
        'for name in ("f", b"g", Path("h"), "./i", folder + "//j", folder + "/../" + os.path.basename(folder) + "/k", Named.LOG):\n'
        ' written(open(name, "wb"), b"x")',
        "create f, write 0+1, create g, write 0+1, create h, write 0+1, create i, write 0+1,"
        " create j, write 0+1, create k, write 0+1, create log, write 0+1",
    ),
    "a class keeps functions": (
        'class Log:\n opened, sync, rename = open, os.fsync, os.rename\nlog = Log()\n'
        'with log.opened("f", "w") as f: log.sync(f)\nlog.rename("f", "g")',
        "create f, fsync f, rename f g",
    ),
    "pickle.dump": (
        'with open("f", "wb") as f: pickle.dump(list(range(3)), f)',
        "create f, write 0+*",
    ),
    "a memory map that is only read": (
        'Path("f").write_bytes(b"abc")\nwith open("f", "rb") as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as m: m[:]',
        "create f, write 0+3",
    ),
    "a memory map of one's own": (
        'Path("f").write_bytes(b"abc")\nwith open("f", "r+b") as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_COPY) as m: m[0] = 1',
        "create f, write 0+3",
    ),
    "a memory map of no file": ('with mmap.mmap(-1, 10) as m: m[0] = 1\nopen("f", "w").close()', "create f"),
    "elsewhere": (
        'with tempfile.TemporaryDirectory() as d:\n p = Path(d, "f"); p.write_bytes(b"x"); os.rename(p, p.with_name("g"))\n'
        ' with open(Path(d, "g"), "rb+") as f: f.truncate(0); os.fsync(f)\nopen("f", "w").close()',
        "create f",
    ),
    "no data at all": ('written(open("f", "wb", 0), b"")\nos.write(os.open("f", os.O_RDWR), b"")', "create f"),
    "what was not flushed": ('sys.kept = open("f", "wb"); sys.kept.write(b"x")', "create f"),
    "truncated where it is empty": ('written(open("f", "w")); written(open("f", "w"))', "create f"),
    "allocated": (
        'fd = os.open("f", os.O_CREAT | os.O_RDWR)\nos.posix_fallocate(fd, 2, 4); os.posix_fallocate(fd, 0, 3)',
        "create f, truncate 6",
    ),
    "from os import": (
        'from os import fsync, open as open_file, write as put, O_CREAT, O_RDWR\n'
        'fd = open_file("f", O_CREAT | O_RDWR); put(fd, b"x"); fsync(fd)',
        "create f, write 0+1, fsync f",
    ),
    "pwrite and O_APPEND": (
        'fd = os.open("f", os.O_CREAT | os.O_WRONLY | os.O_APPEND)\nos.write(fd, b"ab"); os.pwrite(fd, b"c", 0)',
        "create f, write 0+2, write 2+1" if sys.platform == "linux" else None,
    ),
    "pwritev that syncs": (
        'fd = os.open("f", os.O_CREAT | os.O_WRONLY)\nos.pwritev(fd, [b"ab"], 0, os.RWF_DSYNC)',
        "create f, write 0+2, fsync f",
    ),
    "writes by what the garbage collector finds, while others write": (
        'import gc\nfile = open("g", "wb", 0)\nclass Last:\n def __init__(self): self.me = self\n def __del__(self): file.write(b"x")\n'
        'gc.set_threshold(1)\nwith open("f", "wb", 0) as f:\n for _ in range(50): Last(); f.write(b"y"); os.fsync(f)\n'
        'gc.set_threshold(700); gc.collect()',
        None,
    ),
    "threads": (
        'def go(name):\n with open(name, "ab", 0) as f:\n  for n in range(50): f.write(b"%d" % n); os.fsync(f)\n'
        'threads = [threading.Thread(target=go, args=(name,)) for name in ("f", "f", "g")]\n'
        '[t.start() for t in threads]; [t.join() for t in threads]',
        None,
    ),
}  # fmt: skip

# What cannot be followed: either it is said, or the folder is another one than the record says.
UNSUPPORTED = {
    "a memory map that is written": 'Path("f").write_bytes(b"abc")\nwith open("f", "r+b") as f, mmap.mmap(f.fileno(), 0) as m: m[0] = 1',
    "a memory map that could be written": 'Path("f").write_bytes(b"abc")\nwith open("f", "r+b") as f, mmap.mmap(f.fileno(), 0) as m: m.flush()',
    "sqlite3": 'base = sqlite3.connect(folder + "/base"); base.execute("create table t (a)"); base.commit()',
    "another process": 'subprocess.run([sys.executable, "-c", "open(\'f\', \'w\').write(\'x\')"], check=True)',
    "the output of another process": 'with open("f", "wb") as f: subprocess.run([sys.executable, "-c", "print(1)"], stdout=f, check=True)',
    "a fork": 'pid = os.fork()\nif not pid:\n written(open("f", "w"), "x"); os._exit(0)\nos.waitpid(pid, 0)',
    "the module below os": 'import posix\nfd = posix.open("f", os.O_CREAT | os.O_RDWR); posix.write(fd, b"x")',
    "the module below io": 'import _io\nwritten(_io.open("f", "wb"), b"x")',
    "from elsewhere into the folder": 'with tempfile.TemporaryDirectory() as d:\n p = Path(d, "f"); p.write_bytes(b"x"); os.rename(p, "f")',
    "out of the folder": 'Path("f").write_bytes(b"x"); os.rename("f", folder + "-f")',
    "a link from elsewhere": 'Path(folder + "-g").write_bytes(b"x"); os.link(folder + "-g", "f")',
    "a symbolic link": 'Path("f").write_bytes(b"x"); os.symlink("f", "CURRENT"); os.unlink("CURRENT")',
    "a pipe": 'os.mkfifo("p"); os.unlink("p")',
    "sendfile": 'Path("f").write_bytes(b"abc"); a = os.open("f", os.O_RDONLY); b = os.open("g", os.O_CREAT | os.O_WRONLY); os.sendfile(b, a, 0, 3); os.unlink("g")',
    "copy_file_range": 'Path("f").write_bytes(b"abc"); a = os.open("f", os.O_RDONLY); b = os.open("g", os.O_CREAT | os.O_WRONLY); os.copy_file_range(a, b, 3); os.unlink("g")',
    "a sparse giant": 'os.truncate(os.open("f", os.O_CREAT | os.O_RDWR), 1 << 28); os.unlink("f")',
    "a write far out": 'fd = os.open("f", os.O_CREAT | os.O_RDWR); os.pwrite(fd, b"x", 1 << 28); os.unlink("f")',
    "too much": 'with open("f", "wb", 0) as f:\n for _ in range(20): f.seek(0); f.write(bytes(1 << 20))',
    "too often": 'with open("f", "wb", 0) as f:\n for _ in range(20001): f.seek(0); f.write(b"x")',
    "emptied by its number": 'Path("f").write_bytes(b"x"); fd = os.open("f", os.O_RDWR); os.close(os.open(f"/dev/fd/{fd}", os.O_WRONLY | os.O_TRUNC)); os.write(fd, b"x")',
}  # fmt: skip


def source(bodies):
    lines = [HEAD]
    for number, body in enumerate(bodies):
        lines.append(f"def go{number}(folder):\n{textwrap.indent(body, '    ')}\n")
    return "\n".join(lines)


@pytest.fixture
def package(tmp_path):
    """Return a maker of a package `kvstore` whose module `m` has the given source."""

    def make(text):
        folder = tmp_path / "kvstore"
        folder.mkdir()
        (folder / "__init__.py").write_text("")
        (folder / "m.py").write_text(text)
        return folder

    return make


def call(name, *args):
    return ("", ":m", name, [("$", "folder"), *args], {})


def recorded(package, tmp_path, bodies, python, faults=()):
    made = package(source(bodies))
    folders = [str(tmp_path / f"data-{number}") for number in range(len(bodies))]
    wanted = [(folder, [call(f"go{n}")], list(faults)) for n, folder in enumerate(folders)]
    return list(zip(folders, records(made, wanted, python=python), strict=True))


def told(events):
    """Events in a few words; the file of an fsync by its name then."""
    names, lines = {}, []
    for kind, *args in events:
        if kind in ("create", "file"):
            names[args[1]] = args[0]
            lines.append(f"create {args[0]}")
        elif kind == "write":
            lines.append(f"write {args[1]}+{len(args[2])}")
        elif kind == "truncate":
            lines.append(f"truncate {args[1]}")
        elif kind == "fsync":
            lines.append(f"fsync {names[args[0]]}")
        elif kind not in ("begin", "end"):
            lines.append(" ".join([kind, *map(str, args)]))
    return lines


def fits(line, wanted):
    """Whether a line is as wanted, in which `*` stands for any word or number."""
    parts, others = line.replace("+", " + ").split(), wanted.replace("+", " + ").split()
    return len(parts) == len(others) and all(
        o in ("*", p) for p, o in zip(parts, others, strict=True)
    )


@pytest.mark.parametrize("version", PYTHONS)
def test_every_way_of_writing_is_written_down(package, tmp_path, version):
    bodies = [body for body, _ in RECORDED.values()]
    made = recorded(package, tmp_path, bodies, PYTHONS[version])
    for (name, (_, wanted)), (folder, record) in zip(RECORDED.items(), made, strict=True):
        assert record["calls"][0][0] == "ok", (name, record["calls"])
        assert replayed(record["events"]) == tree_of(folder), name
        if wanted is None:
            continue
        lines, wanted_lines = told(record["events"]), [one.strip() for one in wanted.split(",")]
        assert len(lines) == len(wanted_lines), (name, lines)
        assert all(map(fits, lines, wanted_lines)), (name, lines)


@pytest.mark.parametrize("version", PYTHONS)
def test_what_cannot_be_followed_is_never_taken_for_followed(package, tmp_path, version):
    made = recorded(package, tmp_path, list(UNSUPPORTED.values()), PYTHONS[version])
    for name, (folder, record) in zip(UNSUPPORTED, made, strict=True):
        assert record["calls"][0][0] == "ok", (name, record["calls"])
        is_said = any(event[0] == "unsupported" for event in record["events"])
        assert is_said or replayed(record["events"]) != tree_of(folder), name


# Hard errors, and odd arguments: what a call raises, it raises without the recorder as well.
ERRORS = [
    'open("no", "rb").read()',
    'open("no/f", "w")',
    'open("d", "w")',
    'open("d", "rb")',
    'open("f", "x")',
    'open("f", "rw")',
    'open("f", "wb", encoding="utf-8")',
    'open("f", "w", 0)',
    'open("f", "w", encoding="no such")',
    'open("f", "w", encoding=5)',
    'open("f", "w", newline="x")',
    'open("f", None)',
    'open("f", "bt")',
    'open("f", "q")',
    'open("f", "w", closefd=False)',
    'open("f", "wb", 1.5)',
    'open("f\\0", "w")',
    'open("", "w")',
    'open(5.0, "w")',
    'open(99, "w")',
    'open("f", "rb").write(b"x")',
    'open("f", "rb", 0).write(b"x")',
    'open("f", "rb", 0).truncate(0)',
    'open("f", "wb").read()',
    'open("f", "wb", 0).read()',
    'open("f", "wb").write("x")',
    'open("f", "wb", 0).write("x")',
    'open("f", "w").write(b"x")',
    'open("f", "wb", 0).truncate(-1)',
    'open("f", "wb", 0).truncate(1.5)',
    'f = open("f", "wb", 0); f.close(); f.write(b"x")',
    'f = open("f", "wb"); f.close(); f.write(b"x")',
    'f = open("f", "wb", 0); f.close(); f.truncate()',
    'f = open("f", "wb"); f.close(); os.fsync(f)',
    'io.FileIO("f", "wa")',
    'io.FileIO("g", "rb+w")',
    'io.FileIO("d")',
    'os.open("no", os.O_RDONLY)',
    'os.open("f", os.O_CREAT | os.O_EXCL)',
    'os.open("f", "r")',
    'os.open("f", os.O_RDONLY, dir_fd=99)',
    'os.write(99, b"x")',
    'os.write(os.open("f", os.O_RDONLY), b"x")',
    'os.write(os.open("f", os.O_WRONLY), "x")',
    'os.write("f", b"x")',
    'os.pwrite(os.open("f", os.O_WRONLY), b"x", -1)',
    'os.writev(os.open("f", os.O_WRONLY), [b"x", 5])',
    'os.ftruncate(os.open("f", os.O_WRONLY), -1)',
    'os.ftruncate(os.open("f", os.O_RDONLY), 1)',
    'os.truncate("no", 1)',
    'os.truncate("d", 1)',
    'os.posix_fallocate(os.open("f", os.O_WRONLY), 0, 0)',
    'os.posix_fallocate(os.open("f", os.O_WRONLY), -1, 5)',
    "os.fsync(99)",
    "os.fsync(-1)",
    "os.fsync(None)",
    'os.fsync("f")',
    "os.fdatasync(99)",
    "os.fsync()",
    'os.mkdir("d")',
    'os.mkdir("no/d")',
    "os.mkdir(5)",
    'os.rmdir("f")',
    'os.rmdir("full")',
    'os.unlink("no")',
    'os.unlink("d")',
    'os.remove("f", 5)',
    'os.rename("no", "f")',
    'os.rename("f", "d")',
    'os.rename("d", "f")',
    'os.rename("f", "no/f")',
    'os.rename("f", "g", follow_symlinks=True)',
    'os.replace("f")',
    'os.link("no", "g")',
    'os.link("f", "full/g")',
    'os.link("f", "g", follow_symlinks=False)',
    'os.symlink("f", "f")',
    "os.symlink()",
    'os.sendfile(99, 98, 0, 1)',
    'mmap.mmap(os.open("f", os.O_RDONLY), 3)',
    'mmap.mmap(99, 3)',
    'tempfile.mkstemp(dir="no")',
    'shutil.copyfile("f", "f")',
    'Path("f").mkdir()',
    'Path("no").touch(exist_ok=False); Path("no").touch(exist_ok=False)',
]  # fmt: skip

TRYING = """
import gc
os.makedirs("d"); os.makedirs("full"); Path("full/g").touch(); Path("f").write_bytes(b"abc")
seen = []
for text in {errors!r}:
    try:
        exec(text, globals())
        seen.append((text, "fine"))
    except Exception as error:
        seen.append((text, type(error).__name__, getattr(error, "errno", None)))
    globals().pop("f", None)
    gc.collect()
return seen
"""


@pytest.mark.parametrize("version", PYTHONS)
def test_what_a_call_raises_it_raises_unrecorded_too(package, tmp_path, version):
    made = package(source([TRYING.format(errors=ERRORS)]))
    seen, trees = [], []
    for name in ("recorded", "plain"):
        folder = str(tmp_path / name)
        wanted = [(folder, [call("go0")], [])]
        (record,) = records(made, wanted, python=PYTHONS[version], is_recorded=name == "recorded")
        seen.append(record["calls"][0][1])
        trees.append(tree_of(folder))
        if name == "recorded":
            assert replayed(record["events"]) == trees[0]
    assert seen[0] == seen[1]
    assert trees[0] == trees[1]
    assert sum(row[1] == "fine" for row in seen[0]) < len(ERRORS) / 5


# The same random program with the recorder and without: the same results, errors and folder. The
# usual size of a buffer is the file system's, and the recorder's own: it is never used here.
PROGRAM = """
def run(folder, steps):
    files, seen = {}, []
    for slot, name, args in steps:
        try:
            if name in ("open", "os.open", "fdopen"):
                made = open(*args) if name == "open" else os.open(*args)
                if name == "fdopen":
                    made = os.fdopen(made, "r+b", 8192)
                shut(files.pop(slot, None))
                files[slot] = made
                seen.append("open")
            elif name.startswith("."):
                seen.append(getattr(files[slot], name[1:])(*args))
            elif name.startswith("fd "):
                fd = files[slot]
                fd = fd if isinstance(fd, int) else fd.fileno()
                seen.append(getattr(os, name[3:])(fd, *args))
            else:
                owner, _, name = name.rpartition(".")
                seen.append(str(getattr(globals()[owner], name)(*args)))
        except Exception as error:
            seen.append((type(error).__name__, getattr(error, "errno", None)))
    for made in files.values():
        try:
            shut(made)
        except Exception as error:
            seen.append(type(error).__name__)
    return seen

def shut(made):
    if isinstance(made, int):
        os.close(made)
    elif made is not None:
        made.close()
"""
NAMES = ("a", "b", "c", "d", "d/e", "d/a")
MODES = ("w", "a", "x", "r", "r+", "w+", "a+", "wb", "ab", "rb", "r+b", "w+b", "xb", "a+b")


def drawn_steps(rng, count=40):
    steps = [(slot, "open", (NAMES[slot], "w+b", (8192, 0, 4)[slot])) for slot in range(3)]
    for _ in range(count):
        slot, one, two = rng.randrange(3), rng.choice(NAMES), rng.choice(NAMES)
        mode, number = rng.choice(MODES), rng.randrange(12)
        data = bytes(rng.choices(b"ab\n", k=rng.choice((0, 1, 5, 9, 9000))))
        text = data if "b" in mode else data.decode()
        flags = (
            rng.choice((0, 1, 2))
            | rng.choice((0, os.O_CREAT))
            | rng.choice((0, os.O_TRUNC, os.O_APPEND, os.O_EXCL, os.O_DSYNC))
        )
        steps.append(
            (
                slot,
                *rng.choice(
                    [
                        ("open", (one, mode, rng.choice((8192, 8192, 0, 1, 4)))),
                        ("os.open", (one, flags)),
                        ("fdopen", (one, flags)),
                        *[(".write", (text,)), (".write", (data,))] * 3,
                        (".flush", ()),
                        (".truncate", rng.choice(((), (number,)))),
                        (".seek", (number,)),
                        (".read", (number,)),
                        (".tell", ()),
                        (".close", ()),
                        (".writelines", ([data, data],)),
                        *[("fd write", (data,))] * 3,
                        ("fd pwrite", (data, number)),
                        ("fd writev", ([data, b"x"],)),
                        ("fd lseek", (number, rng.choice((0, 1)))),
                        ("fd read", (number,)),
                        ("fd ftruncate", (number,)),
                        ("fd fsync", ()),
                        ("os.rename", (one, two)),
                        ("os.replace", (one, two)),
                        ("os.unlink", (one,)),
                        ("os.mkdir", ("d",)),
                        ("os.rmdir", (rng.choice(("d", "a")),)),
                        ("os.truncate", (one, number)),
                        ("shutil.copyfile", (one, two)),
                        ("shutil.move", (one, two)),
                    ]
                ),
            )
        )
    return steps


@pytest.mark.parametrize("version", PYTHONS)
def test_a_random_program_goes_as_it_does_unrecorded(package, tmp_path, version):
    made = package(HEAD + PROGRAM)
    programs = [drawn_steps(random.Random(seed)) for seed in range(150)]
    both = []
    for name in ("recorded", "plain"):
        (tmp_path / name).mkdir()
        folders = [str(tmp_path / name / f"{n:03}") for n in range(len(programs))]
        wanted = [
            (folder, [call("run", steps)], [])
            for folder, steps in zip(folders, programs, strict=True)
        ]
        is_recorded = name == "recorded"
        found = records(made, wanted, python=PYTHONS[version], is_recorded=is_recorded)
        both.append(list(zip(folders, found, strict=True)))
    changes = 0
    for number, ((folder, record), (plain_folder, plain)) in enumerate(zip(*both, strict=True)):
        assert record["calls"][0][1] == plain["calls"][0][1], number
        assert tree_of(folder) == tree_of(plain_folder), number
        assert replayed(record["events"]) == tree_of(folder), number
        changes += len(record["events"])
    assert changes > 10 * len(programs)  # not all steps fail


def test_faults_are_met_as_a_disk_would_let_them_be(package, tmp_path):
    bodies = {
        # A buffered write: the first takes 2 bytes, and what is left meets the full disk.
        'with open("f", "wb") as f: f.write(b"abcdef")': [("write", 1, 2, "ENOSPC", 2)],
        'with open("f", "wb", 0) as f: return f.write(b"abcdef"), f.write(b"cdef")': [
            ("write", 1, 1, "ENOSPC", 2)
        ],
        'fd = os.open("f", os.O_CREAT | os.O_RDWR); os.write(fd, b"a"); os.fsync(fd)': [
            ("fsync", 1, 1, "EIO", 0)
        ],
        'open("f", "w").close(); open("g", "w")': [("create", 2, 1, "EIO", 0)],
        'open("f", "w").close(); os.fsync(os.open(".", 0)); os.fsync(os.open(".", 0))': [
            ("fsync", 2, 5, "EIO", 0)
        ],
        'Path("f").touch(); os.replace("f", "g")': [("rename", 1, 1, "EACCES", 0)],
        'Path("f").touch(); os.remove("f")': [("unlink", 1, 1, "EPERM", 0)],
        'Path("f").touch(); os.truncate("f", 5)': [("truncate", 1, 1, "EFBIG", 0)],
        'os.mkdir("d"); os.mkdir("e")': [("mkdir", 2, 1, "ENOSPC", 0)],
    }
    ends = [
        ("ENOSPC", "create f, write 0+2, failed write 1"),
        (None, "create f, write 0+2, write 2+4"),
        ("EIO", "create f, write 0+1, failed fsync 1"),
        ("EIO", "create f, failed create -1"),
        ("EIO", "create f, fsync folder ., failed fsync -1"),
        ("EACCES", "create f, failed rename -1"),
        ("EPERM", "create f, failed unlink -1"),
        ("EFBIG", "create f, failed truncate 1"),
        ("ENOSPC", "mkdir d, failed mkdir -1"),
    ]
    made = package(source(list(bodies)))
    folders = [str(tmp_path / f"data-{number}") for number in range(len(bodies))]
    wanted = [
        (folder, [call(f"go{n}")], faults)
        for n, (folder, faults) in enumerate(zip(folders, bodies.values(), strict=True))
    ]
    for folder, record, body, (error, lines) in zip(
        folders, records(made, wanted), bodies, ends, strict=True
    ):
        kind, value, _place = record["calls"][0]
        assert (kind == "raised") == (error is not None), body
        if error is None:
            assert value == (2, 4)
        else:
            assert f"[Errno {getattr(errno, error)}]" in value["message"], body
        assert told(record["events"]) == [line.strip() for line in lines.split(",")], body
        assert replayed(record["events"]) == tree_of(folder), body


def test_what_lies_there_is_told_first_and_calls_have_their_marks(package, tmp_path):
    made = package(HEAD + "def go(folder, name): open(name, 'ab', 0).write(b'x')\n")
    folder = tmp_path / "data"
    wanted = [
        (str(folder), [call("go", "f"), call("go", "g"), call("go", "f")], []),
    ]
    (record,) = records(made, wanted)
    assert record["events"] == [
        *[("begin", 0), ("create", "f", 1), ("write", 1, 0, b"x"), ("end", 0)],
        *[("begin", 1), ("create", "g", 2), ("write", 2, 0, b"x"), ("end", 1)],
        *[("begin", 2), ("write", 1, 1, b"x"), ("end", 2)],
    ]


def test_nothing_changes_after_the_last_call(package, tmp_path):
    """A thread of the package that goes on writing waits, so that record and folder agree."""
    body = (
        "def go():\n n = 0\n while True:\n  written(open('f', 'wb'), b'%d' % n); n += 1\n"
        "threading.Thread(target=go, daemon=True).start()\n"
        "while not os.path.exists('f'): pass"
    )
    ((folder, record),) = recorded(package, tmp_path, [body], sys.executable)
    assert record["calls"][0][0] == "ok"
    assert replayed(record["events"]) == tree_of(folder)
