"""The pytest plugin of a unit: the fixtures that tests ask for, and the outcomes that come out.

It keeps what must outlive a single test: which modules cannot be imported, how often time ran out,
and how much time went into tests that failed or dragged on.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from grader.course import STAGES_DIR, Stage
from grader.outcome import Failure, Outcome, Status, Step
from grader.remote.failures import Prerequisite
from grader.remote.session import CALL_SECONDS, TEST_SECONDS, Session
from grader.remote.trace import Trace
from grader.testkit.clock import Clock
from grader.testkit.kv import KV
from grader.testkit.marks import MARK
from grader.testkit.patience import Patience
from grader.testkit.powercuts import PowerCuts
from grader.testkit.races import Races
from grader.testkit.rerun import Rerun
from grader.unit.alarm import alarm
from grader.unit.bench import Bench, Slot
from grader.unit.verdict import judge

# After the first few timeouts a call gets less time, and after many more the rest of the stage is
# not run: a package that hangs everywhere must not hold up a class.
PATIENT_TIMEOUTS = 3
TIMEOUTS_MAX = 10
IMPATIENT_SECONDS = 1.0
# The same for one that is slow everywhere, each call just within its deadline: a test that did not
# pass or took longer than SLOW_SECONDS uses up this budget. The reference needs 8 s for its slowest
# stage. Even 90 tests of SLOW_SECONDS each, the budget and one last test end well before a worker
# is given up on (`grader.unit.worker.UNIT_SECONDS`), which would be the grader's own error.
SLOW_SECONDS = 2.0
WASTED_SECONDS_MAX = 60.0
# Opening hundreds of folders takes time with any package: so much of it counts for nothing.
POWER_SECONDS = 8.0
PRINTED_CHARS_MAX = 4000
STEPS_MAX = 40

# What a test says of how thorough it was, whether it passes or not: whole sentences, added by a
# fixture with `request.node.stash.setdefault(NOTES, []).append(...)`.
NOTES = pytest.StashKey[list[str]]()
_SESSION = pytest.StashKey[Session]()


class UnitPlugin:
    """Runs the collected tests of `stage` against the package on the `bench`."""

    def __init__(
        self,
        stage: Stage,
        package_dir: Path,
        bench: Bench,
        seed: int,
        report: Callable[[Outcome], None],
        patience: Patience | None = None,
        rerun: Rerun | None = None,
    ) -> None:
        self._stage = stage
        self._package_dir = package_dir
        self._bench = bench
        self._seed = seed
        self._report = report
        self._patience = patience or Patience()
        self._rerun = rerun
        self._broken: dict[str, str] = {}
        self._timeouts = 0
        self._seconds = 0.0  # of the test under way, set-up and clean-up included
        self._wasted_seconds = 0.0
        self._status: Status = "passed"
        self._compared: tuple[str, Any, Any] | None = None
        self.collect_problems: list[str] = []
        self.is_stopped = False  # by the user

    @pytest.fixture
    def slot(self) -> Iterator[Slot]:
        """A private folder with an agent on it."""
        with self._bench.slot() as slot:
            yield slot

    @pytest.fixture
    def session(self, slot: Slot, request: pytest.FixtureRequest) -> Iterator[Session]:
        """The conversation of this test with the package."""
        first = [slot.process]

        def start() -> Any:
            return first.pop() if first else self._bench.start(slot.work_dir)

        patient = self._timeouts < PATIENT_TIMEOUTS
        seconds = CALL_SECONDS if patient else IMPATIENT_SECONDS
        # Who looks around in a debugger has time.
        whole = math.inf if self._bench.is_local else TEST_SECONDS
        session = Session(start, Trace(), seconds, slot.work_dir / "data", whole)
        request.node.stash[_SESSION] = session
        yield session
        session.kill()

    @pytest.fixture
    def kv(self, session: Session) -> KV:
        """The package under test."""
        return KV(session, self._package_dir, self._broken)

    @pytest.fixture
    def kv_beside(self, slot: Slot, session: Session) -> Iterator[KV]:
        """The package once more, in a second process on the same folder."""
        session.trace.note("kv_beside is a second process on the same folder")
        beside = Session(
            lambda: self._bench.start_beside(slot.work_dir),
            Trace(),
            session.seconds,
            slot.work_dir / "data",
        )
        yield KV(beside, self._package_dir, self._broken)
        beside.kill()

    @pytest.fixture
    def clock(self, session: Session) -> Clock:
        """A clock that stands still until it is moved."""
        return Clock(session)

    @pytest.fixture
    def data_dir(self, slot: Slot) -> Path:
        """An empty folder."""
        return slot.work_dir / "data"

    @pytest.fixture
    def races(self, session: Session, rng: random.Random, request: pytest.FixtureRequest) -> Races:
        """The race finder."""
        self._refuse_to_search("schedule")
        name = request.node.name
        return Races(session, self._package_dir, name, self._seed, rng, self._patience, self._rerun)

    @pytest.fixture
    def power(self, session: Session, request: pytest.FixtureRequest) -> PowerCuts:
        """The power switch."""
        self._refuse_to_search("power cut")
        notes = request.node.stash.setdefault(NOTES, [])
        name = request.node.name
        return PowerCuts(session, name, self._seed, self._patience, notes.append, self._rerun)

    @pytest.fixture
    def rng(self, request: pytest.FixtureRequest) -> random.Random:
        """Randomness from the run's seed and the test's name."""
        return random.Random(f"{self._seed}:{request.node.name}")

    def _refuse_to_search(self, what: str) -> None:
        """A debugger is not led through a search."""
        if self._bench.is_local and self._rerun is None:
            raise Prerequisite(
                f"a debugger walks through one {what}, not many: run this test without --debug,"
                " and add --debug to the --replay that its failure shows"
            )

    def pytest_configure(self, config: pytest.Config) -> None:
        """Make the mark known."""
        config.addinivalue_line("markers", f"{MARK}(points, suite, hint): what a test is worth")

    def pytest_runtest_setup(self) -> None:
        """Start each test without the last one's comparison; give up on a package that hangs or
        drags on everywhere.
        """
        self._compared = None
        self._seconds = 0.0
        if self._patience.is_over:
            raise Prerequisite("the time was over before this test's turn")
        if self._timeouts >= TIMEOUTS_MAX:
            raise Prerequisite(
                f"{TIMEOUTS_MAX} tests of this stage ran out of time, so this one was not run"
            )
        if self._wasted_seconds >= WASTED_SECONDS_MAX:
            raise Prerequisite(
                f"tests of this stage that failed or were slow took {WASTED_SECONDS_MAX:g} s"
                " together, so this one was not run"
            )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, None, None]:
        """A test that waits outside of a call, such as for a FIFO in its folder, ends too; one that
        a debugger holds up does not.
        """
        if self._bench.is_local:
            return (yield)
        with alarm(TEST_SECONDS + 5, "the test was not over in time"):
            return (yield)

    def pytest_assertrepr_compare(self, op: str, left: Any, right: Any) -> None:
        """Keep both sides of the comparison that failed."""
        self._compared = (op, left, right)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Report one outcome a test: of its call, or of a setup that never led to one."""
        report = yield
        self._seconds += call.duration
        if call.when == "call" or (call.when == "setup" and call.excinfo is not None):
            outcome = self._outcome(item, call)
            self._status = outcome.status
            self._report(outcome)
        elif call.when == "teardown":
            free = POWER_SECONDS if "power" in getattr(item, "fixturenames", ()) else 0.0
            seconds = self._seconds - free
            if self._status != "passed" or seconds > SLOW_SECONDS * self._patience.factor:
                self._wasted_seconds += max(0.0, seconds)
        return report

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Tell what the user ended from what pytest gives up by itself."""
        self.is_stopped = excinfo.type is KeyboardInterrupt

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A test file that cannot be read is the grader's fault."""
        if report.failed:
            self.collect_problems.append(f"{report.nodeid}: {report.longreprtext}")

    def _outcome(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Outcome:
        status: Status = "passed"
        failure = None
        if call.excinfo is not None:
            status, failure = judge(call.excinfo.value, self._compared)
            failure = _writable(_with_evidence(failure, item.stash.get(_SESSION, None)))
        self._timeouts += status == "timeout"
        return describe(item, self._stage, status, failure, call.duration)


def describe(
    item: pytest.Item, stage: Stage, status: Status, failure: Failure | None, seconds: float
) -> Outcome:
    """The outcome of a collected test; its mark says what it is worth."""
    mark = item.get_closest_marker(MARK)
    if mark is None:
        raise pytest.UsageError(f"{item.nodeid} has no @points")
    function = getattr(item, "function", None)
    title = (getattr(function, "__doc__", None) or item.name).strip().partition("\n")[0]
    place = item.path.relative_to(STAGES_DIR).as_posix()
    notes: list[str] = item.stash.get(NOTES, [])
    return Outcome(
        test=f"{place}::{item.name}",
        title=title,
        stage=stage.number,
        suite=mark.kwargs["suite"],
        points=float(mark.kwargs["points"]),
        hint=mark.kwargs["hint"],
        hidden=item.path.parent.name == stage.hidden_tests.name,
        status=status,
        seconds=round(seconds, 4),
        failure=failure,
        note=_spelled_out(" ".join(notes)),
    )


def _with_evidence(failure: Failure, session: Session | None) -> Failure:
    if session is None:
        return failure
    session.kill()  # the test is over; now all that was printed can be had
    steps = session.trace.steps
    if len(steps) > STEPS_MAX:
        first, last = steps[: STEPS_MAX // 4], steps[-3 * STEPS_MAX // 4 :]
        left_out = Step(f"… {len(steps) - len(first) - len(last)} steps left out …")
        steps = [*first, left_out, *last]
    printed = session.printed()[-PRINTED_CHARS_MAX:]
    return msgspec.structs.replace(failure, steps=tuple(steps), printed=printed)


def _writable(failure: Failure) -> Failure:
    """The same failure with texts that can be written as UTF-8: a lone surrogate is spelled out."""
    builtins = msgspec.to_builtins(failure, builtin_types=(bytes,))
    return msgspec.convert(_spelled_out(builtins), Failure, builtin_types=(bytes,))


def _spelled_out(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list | tuple):
        return [_spelled_out(item) for item in value]
    if isinstance(value, dict):
        return {key: _spelled_out(item) for key, item in value.items()}
    return value
