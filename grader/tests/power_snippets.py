# ruff: noqa: E501, ISC004  (each snippet of code is one entry of a table)
"""Ways of writing files, as snippets of code, and what a record must say of each."""

import sys

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
