"""Small packages under test, written on the spot."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.course import load_course
from grader.remote.process import AgentProcess, choose_isolation
from grader.remote.session import Session
from grader.remote.trace import Trace
from grader.testkit.kv import KV


@pytest.fixture
def package(tmp_path: Path) -> Callable[..., Path]:
    """Write a package `kvstore` with the given files (and the course's given ones); return its
    folder.
    """

    def write(**modules: str) -> Path:
        folder = tmp_path / "package" / "kvstore"
        folder.mkdir(parents=True, exist_ok=True)
        course = load_course()
        for name in course.given:
            (folder / name).write_bytes((course.given_dir / name).read_bytes())
        for name, source in modules.items():
            (folder / f"{name}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        return folder

    return write


@pytest.fixture
def kv_of(package, tmp_path):
    """Return a `kv` on a package made of the given modules; its calls have `seconds` to return."""
    sessions = []

    def make(seconds: float = 4.0, **modules: str) -> KV:
        folder = package(**modules)
        work_dir = tmp_path / "work"
        work_dir.mkdir(exist_ok=True)
        (work_dir / "data").mkdir(exist_ok=True)
        isolation = choose_isolation()
        start = lambda: AgentProcess(isolation, folder, work_dir)  # noqa: E731
        session = Session(start, Trace(), seconds, work_dir / "data")
        sessions.append(session)
        return KV(session, folder, {})

    yield make
    for session in sessions:
        session.kill()


@pytest.fixture
def store_of(kv_of):
    """Return a store whose method `go` has the given body; `before` stands above its class."""

    def make(body: str, seconds: float = 4.0, before: str = ""):
        head = textwrap.dedent(before) + "\nclass MemoryStore:\n    def go(self):\n"
        source = head + textwrap.indent(textwrap.dedent(body), " " * 8)
        return kv_of(seconds, memory=source).MemoryStore()

    return make
