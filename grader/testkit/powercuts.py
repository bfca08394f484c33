"""Cut the power: record a history of calls, and have every state that a power cut could leave on
disk opened again.

`power.explore(StoreHistory(), [("set", ("a", b"1")), …])` fails with the shortest history that was
found to lose data. `power.reopen(StoreHistory(), trees)` only has folders opened, whatever is in
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from grader.found import FailureFound
from grader.oracle.history import Op
from grader.outcome import Failure
from grader.powercuts.agent import Fault, PowerAgent
from grader.powercuts.answers import Answer, Refusal, Session
from grader.powercuts.case import Case, Found, Trial
from grader.powercuts.effects import Disk, Tree, is_effect, start_of, with_files
from grader.powercuts.explore import Explored, Explorer
from grader.powercuts.judge import Plan
from grader.powercuts.replay import PowerCutReplay
from grader.powercuts.shrink import shrink
from grader.powercuts.story import tell
from grader.powercuts.subject import Subject
from grader.remote.failures import RemoteError
from grader.remote.session import Session as Conversation
from grader.remote.trace import Trace
from grader.replay import ReplayError, check_of
from grader.testkit.patience import Patience
from grader.testkit.rerun import Rerun


class PowerCutFound(FailureFound):
    """A power cut that the package does not survive."""


@dataclass(frozen=True)
class Reopened:
    """What came of a folder that was opened: the answers of `look`, or what was raised, and the
    bytes of each file that is there afterwards.
    """

    session: Session
    look: tuple[Any, ...]
    left: Mapping[str, bytes]

    @property
    def refusal(self) -> Refusal | None:
        """What opening it raised, or looking."""
        return self.session.refusal


class PowerCuts:
    """The power switch, for one test."""

    def __init__(
        self,
        session: Conversation,
        test: str,
        seed: int,
        patience: Patience,
        tell_note: Callable[[str], None],
        rerun: Rerun | None = None,
    ) -> None:
        is_debugged = rerun is not None and rerun.is_debugged
        self._agent = PowerAgent(session, is_debugged=is_debugged)
        self._trace: Trace = session.trace
        self._test = test
        self._seed = seed
        self._patience = patience
        self._tell_note = tell_note
        self._rerun = rerun
        self._tried = 0

    def explore(
        self,
        subject: Subject,
        history: Sequence[Op],
        *,
        files: Mapping[str, bytes] | None = None,
        faults: Sequence[Fault] = (),
        interval: float = 1.0,
        every_byte: bool = True,
    ) -> None:
        """Try every power cut during and after a history; fails at the first that loses data.

        `files` are in the data folder before. `faults` are what the disk fails at, see
        `grader.powercuts.agent.Fault`; `interval` is that of the policy "interval". Writes are cut
        at `every_byte`, or only at their ends and in their middle, where other tests do the rest.
        """
        trial = replace(
            self._trial(subject, history, files),
            faults=tuple(faults),
            interval=interval,
            every_byte=every_byte,
        )
        number = self._tried
        self._tried += 1
        if self._rerun is not None:
            self._maybe_run_again(trial, number, self._rerun)
            return
        explorer = Explorer(self._agent)
        explored = explorer.explore(self._record(explorer, trial))
        self._conclude(explorer, explored, lambda _found: number)

    def explore_faults(
        self,
        subject: Subject,
        history: Sequence[Op],
        operation: str,
        error: str,
        *,
        times: int = 1,
        taken: int = 0,
        files: Mapping[str, bytes] | None = None,
    ) -> list[tuple[Answer, ...]]:
        """Let each `operation` of a history ("write", "fsync", "create", "rename", …) fail in turn,
        and those after it until `times` have failed, with the errno named `error`; then cut the
        power, and open what is left. With `taken`, the first write takes so many bytes and says so;
        only the next one fails, if `times` is more than 1.

        A call that raised `OSError` may have made its change or not; what returned counts. Returns
        what the calls of the history gave, with each of the faults.
        """
        whole = self._trial(subject, history, files)
        explorer = Explorer(self._agent)
        events = self._record(explorer, whole).recorded.events
        count = sum(_is_a(event, operation) for event in events)
        assert count, f"the history makes no {operation}"
        trials = [
            replace(whole, faults=((operation, first, times, error, taken),))
            for first in range(1, 1 + count)
        ]
        number = self._tried
        self._tried += count
        if self._rerun is not None:
            for place, trial in enumerate(trials, number):
                self._maybe_run_again(trial, place, self._rerun)
            return []
        cases = [self._record(explorer, trial) for trial in trials]
        explored = explorer.explore_ends(cases)
        places = {trial.faults: place for place, trial in enumerate(trials, number)}
        self._conclude(explorer, explored, lambda found: places[found.case.trial.faults])
        opened = len(subject.open())
        return [case.recorded.answers[opened:] for case in cases]

    def reopen(
        self,
        subject: Subject,
        trees: Iterable[Mapping[str, bytes]],
        faults: Sequence[Fault] = (),
        *,
        trees_a_process: int = 1,
    ) -> list[Reopened]:
        """Have each folder opened and looked at, in a process of its own or of so many folders.
        Fewer come back if one hangs.
        """
        sessions = [[*subject.open(), *subject.look()]]
        wanted = [_tree(files) for files in trees]
        opened = self._agent.reopen(
            subject, wanted, sessions, record=True, faults=faults, trees_a_process=trees_a_process
        )
        found = []
        for tree, (session,) in zip(wanted, opened, strict=False):
            look = tuple(answer.value for answer in Plan(subject).looked(session))
            found.append(Reopened(session, look, _left(tree, session)))
        return found

    def _trial(
        self, subject: Subject, history: Sequence[Op], files: Mapping[str, bytes] | None
    ) -> Trial:
        whole = tuple(history)
        return Trial(subject, whole, (1 << len(whole)) - 1, _tree(files or {}))

    def _record(self, explorer: Explorer, trial: Trial) -> Case:
        case = explorer.record(trial)
        if case.refusal is not None:
            raise _as_error(case.refusal)
        answers = case.recorded.answers[len(trial.subject.open()) :]
        calls = zip(trial.history, answers, strict=False)
        returned = [op for op, answer in calls if answer.refusal is None]
        lack = trial.subject.lacks(returned, case.recorded.tree().files)
        if lack:
            raise FailureFound(Failure(lack))
        return case

    def _conclude(
        self, explorer: Explorer, explored: Explored, place_of: Callable[[Found], int]
    ) -> None:
        self._trace.note(f"{explored.opened:,} different states of the disk were opened again")
        for cap in explored.caps:
            self._tell_note(cap[:1].upper() + cap[1:] + ".")
        found = explored.first
        if found is not None:
            _refuse_unwritten(found)
            if not found.case.trial.faults and self._patience.shrinks > 0:
                self._patience.shrinks -= 1
                found = shrink(explorer, found)
            self._fail(found, place_of(found), explored.opened)

    def _maybe_run_again(self, trial: Trial, number: int, rerun: Rerun) -> None:
        replay = rerun.replay
        if isinstance(replay, PowerCutReplay) and number == replay.place:
            self._run_again(trial, replay, rerun)

    def _run_again(self, whole: Trial, replay: PowerCutReplay, rerun: Rerun) -> None:
        try:
            replay.history(whole.whole)
        except ReplayError as misfit:
            rerun.misfit = misfit
            return
        explorer = Explorer(self._agent)
        trial = replace(whole, kept=replay.kept)
        cut = explorer.cut_of(self._record(explorer, trial), replay)
        if cut is None:
            rerun.misfit = ReplayError(
                f"{self._test} makes other changes on disk than when this power cut was found: run"
                " the test again, your files have changed since"
            )
            return
        rerun.is_done = True
        rerun.leave(cut.tree(), trial.subject.inside)
        found = explorer.try_one(cut)
        if found is not None:
            self._fail(found, replay.place, 0)

    def _fail(self, found: Found, number: int, states: int) -> None:
        replay = PowerCutReplay(
            self._test,
            self._seed,
            number,
            check_of(found.case.trial.whole),
            found.case.trial.kept,
            found.cut.model,
            found.cut.state.number,
            found.cut.then.number if found.cut.then is not None else None,
        )
        cut = tell(found, states, str(replay))
        raise PowerCutFound(Failure(found.problem.sentence, power_cut=cut))


def _tree(files: Mapping[str, bytes]) -> Tree:
    folders = {path.rpartition("/")[0] for path in files} - {""}
    return Tree(dict(files), tuple(sorted(folders)))


def _left(tree: Tree, session: Session) -> Mapping[str, bytes]:
    """What is there after a session whose changes were written down."""
    events = with_files(session.events)
    return Disk(tree, start_of(events)).make(filter(is_effect, events)).tree().files


def _as_error(refusal: Refusal) -> RemoteError:
    return RemoteError(refusal.names, refusal.message, refusal.frames)


def _refuse_unwritten(found: Found) -> None:
    """Raise what a call raised that is not written yet: no power cut has to do with that."""
    for session in found.sessions:
        if session.refusal is not None and "NotImplementedError" in session.refusal.names:
            raise _as_error(session.refusal)


def _is_a(event: tuple[Any, ...], operation: str) -> bool:
    """Whether an event is one that a fault of this operation could have met."""
    return bool(event[0] == operation or (operation == "fsync" and event[0] == "fsync folder"))
