"""What each kind of wall that works on this machine keeps out: the same attempts behind each.

`ATTEMPTS` is the truth about the walls: it says which of what an isolation holds stops what. What
is not held must succeed, or the table would claim too little.
"""

import fcntl
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

from grader.agent import seccomp
from grader.course import REFERENCE_DIR, ROOT, load_course
from grader.remote.failures import CallTimeout, ProcessDied
from grader.remote.process import AgentProcess, choose_isolation
from grader.remote.session import Session
from grader.remote.trace import Trace
from grader.sandbox import IsolationError, candidates
from grader.sandbox.folders import (
    hidden_folders,
)
from grader.sandbox.limits import (
    LIMITS,
    SHARED_MEMORY_BYTES_MAX,
    TEMPORARY_BYTES_MAX,
    TREE_THREADS_MAX,
)
from grader.testkit import eventually
from grader.testkit.kv import KV

SECONDS = 20.0

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there are only limits")

# Attempts are made by a child of the agent's, which the guard of the agent's own process spares.
SPY = """
    import os, signal, stat, subprocess, sys, time

    class MemoryStore:
        def attempt(self, code):
            command = [sys.executable, "-S", "-P", "-c", code]
            done = subprocess.run(command, capture_output=True, text=True)
            return done.returncode == 0, done.stdout + done.stderr[-500:]
        def environment(self):
            return dict(os.environ)
        def freeze(self):
            os.kill(os.getpid(), signal.SIGSTOP)
            time.sleep(60)
        def open_files(self):
            found = []
            for number in range(64):
                try:
                    status = os.fstat(number)
                except OSError:
                    continue
                null = os.stat("/dev/null")
                if stat.S_ISFIFO(status.st_mode):
                    found.append("pipe")
                elif (status.st_dev, status.st_ino) == (null.st_dev, null.st_ino):
                    found.append("/dev/null")
                elif stat.S_ISDIR(status.st_mode) and status.st_dev == os.stat("/proc").st_dev:
                    found.append("/proc")
                else:
                    found.append(str(status))
            return found
        def write(self, path):
            with open(path, "w") as file:
                file.write("x")
"""

# What is tried, and what of an isolation stops it, any of the words. "calls" is the filter of
# system calls, which every isolation has but limits alone.
ATTEMPTS = {
    "read the reference": ("open('{reference}/memory.py').read()", {"files"}),
    "list the checkout": ("import os; os.listdir('{checkout}/stages')", {"files"}),
    "read beside the work folder": ("open('{beside}/secret').read()", {"files"}),
    "list beside the work folder": ("import os; os.listdir('{beside}')", {"files"}),
    "write beside the work folder": ("open('{beside}/secret', 'a')", {"files", "user"}),
    "write to the package": ("open('{package}/memory.py', 'a')", {"files", "user"}),
    "use what is installed for others": (
        "import sys; sys.path.append('{site}'); import {installed}",
        {"files"},
    ),
    "see the grader's process": ("open('/proc/{parent}/stat').read()", {"processes"}),
    "read the grader's environment": (
        "open('/proc/{parent}/environ').read()",
        {"processes", "user"},
    ),
    "signal the grader": ("import os; os.kill({parent}, 0)", {"processes", "user"}),
    "signal everybody": ("import os; os.kill(-1, 0)", {"calls"}),
    "leave its session": ("import os; os.setsid()", {"calls"}),
    "be traced": ("{c}; assert c.ptrace(0, 0, 0, 0) == 0", {"calls"}),
    "have namespaces of its own": ("{c}; assert c.unshare(0x14000000) == 0", {"calls"}),
    "connect to a port of this machine": (
        "import socket; socket.create_connection(('127.0.0.1', {port}), 5)",
        {"network"},
    ),
    "connect to a socket in a folder": (
        "import socket; socket.socket(socket.AF_UNIX).connect('{beside}/socket')",
        {"calls"},
    ),
    "connect to a socket by its name": (
        "import socket; socket.socket(socket.AF_UNIX).connect('\\0{name}')",
        {"calls"},
    ),
    "send a datagram": ("import socket; socket.socket(type=socket.SOCK_DGRAM)", {"calls"}),
    "plant a FIFO": ("import os; os.mkfifo('fifo')", {"calls"}),
    "keep a file in memory alone": ("import os; os.memfd_create('a')", {"calls"}),
    "keep a text in the kernel": (
        "{c}; assert c.syscall({add_key}, b'user', b'a', b'b', 1, -4) > 0",
        {"calls"},
    ),
    "fill the temporary folder": ("{fill}('/tmp/{name}', {temporary})", {"files"}),
    "fill the shared memory": ("{fill}('/dev/shm/{name}', {shared})", {"files"}),
    "write to the devices": ("{fill}('/dev/{name}', 1)", {"files", "user"}),
    "write to the root": ("{fill}('/{name}', 1)", {"files", "user"}),
    "take more memory than its share": ("bytearray({memory})", {"limits"}),
    "open more files than its share": ("[open('/dev/null') for _ in range(1100)]", {"limits"}),
    "write a larger file than its share": ("open('huge', 'wb').truncate({file} + 1)", {"limits"}),
}
# Whether these succeed where nothing stops them is for the machine to say.
SOMETIMES = {
    "be traced",
    "have namespaces of its own",
    "keep a text in the kernel",
    "see the grader's process",
    "read the grader's environment",
    "write beside the work folder",
    "write to the package",
    "write to the devices",
    "write to the root",
    "fill the temporary folder",
    "fill the shared memory",
}
FILL = """
import os
def fill(path, size):
    try:
        with open(path, 'wb') as file:
            while size > 0:
                size -= file.write(bytes(min(size, 2**20)))
    finally:
        os.path.exists(path) and os.unlink(path)
fill"""


