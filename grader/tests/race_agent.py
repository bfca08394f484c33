"""A race finder in a process of its own, under any Python, for tests of the finder itself.

It stands without the walls and the seals of a real agent: requests and replies are pickles.
"""

import os
import pickle
import shutil
import struct
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 40.0  # for one request; what takes longer hangs
_LENGTH = struct.Struct(">I")
_PLAIN = (int, float, str, bytes, type(None), bool)


class RaceAgent:
    """The parent's side. `ask(package, tool, *arguments)` is what the agent's tool returns."""

    def __init__(self, python: str = sys.executable, hash_seed: int = 0) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": str(hash_seed)}
        self._process = subprocess.Popen(
            [python, "-m", "grader.tests.race_agent"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=environment,
        )

    def explore(self, package, program, specs, *, coarse=False, folder=""):
        """One result a schedule; a program is a dictionary or a `Program`."""
        wire = program if isinstance(program, dict) else program.wire()
        return self.ask(str(package), "explore", wire, folder, coarse, list(specs))

    def replay(self, package, program, spec, *, coarse=False, folder=""):
        """One result, with rows and switches."""
        wire = program if isinstance(program, dict) else program.wire()
        return self.ask(str(package), "replay", wire, folder, coarse, spec)

    def ask(self, *request):
        """Raises `RuntimeError` when the agent does not answer, or says that it cannot."""
        kill = threading.Timer(SECONDS, self._process.kill)
        kill.start()
        try:
            _send(self._process.stdin, request)
            reply = _receive(self._process.stdout)
        except BrokenPipeError:
            reply = None
        finally:
            kill.cancel()
            kill.join()
        if reply is None:
            self.close()
            raise RuntimeError("the agent died, or was silent for too long")
        kind, value = reply
        if kind != "ok":
            raise RuntimeError(value)
        return value

    def is_alive(self) -> bool:
        """Whether it can still be asked."""
        return self._process.poll() is None

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()


def _send(stream, value) -> None:
    data = pickle.dumps(value)
    stream.write(_LENGTH.pack(len(data)) + data)
    stream.flush()


def _receive(stream):
    header = stream.read(_LENGTH.size)
    return pickle.loads(stream.read(_LENGTH.unpack(header)[0])) if len(header) == 4 else None


def _plain(value):
    """The value with the names of classes in the place of what cannot cross."""
    if type(value) in _PLAIN:
        return value
    if type(value) in (list, tuple):
        return type(value)(map(_plain, value))
    if type(value) is dict:
        return {_plain(key): _plain(item) for key, item in value.items()}
    return f"<{type(value).__name__}>"


def _run(tool, arguments):
    """What comes of a tool, which is a generator of steps."""
    from grader.agent.front import drive

    box, came = [], []

    def steps():
        came.append((yield from tool(box, *arguments)))

    drive(steps(), box)
    return came[0]


def _serve() -> None:
    import gc

    from grader.agent.race.explore import race_tools

    requests, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    gc.disable()  # as an agent does while it explores
    tools = {}
    while (request := _receive(requests)) is not None:
        package, tool, *arguments = request
        if package not in tools:
            tools[package] = race_tools(package)
        try:
            kind, value = _carried_out(tools[package][tool], arguments)
        except Exception as error:
            kind, value = "raised", f"{type(error).__name__}: {error}"
        _send(replies, (kind, _plain(value)))
    os._exit(0)


def _carried_out(tool, arguments):
    """What a tool of the race finder's returns; it is a generator of steps."""
    from grader.agent.front import drive

    box, outcomes = [], []

    def steps():
        outcomes.append((yield from tool(box, *arguments)))

    drive(steps(), box)
    return outcomes[0]


def pythons() -> dict[str, str]:
    """Interpreters of the supported versions that are there, by version."""
    found = {"{}.{}".format(*sys.version_info): sys.executable}
    for version in ("3.11", "3.12", "3.13"):
        program = shutil.which(f"python{version}")
        works = program and version not in found and _answers(program, version)
        if works:
            found[version] = program
    return found


def _answers(program: str, version: str) -> bool:
    """Whether it starts and is what its name says: a version manager's stand-in may not."""
    code = "import sys; print('{}.{}'.format(*sys.version_info))"
    said = subprocess.run([program, "-I", "-c", code], capture_output=True, text=True, check=False)
    return said.returncode == 0 and said.stdout.strip() == version


if __name__ == "__main__":
    _serve()
