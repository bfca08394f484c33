"""What the walls keep out, for every kind of wall that works on this machine."""

import sys

import pytest

from grader.course import REFERENCE_DIR, STAGES_DIR
from grader.remote.failures import RemoteError
from grader.remote.process import AgentProcess, _works, isolation_in_force
from grader.remote.session import Session
from grader.remote.trace import Trace
from grader.sandbox.isolation import candidates
from grader.testkit.kv import KV

SPY = """
    import os, socket, subprocess

    class MemoryStore:
        def read(self, path):
            with open(path, "rb") as file:
                return file.read()
        def names(self, path):
            return os.listdir(path)
        def write(self, path):
            with open(path, "wb") as file:
                file.write(b"x")
        def environment(self):
            return dict(os.environ)
        def reach(self, port):
            socket.create_connection(("127.0.0.1", port), timeout=2).close()
        def user(self):
            return os.getuid()
"""


@pytest.fixture(params=sorted({wall.name for wall in candidates()}))
def walled(request, package, tmp_path):
    """A spy behind one kind of wall, the strongest variant of it that works."""
    walls = [wall for wall in candidates() if wall.name == request.param and _works(wall)]
    if not walls:
        pytest.skip(f"{request.param} does not work on this machine")
    folder = package(memory=SPY)
    work_dir = tmp_path / "work"
    work_dir.mkdir()
    session = Session(lambda: AgentProcess(walls[0], folder, work_dir), Trace())
    yield request.param, KV(session, folder, {}), work_dir
    session.kill()


def refused(error):
    names = set(error.value.names)
    return bool(names & {"PermissionError", "FileNotFoundError", "OSError"})


def test_the_work_folder_can_be_written(walled):
    _name, kv, work_dir = walled
    kv.MemoryStore().write(work_dir / "a")
    assert (work_dir / "a").read_bytes() == b"x"


def test_tests_and_reference_cannot_be_read(walled):
    name, kv, _work_dir = walled
    if name == "rlimits":
        pytest.skip("limits alone do not hide files, and every result says that they were alone")
    spy = kv.MemoryStore()
    for path in (REFERENCE_DIR, STAGES_DIR, STAGES_DIR.parent / "grader" / "testkit"):
        with pytest.raises(RemoteError) as error:
            spy.names(path)
        assert refused(error), path
    with pytest.raises(RemoteError) as error:
        spy.read(REFERENCE_DIR / "memory.py")
    assert refused(error)


def test_nothing_else_can_be_written(walled, tmp_path):
    name, kv, _work_dir = walled
    if name == "rlimits":
        pytest.skip("limits alone do not protect files, and every result says that they were alone")
    spy = kv.MemoryStore()
    for path in (tmp_path / "package" / "kvstore" / "memory.py", tmp_path / "stolen", "/etc/motd"):
        with pytest.raises(RemoteError) as error:
            spy.write(path)
        assert refused(error), path
    assert "class MemoryStore" in (tmp_path / "package" / "kvstore" / "memory.py").read_text()


def test_the_environment_is_cleared(walled, monkeypatch):
    monkeypatch.setenv("SECRET_SEED", "12345")
    _name, kv, _work_dir = walled
    environment = kv.MemoryStore().environment()
    assert "SECRET_SEED" not in environment
    assert environment["PYTHONHASHSEED"] == "0"


def test_under_bubblewrap_the_network_is_its_own(walled, unused_port):
    name, kv, _work_dir = walled
    if name != "bubblewrap":
        pytest.skip("only bubblewrap gives a network of its own")
    with pytest.raises(RemoteError, match="refused"):
        kv.MemoryStore().reach(unused_port)


@pytest.fixture
def unused_port():
    """A port on which this process listens, so that only a wall can keep a client away."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_bubblewrap_started_by_root_gives_root_away(walled):
    name, kv, _work_dir = walled
    if name != "bubblewrap" or sys.platform != "linux":
        pytest.skip("only bubblewrap started by root changes the user")
    assert kv.MemoryStore().user() != 0


def test_the_strongest_wall_is_found_once():
    assert isolation_in_force() is isolation_in_force()
    assert isolation_in_force().name in {wall.name for wall in candidates()}
