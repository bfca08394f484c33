"""One agent process: started behind walls, asked one thing at a time, and killed with all its
children.

The parent holds the clock. An agent that does not come up behind exactly the walls that it was
given is the grader's own error; it is never started again behind weaker ones.
"""

from __future__ import annotations

import compileall
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

from grader.agent.seal import KEY_BYTES, REPLIES, REQUESTS, SealError, opener, sealer
from grader.agent.wire import WireError, decode, encode
from grader.remote import tree
from grader.remote.failures import CallTimeout, ProcessDied
from grader.remote.output import OUTPUT_BYTES_MAX, Output
from grader.remote.overseer import OVERSEER
from grader.remote.pipes import PipeClosedError, PipeTimeoutError, pipes_for
from grader.sandbox import Isolation, IsolationError, candidates, find_isolation
from grader.sandbox.folders import AGENT_DIR

START_SECONDS = 30.0
END_SECONDS = 10.0


class AgentError(RuntimeError):
    """An agent did not come up behind its walls, or cannot be ended: the machine's fault."""


class SlowAgentError(AgentError):
    """An agent did not come up in time, which says nothing of the walls."""


class AgentProcess:
    """An agent for the package in `package_dir` that may write to `work_dir`."""

    def __init__(self, isolation: Isolation, package_dir: Path, work_dir: Path) -> None:
        walls = isolation.walls(package_dir, work_dir)
        try:
            self._process = subprocess.Popen(
                walls.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=walls.environment,
                cwd=work_dir,
                bufsize=0,
                start_new_session=True,
                pass_fds=walls.descriptors,
            )
        finally:
            for descriptor in walls.descriptors:
                os.close(descriptor)
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stderr
        self._isolation = isolation
        self._pipes = pipes_for(self._process.stdout.fileno(), self._process.stdin.fileno())
        printed = f"printed more than {OUTPUT_BYTES_MAX:,} bytes"
        self._output = Output(self._process.stderr, lambda: self.stop(printed))
        key = os.urandom(KEY_BYTES)
        self._seal, self._unseal = sealer(key, REQUESTS), opener(key, REPLIES)
        self._settings = encode(
            {"package_dir": str(package_dir), "confine": walls.confine, "key": key}
        )
        self._work_dir = work_dir
        self._ready = False
        self._stopped = ""
        self._killed = False

    def request(self, message: bytes, seconds: float, doing: str) -> bytes:
        """Send one message and return the reply; raises `CallTimeout` or `ProcessDied`, and then it
        is dead.
        """
        self._await_ready()
        try:
            deadline = time.monotonic() + seconds
            self._pipes.send(self._seal(message), deadline)
            return self._unseal(self._pipes.receive(deadline))
        except PipeTimeoutError:
            self.kill()
            raise CallTimeout(f"{doing} did not return within {seconds:g} s") from None
        except PipeClosedError:
            raise ProcessDied(self._cause_of_death(doing)) from None
        except SealError:  # a reply that the agent did not write
            self.kill()
            raise ProcessDied(f"{doing} broke the connection to the grader") from None

    def output(self) -> str:
        """What the code under test printed, once it is closed."""
        return self._output.text()

    def stop(self, reason: str) -> None:
        """End it for using too much, from any thread; the call under way then gives the reason."""
        self._stopped = self._stopped or reason
        tree.kill(self._process.pid, END_SECONDS)

    def kill(self) -> None:
        """End the process and everything that it started, at once, as a power switch would.

        Raises `AgentError` when the system does not let it end.
        """
        ended = True
        if not self._killed:
            self._killed = True
            OVERSEER.forget(self._process.pid)
            ended = tree.kill(self._process.pid, END_SECONDS)
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            ended = False
        if not ended:
            raise AgentError(f"an agent could not be ended within {END_SECONDS:g} s")

    def close(self) -> None:
        """Kill the process and give back its pipes."""
        try:
            self.kill()
        finally:
            self._output.text()
            # The reader of its output closes the third.
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()

    def _await_ready(self) -> None:
        """Wait for the start, which is the grader's own affair: no code under test has run yet."""
        if self._ready:
            return
        deadline = time.monotonic() + START_SECONDS
        try:
            self._pipes.send(self._settings, deadline)
            _word, report = decode(self._unseal(self._pipes.receive(deadline)))
            missing = self._isolation.missing(report)
        except PipeTimeoutError:
            self.kill()
            raise SlowAgentError(f"an agent did not start within {START_SECONDS:g} s") from None
        except (PipeClosedError, SealError, WireError) as problem:
            self.kill()
            said = self.output().strip().rpartition("\n")[2]
            raise AgentError(f"an agent did not start: {said or problem}") from None
        if missing:
            self.kill()
            raise AgentError(f"an agent's walls do not hold: {', '.join(missing)}")
        self._ready = True
        OVERSEER.watch(self._process.pid, self._work_dir, self.stop)

    def _cause_of_death(self, doing: str) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.5)
        code = self._process.poll()
        self.kill()
        if self._stopped:
            return f"{doing} {self._stopped}"
        if code is None:
            return f"{doing} broke the connection to the grader"
        number = -code if code < 0 else code - 128
        if number > 0 and number in signal.valid_signals():
            return f"{doing} ended the process by {signal.Signals(number).name}"
        return f"{doing} ended the process with exit code {code}"


def _compile_agent() -> None:
    """Write the agent's byte code, which no agent can: its folder is read-only there."""
    if not sys.dont_write_bytecode:
        compileall.compile_dir(AGENT_DIR, quiet=2)


@cache
def choose_isolation(key: str | None = None) -> Isolation:
    """Return the strongest isolation that works here, or the one with this key.

    It is decided once, by the process that starts a run; its workers are told. Raises
    `IsolationError` when that one does not work here.
    """
    _compile_agent()
    if key is not None:
        wanted = find_isolation(key)
        problem = _problem(wanted)
        if problem:
            raise IsolationError(f"the isolation {key} does not work here: {problem}")
        return wanted
    problems = []
    for isolation in candidates():
        problem = _problem(isolation)
        if not problem:
            return isolation
        problems.append(f"{isolation.key}: {problem}")
    raise IsolationError(f"no agent starts on this machine: {'; '.join(problems)}")


def _problem(isolation: Isolation) -> str:
    """Why an agent does not come up behind these walls, in one sentence; empty when it does."""
    with tempfile.TemporaryDirectory(prefix="kv-trial-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        package = folder / "package" / "kvstore"
        work = folder / "work"
        package.mkdir(parents=True)
        work.mkdir()
        try:
            agent = AgentProcess(isolation, package, work)
        except OSError as problem:
            return str(problem)
        try:
            agent.request(encode(((), "function", "len", ([],))), START_SECONDS, "the trial")
        except (SlowAgentError, CallTimeout) as problem:
            reason = f"the walls cannot be chosen, {isolation.key}: {problem}"
            raise IsolationError(reason) from None
        except (AgentError, ProcessDied) as problem:
            return str(problem)
        else:
            return ""
        finally:
            agent.close()
