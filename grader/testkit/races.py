"""Look for races: small programs of calls, each run under many schedules.

`races.explore(memory, aim=["incr"])` draws programs in which `incr` meets other operations, from
the table of operations (`grader.oracle`), and fails with the shortest program and schedule that no
order of the calls explains. `races.run(subject, workload)` takes a program as it is.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from grader.found import FailureFound
from grader.oracle.workload import Workload, workloads
from grader.outcome import Failure, Interleaving
from grader.races.explorer import Explorer, Recording, Run
from grader.races.problem import Subject, judge
from grader.races.replay import ScheduleReplay, check_of_program
from grader.races.search import Found, Search, Trial
from grader.races.story import tell
from grader.remote.failures import RemoteError
from grader.remote.session import Session
from grader.replay import ReplayError
from grader.testkit.patience import Patience
from grader.testkit.rerun import Rerun

SCHEDULES = 40  # of one program
PROGRAMS = 6


class RaceFound(FailureFound):
    """A schedule under which the package does something that it may not."""

    def __init__(self, interleaving: Interleaving) -> None:
        super().__init__(Failure(interleaving.diagnosis, interleaving=interleaving))


class Races:
    """The race finder, for one test."""

    def __init__(
        self,
        session: Session,
        package: Path,
        test: str,
        seed: int,
        rng: random.Random,
        patience: Patience,
        rerun: Rerun | None = None,
    ) -> None:
        self._explorer = Explorer(session)
        self._package = package
        self._test = test
        self._seed = seed
        self._rng = rng
        self._patience = patience
        self._rerun = rerun
        self._tried = 0

    def explore(
        self,
        subject: Subject,
        *,
        aim: Sequence[str],
        programs: int = PROGRAMS,
        schedules: int = SCHEDULES,
        **wanted: Any,
    ) -> None:
        """Try programs in which every operation of `aim` meets one that it conflicts with.

        `wanted` goes to `grader.oracle.workload.workloads`: `threads`, `calls`, `keys`, `partners`.
        """
        drawn = workloads(self._rng, aim=aim, count=programs, **wanted)
        self.run(subject, *drawn, schedules=schedules)

    def run(self, subject: Subject, *programs: Workload, schedules: int = SCHEDULES) -> None:
        """Try these programs; fails with the first race."""
        search = Search(self._explorer, partial(self._patience.tell, self._test))
        for workload in programs:
            seed, number = self._rng.getrandbits(30), self._tried
            self._tried += 1
            if self._rerun is not None:
                replay = self._rerun.replay
                if isinstance(replay, ScheduleReplay) and replay.place == number:
                    self._run_again(subject, workload, replay, self._rerun)
                continue
            if self._patience.is_over:
                return
            found = search.try_workload(
                subject, workload, number, seed, schedules * self._patience.factor
            )
            if found is not None:
                self._fail(search, found)

    def expect_none(self) -> None:
        """Fail if this run has found a race before."""
        found = self._patience.found
        assert not found, f"the race finder has found {found} in this stage: mend them first"

    def _fail(self, search: Search, found: Found) -> None:
        _refuse_unwritten(found.run)
        self._patience.found += 1
        found = search.weigh(found)
        if self._patience.shrinks > 0:
            self._patience.shrinks -= 1
            found = search.shrink(found)
        self._tell(found)

    def _run_again(
        self, subject: Subject, whole: Workload, replay: ScheduleReplay, rerun: Rerun
    ) -> None:
        switches = list(replay.switches)
        try:
            workload = replay.workload(whole)
        except ReplayError as misfit:
            rerun.misfit = misfit
            return
        spec = ("switches", switches)
        trial = Trial(subject, whole, replay.place, replay.kept, replay.coarse, spec)
        run = self._explorer.explore(subject.program(workload), [spec], coarse=replay.coarse)[0]
        rerun.is_done = True
        self._patience.tell(self._test, 1)
        calls = [*run.setup, *run.plans, *run.after]
        if rerun.is_debugged and any("BdbQuit" in call.errors for call in calls):
            raise KeyboardInterrupt  # the debugger was told to quit
        problem = judge(subject, workload, run)
        if problem is not None:
            # Fine points stayed in the id because coarse ones did not show the failure.
            found = Found(trial, run, problem, 0, latent=not replay.coarse)
            unrecorded = Recording(run, _calls_alone(run), switches)
            self._tell(found, unrecorded if rerun.is_debugged else None)

    def _tell(self, found: Found, recording: Recording | None = None) -> None:
        trial = found.trial
        program = trial.subject.program(trial.workload)
        recording = recording or self._explorer.replay(program, trial.spec, coarse=trial.coarse)
        replay = ScheduleReplay(
            self._test,
            self._seed,
            trial.number,
            check_of_program(trial.whole),
            trial.kept,
            trial.coarse,
            tuple(recording.switches),
        )
        raise RaceFound(tell(found, recording, program, replay, self._package))


def _refuse_unwritten(run: Run) -> None:
    """Raise what a call raised that is not written yet: that is no race."""
    for call in (*run.plans, *run.after):
        if "NotImplementedError" in call.errors:
            raised = run.raised[call.invoked]
            raise RemoteError(call.errors, raised.message, raised.frames)


def _calls_alone(run: Run) -> list[list[Any]]:
    """The rows of a recording that know nothing of lines: each call's beginning and end."""
    rows: list[tuple[int, list[Any]]] = []
    begun: dict[int, int] = {}
    for call in run.plans:
        index = begun.get(call.thread, 0)
        begun[call.thread] = index + 1
        rows.append((call.invoked, [call.thread + 1, "call", "", index, "", []]))
        if call.returned is not None:
            rows.append((call.returned, [call.thread + 1, "return", "", index, "", []]))
    return [row for _time, row in sorted(rows)]
