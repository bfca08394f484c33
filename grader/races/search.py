"""Try workloads under schedules until one fails, and make the failure short.

Coarse and fine switch points take turns. What fails is shrunk: calls are left out while it still
fails, then a schedule with a single switch is looked for, else switches are left out one by one. A
failure that was seen with fine points only is looked for with coarse ones; if it never shows, it is
latent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from grader.oracle.workload import Workload
from grader.races import plan
from grader.races.explorer import Explorer, Run, Spec
from grader.races.problem import Problem, Subject, judge
from grader.races.replay import call_count, keep
from grader.remote.failures import CallFailure, RemoteError

SHRINK_SECONDS = 3.0
_TRIES = 40  # schedules for a workload with a call left out
_SINGLE_SWITCHES_MAX = 240
_LATENT_TRIES = 160  # with coarse points, before a failure counts as latent
_FIRST_LENGTH = 100  # steps of a program that has not run yet


@dataclass(frozen=True)
class Trial:
    """One schedule of one workload. `number` is the workload's place among those that were tried,
    `kept` which of its calls are left (see `replay`).
    """

    subject: Subject
    whole: Workload
    number: int
    kept: int
    coarse: bool
    spec: Spec

    @property
    def workload(self) -> Workload:
        """The calls that are left."""
        return keep(self.whole, self.kept)


@dataclass(frozen=True)
class Found:
    """A trial that fails, what is wrong, and how many schedules it took to find."""

    trial: Trial
    run: Run
    problem: Problem
    schedules: int
    latent: bool = False


class Search:
    """Tries workloads on one explorer. `tell` hears the number of schedules of each request."""

    def __init__(
        self, explorer: Explorer, tell: Callable[[int], None] = lambda count: None
    ) -> None:
        self.schedules = 0
        self._explorer = explorer
        self._tell = tell
        self._lengths: dict[bool, int] = {}

    def try_workload(
        self, subject: Subject, workload: Workload, number: int, seed: int, count: int
    ) -> Found | None:
        """Run a workload under `count` schedules; returns the first that fails."""
        every_call = (1 << call_count(workload)) - 1
        whole = Trial(subject, workload, number, every_call, coarse=True, spec=())
        return self._try(whole, seed, count)

    def _try(
        self,
        trial: Trial,
        seed: int,
        count: int,
        *,
        only: bool | None = None,
        like: Problem | None = None,
    ) -> Found | None:
        """Try a trial's workload under other schedules, of one kind of points if `only` says so,
        until there is a failure, one `like` the given.
        """
        for start in range(0, count, plan.BATCH):
            coarse = (start // plan.BATCH % 2 == 0) if only is None else only
            size = min(plan.BATCH, count - start)
            length = self._lengths.get(coarse, _FIRST_LENGTH)
            specs = plan.schedules(seed + start, size, length)
            found = self._run(replace(trial, coarse=coarse), specs, like)
            if found:
                return found
        return None

    def _run(
        self, trial: Trial, specs: Sequence[Spec], like: Problem | None = None
    ) -> Found | None:
        workload = trial.workload
        program = trial.subject.program(workload)
        runs = self._explorer.explore(program, specs, coarse=trial.coarse)
        before = self.schedules
        self.schedules += len(runs)
        self._tell(len(runs))
        self._lengths[trial.coarse] = max(run.steps for run in runs) or _FIRST_LENGTH
        for number, (spec, run) in enumerate(zip(specs, runs, strict=False), before + 1):
            problem = judge(trial.subject, workload, run)
            if problem is not None and (like is None or problem.sort == like.sort):
                return Found(replace(trial, spec=spec), run, problem, number)
        return None

    def weigh(self, found: Found) -> Found:
        """Say whether a failure is latent; where it is not, return one with coarse points."""
        if found.trial.coarse:
            return found
        seen = self._try(found.trial, found.schedules, _LATENT_TRIES, only=True)
        return replace(seen or found, schedules=found.schedules, latent=seen is None)

    def shrink(self, found: Found, seconds: float = SHRINK_SECONDS) -> Found:
        """Return a shorter failure of the same sort, as far as time and the agent allow."""
        end, best = time.monotonic() + seconds, found
        for shorten in (self._with_fewer_calls, self._with_fewer_switches):
            with suppress(CallFailure):
                best = shorten(best, end)
        return replace(best, schedules=found.schedules, latent=found.latent)

    def _with_fewer_calls(self, found: Found, end: float) -> Found:
        needs_switches = self._passes_in_turn(found.trial)
        for bit in reversed(range(found.trial.kept.bit_length())):
            kept = found.trial.kept & ~(1 << bit)
            if kept == found.trial.kept or time.monotonic() > end:
                continue
            candidate = replace(found.trial, kept=kept)
            if not candidate.workload.plans:
                continue
            shorter = self._shorter(candidate, 1 + bit, found.problem)
            if shorter and (not needs_switches or self._passes_in_turn(shorter.trial)):
                found = shorter
        return found

    def _shorter(self, candidate: Trial, seed: int, like: Problem) -> Found | None:
        try:
            return self._try(candidate, seed, _TRIES, only=candidate.coarse, like=like)
        except RemoteError:  # its set-up needs the call that was left out
            return None

    def _passes_in_turn(self, trial: Trial) -> bool:
        """Whether all is well when threads run one after the other, whoever is first. Without a
        call that releases a lock it is not, and that is nobody's fault.
        """
        before, plans = trial.workload.before, trial.workload.plans
        plans = tuple(tuple(op for op in ops if op[0] != "pause") for ops in plans)
        calm = Workload(before, plans)
        trial = replace(trial, whole=calm, kept=(1 << call_count(calm)) - 1)
        threads = range(1, len(plans) + 1)
        return self._run(trial, [("switches", [(1, first)]) for first in threads]) is None

    def _with_fewer_switches(self, found: Found, end: float) -> Found:
        threads = len(found.trial.workload.plans)
        specs = plan.single_switches(found.run.steps, threads, _SINGLE_SWITCHES_MAX)
        single = None
        for batch in (specs[at : at + plan.BATCH] for at in range(0, len(specs), plan.BATCH)):
            single = self._run(found.trial, batch, found.problem)
            if single or time.monotonic() > end:
                break
        if single:
            return single
        program = found.trial.subject.program(found.trial.workload)
        trial = found.trial
        recording = self._explorer.replay(program, trial.spec, coarse=trial.coarse)
        switches = recording.switches
        found = replace(found, trial=replace(trial, spec=("switches", switches)))
        while time.monotonic() < end:
            fewer = _one_less(found.trial.spec[1])
            shorter = self._first(found.trial, fewer, found.problem)
            if shorter is None:
                break
            found = shorter
        return found

    def _first(self, trial: Trial, specs: Iterator[Spec], like: Problem) -> Found | None:
        return next((found for spec in specs if (found := self._run(trial, [spec], like))), None)


def _one_less(switches: list[tuple[int, int]]) -> Iterator[Spec]:
    """Schedules with a half, a quarter … of the switches left out, then with one."""
    size = len(switches) // 2
    while size:
        for start in range(0, len(switches), size):
            yield ("switches", switches[:start] + switches[start + size :])
        size //= 2