@pytest.fixture(scope="module", params=[isolation.key for isolation in candidates()])
def isolation(request):
    """Each kind of wall that works here."""
    try:
        return choose_isolation(request.param)
    except IsolationError as problem:
        pytest.skip(str(problem))


@pytest.fixture(scope="module")
def place():
    """A folder with a package, a work folder, and what code under test must not reach."""
    folder = Path(tempfile.mkdtemp(prefix="kv-")).resolve()
    package = folder / "package" / "kvstore"
    package.mkdir(parents=True)
    for name in load_course().given:
        (package / name).write_bytes((load_course().given_dir / name).read_bytes())
    (package / "memory.py").write_text(textwrap.dedent(SPY), encoding="utf-8")
    (folder / "beside").mkdir()
    (folder / "beside" / "secret").write_text("secret")
    with (
        socket.create_server(("127.0.0.1", 0)) as port,
        socket.socket(socket.AF_UNIX) as in_folder,
        socket.socket(socket.AF_UNIX) as by_name,
    ):
        in_folder.bind(str(folder / "beside" / "socket"))
        (folder / "beside" / "socket").chmod(0o777)
        by_name.bind(f"\0{folder.name}")
        for server in (in_folder, by_name):
            server.listen()
        yield folder, port.getsockname()[1]
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def walled(isolation, place):
    """A spy behind the wall."""
    folder, _port = place
    (folder / isolation.key / "data").mkdir(parents=True)
    package, work_dir = folder / "package" / "kvstore", folder / isolation.key
    session = Session(lambda: AgentProcess(isolation, package, work_dir), Trace(), SECONDS)
    yield KV(session, package, {}), work_dir
    session.kill()


@pytest.fixture(scope="module")
def words(place):
    """What the attempts are about."""
    folder, port = place
    sites = [path for path in hidden_folders() if path != ROOT]
    found = [(site, path.name) for site in sites for path in site.iterdir() if path.is_dir()]
    installed = [(site, name) for site, name in found if name.isidentifier() and name[0] != "_"]
    site, name = next(iter(installed), (Path("/nowhere"), "nothing"))
    return {
        "reference": REFERENCE_DIR,
        "checkout": ROOT,
        "beside": folder / "beside",
        "package": folder / "package" / "kvstore",
        "site": site,
        "installed": name,
        "parent": os.getpid(),
        "port": port,
        "name": folder.name,
        "c": "import ctypes; c = ctypes.CDLL(None)",
        "fill": FILL,
        "add_key": 248 if os.uname().machine == "x86_64" else 217,
        "temporary": TEMPORARY_BYTES_MAX + 1,
        "shared": SHARED_MEMORY_BYTES_MAX + 1,
        "memory": LIMITS["as"],
        "file": LIMITS["fsize"],
    }


@pytest.mark.parametrize("name", ATTEMPTS)
def test_what_is_held_is_refused_and_what_is_not_works(isolation, walled, words, name):
    kv, work_dir = walled
    code, stopped_by = ATTEMPTS[name]
    if "{site}" in code and not Path(words["site"]).is_dir():
        pytest.skip("nothing is installed beside this Python")
    calls = {"calls"} if seccomp.build() and not isolation.key.startswith("rlimits") else set()
    succeeded, said = kv.MemoryStore().attempt(code.format(**words))
    if stopped_by & (set(isolation.holds) | calls):
        assert not succeeded, said
        assert "SyntaxError" not in said
        assert "NameError" not in said
    elif name not in SOMETIMES:
        assert succeeded, said
    for left in ("fifo", "huge"):
        (work_dir / left).unlink(missing_ok=True)


def test_nothing_was_changed_outside(place, walled):
    folder, _port = place
    assert (folder / "beside" / "secret").read_text() == "secret"
    assert (folder / "package" / "kvstore" / "memory.py").read_text() == textwrap.dedent(SPY)


def test_the_work_folder_can_be_written(walled):
    kv, work_dir = walled
    kv.MemoryStore().write(work_dir / "data" / "a")
    assert (work_dir / "data" / "a").read_text() == "x"


