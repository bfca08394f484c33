"""Plain kill -9, as anybody can test with it: after each call of a history the process that made
the calls is killed, and others open what it left.

Real processes, real files, a real SIGKILL, and nothing of the recorder; the system lives on, and
with it whatever was not synced. What is found is judged as after a power cut.

Runs packages without walls: for those of the project's own only.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import threading
from collections.abc import Sequence
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.agent.powercut.helpers import make_helpers, place_of
from grader.agent.race.look import call_named
from grader.agent.race.values import named_objects
from grader.powercuts.agent import lay_out
from grader.powercuts.answers import Answer, Refusal, Session
from grader.powercuts.case import Trial
from grader.powercuts.judge import Plan, judge
from grader.powercuts.promise import Bounds, promise_of
from grader.races.program import Invocation

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext  # Windows lacks the first

START_SECONDS = 60.0
ANSWER_SECONDS = 10.0


def is_found_by_kill(package: Path, trial: Trial) -> bool:
    """Whether a kill after one of the calls of a history shows that something is wrong."""
    return any(
        _is_wrong(package, trial, calls_made) for calls_made in range(len(trial.history) + 1)
    )


def _is_wrong(package: Path, trial: Trial, calls_made: int) -> bool:
    subject, history = trial.subject, trial.history[:calls_made]
    with tempfile.TemporaryDirectory(prefix="kv-killed-") as name:
        root = Path(name).resolve()
        lay_out(trial.start, root)
        folder = root / subject.inside
        opening = len(subject.open())
        made = _until_killed(package, folder, [*subject.open(), *subject.calls(history)])
        if made.end != "done" or made.refusal is not None:
            return True
        promise = promise_of(subject, history, made.answers[opening:], trial.interval)
        sessions: list[Session] = []
        for calls in Plan(subject).sessions():
            sessions.append(_until_killed(package, folder, calls))
            if sessions[-1].end != "done" or sessions[-1].refusal is not None:
                break
    allowed = promise.allowed(Bounds(promise.lows[-1], calls_made))
    return judge(subject, allowed, sessions) is not None


def _until_killed(package: Path, folder: Path, calls: Sequence[Invocation]) -> Session:
    """Have a new process make calls, up to the first that raises, and kill it after the last."""
    receiver, sender = _processes().Pipe(duplex=False)
    arguments = sender, package, str(folder), calls
    process = _processes().Process(target=_serve, args=arguments, daemon=True)
    process.start()
    sender.close()
    try:
        return _listen(receiver, len(calls))
    finally:
        process.kill()
        process.join()
        process.close()
        receiver.close()


def _listen(receiver: Connection, wanted: int) -> Session:
    if not receiver.poll(START_SECONDS):
        raise TimeoutError("a process did not start")
    receiver.recv()
    answers: list[Answer] = []
    while len(answers) < wanted and not (answers and answers[-1].refusal):
        if not receiver.poll(ANSWER_SECONDS):
            return Session("timeout", ())
        try:
            answers.append(receiver.recv())
        except EOFError:
            return Session("crashed", ())
    return Session("done", tuple(answers))


def _serve(sender: Connection, package: Path, folder: str, calls: Sequence[Invocation]) -> None:
    """Say that it is there, make the calls, say what came of each, and wait for the end."""
    sender.send("ready")
    sys.path.insert(0, str(package.parent))
    clock, helper = make_helpers(folder)
    objects: dict[str, Any] = {"folder": folder, "clock": clock, "helper": helper}
    for call in calls:
        sender.send(_answer(call, objects))
    threading.Event().wait()  # for ever


def _answer(call: Invocation, objects: dict[str, Any]) -> Answer:
    owner = call.owner if call.owner.startswith(":") else objects[call.owner]
    arguments = named_objects([*call.args], objects), named_objects(dict(call.kwargs), objects)
    try:
        value = call_named(owner, call.name, *arguments)
    except Exception as error:
        names = tuple(kind.__name__ for kind in type(error).__mro__)
        return Answer(refusal=Refusal(names, str(error), (), *place_of(error)))
    if not call.into:
        return Answer(value)
    objects[call.into] = value
    return Answer()


@cache
def _processes() -> ForkServerContext | SpawnContext:
    """Processes that begin with nothing of a package, quickly where the system can fork."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context