def test_the_environment_is_cleared(walled, monkeypatch):
    monkeypatch.setenv("SECRET_SEED", "12345")
    kv, _work_dir = walled
    kv.kill()
    environment = kv.MemoryStore().environment()
    assert "SECRET_SEED" not in environment
    assert environment["PYTHONHASHSEED"] == "0"


BOMB = """
import os, time
count = 0
try:
    while count < 1000:
        if os.fork() == 0:
            os.close(1), os.close(2)
            time.sleep(60)
        count += 1
except OSError:
    pass
else:
    time.sleep(60)
print(count)
"""

# A grandchild that nobody waits for, in a session of its own where it may have one, deaf to all
# signals, with a lock on a file.
SURVIVOR = """
import fcntl, os, signal, time
reading, writing = os.pipe()
if os.fork() == 0:
    try:
        os.setsid()
    except OSError:
        pass
    if os.fork() == 0:
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
        os.close(1), os.close(2)
        lock = open('data/lock', 'w')
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.write(writing, b'x')
        time.sleep(600)
    os._exit(0)
os.wait()
os.read(reading, 1)
"""


def test_a_fork_bomb_ends_at_its_share_or_is_stopped(walled):
    kv, _work_dir = walled
    store = kv.MemoryStore()
    try:
        said = store.attempt(BOMB)[1]
    except ProcessDied as problem:
        said = str(problem)
    finally:
        kv.kill()
    reason = f"more than {TREE_THREADS_MAX} processes and threads"
    assert reason in said or int(said) <= TREE_THREADS_MAX


def test_nothing_survives_the_end_of_its_test(walled):
    kv, work_dir = walled
    succeeded, said = kv.MemoryStore().attempt(SURVIVOR)
    assert succeeded, said
    with (work_dir / "data" / "lock").open("w") as lock:
        with pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        kv.kill()
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


GRADER = """
import sys
from pathlib import Path
from grader.remote.process import AgentProcess
from grader.remote.session import Session
from grader.remote.trace import Trace
from grader.sandbox import find_isolation
from grader.testkit import eventually
from grader.testkit.kv import KV
from grader.unit import Unit, assemble
from grader.unit.collect import collect_tests
from grader.unit.worker import run_in_worker
package, work_dir, key = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
session = Session(lambda: AgentProcess(find_isolation(key), package, work_dir), Trace(), 20)
print(KV(session, package, {}).MemoryStore().attempt(sys.stdin.read()), flush=True)
import time; time.sleep(60)
"""


def test_nothing_survives_a_grader_that_is_killed(isolation, place):
    folder, _port = place
    work_dir = folder / f"{isolation.key}-orphaned"
    (work_dir / "data").mkdir(parents=True)
    package = folder / "package" / "kvstore"
    command = [sys.executable, "-c", GRADER, str(package), str(work_dir), isolation.key]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as grader:
        assert grader.stdin
        assert grader.stdout
        grader.stdin.write(SURVIVOR)
        grader.stdin.close()
        said = grader.stdout.readline()
        grader.kill()
    assert said.startswith("(True, "), said
    with (work_dir / "data" / "lock").open("w") as lock:

        def is_free():
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        eventually(is_free, "the end of the last process")


def test_a_process_that_stopped_itself_is_killed_like_any_other(walled):
    kv, _work_dir = walled
    store = kv.MemoryStore()
    kv.session.seconds = 0.2
    try:
        with pytest.raises(CallTimeout):
            store.freeze()
    finally:
        kv.session.seconds = SECONDS
    kv.kill()
    assert kv.MemoryStore().attempt("print(1)") == (True, "1\n")


def test_the_agent_has_no_files_open_but_its_own(walled):
    kv, _work_dir = walled
    succeeded, said = kv.MemoryStore().attempt("import os; print(os.getppid())")
    assert succeeded, said
    own = kv.MemoryStore().open_files()
    assert set(own) <= {"pipe", "/dev/null", "/proc"}, own


def test_the_walls_hold_for_an_ordinary_user_too():
    if os.geteuid() != 0:
        pytest.skip("all the other tests have just been run by one")
    nobody = {"user": 65534, "group": 65534, "extra_groups": []}
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = Path(pytest.__file__).parent.parent
    look = f"import os, sys; os.listdir({str(packages)!r}); open({__file__!r}); import pytest"
    for python in (sys.executable, shutil.which(version, path="/usr/bin:/usr/local/bin")):
        command = [str(python), "-B", "-X", "utf8", "-W", "ignore"]
        try:
            subprocess.run(
                [*command, "-c", look],
                check=True,
                env={"PYTHONPATH": str(packages)},
                capture_output=True,
                **nobody,
            )
            break
        except (OSError, subprocess.CalledProcessError):
            continue
    else:
        pytest.skip("an ordinary user has no Python with pytest here, or cannot read the checkout")
    done = subprocess.run(
        [*command, "-m", "pytest", "-p", "no:cacheprovider", "-k", "not ordinary", __file__],
        env={"PYTHONPATH": str(packages), "PATH": os.environ["PATH"]},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        **nobody,
    )
    assert done.returncode == 0, done.stdout[-3000:]
