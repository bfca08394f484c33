"""The page that `nox -s stageN` prints: what passed, what is unwritten or wrong, what to do next.

The order is the order of a student's attention: progress, then what to write, then failures, the
first few in full. Failures with one and the same cause are told once. Not here: one failure's own
section (failure.py), and running tests.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text

from grader.course import Course
from grader.hints import Hint
from grader.outcome import SUITES, Outcome, Status, UnitResult
from grader.report.blocks import INDENT, Hanging, Heading, command, hanging, joined
from grader.report.failure import failure_section
from grader.report.telling import (
    LATENT_WORDS,
    STRICT_WORDS,
    ending,
    is_unwritten,
    lesser_words,
    same_cause,
)
from grader.report.unwritten import unwritten_functions
from grader.report.words import (
    STATUS_MARKS,
    STATUS_STYLES,
    STATUS_WORDS,
    count,
    number,
    plain,
    replay_command,
)

FULL_FAILURES_MAX = 5
_LESSER_MARKS = {LATENT_WORDS: "L", STRICT_WORDS: "P"}  # P as in POSIX
_UNWRITTEN_MARK = "-"
_UNWRITTEN_WORDS = "not written yet"
_UNWRITTEN_STYLE = "yellow"
_TOLD: tuple[Status, ...] = ("failed", "timeout", "crashed", "error")


@dataclass(frozen=True)
class RunFacts:
    """What a page says about its run besides the outcomes.

    `target` is the student's folder as they would type it, such as "work/kvstore"; `assist` says
    that earlier stages' files are the reference's; `untouched` that the stage's files are still the
    skeletons; `seconds` is wall time; `can_grade` that the reference is there, which `--assist` and
    grading need: a hand-out has none.
    """

    target: str
    assist: bool = False
    untouched: bool = False
    seconds: float = 0.0
    can_grade: bool = True


def stage_page(
    course: Course, result: UnitResult, hints: Mapping[str, Hint], facts: RunFacts
) -> Group:
    """Return the page of one run of one stage; raises `CourseError` for an unknown stage."""
    return Group(*_Page(course, result, hints, facts).parts())


class _Page:
    """One page in the making: the outcomes sorted into what each part of it shows."""

    def __init__(
        self, course: Course, result: UnitResult, hints: Mapping[str, Hint], facts: RunFacts
    ) -> None:
        self.course = course
        self.stage = course.stage(result.stage)
        self.result = result
        self.hints = hints
        self.facts = facts
        self.outcomes = result.outcomes
        self.unwritten = unwritten_functions(course, self.stage, self.outcomes)
        told = [o for o in self.outcomes if o.status in _TOLD and not is_unwritten(o)]
        # The grader's own errors come last: a student can mend the others.
        self.failures = same_cause(sorted(told, key=lambda outcome: outcome.status == "error"))
        self.skipped = [outcome for outcome in self.outcomes if outcome.status == "skipped"]
        self.passed = sum(outcome.status == "passed" for outcome in self.outcomes)

    def parts(self) -> Iterator[RenderableType]:
        yield from self._top()
        if self.result.problem:
            yield from self._problem()
            return
        yield from _progress(self.outcomes)
        yield from self._to_write()
        yield from self._told_failures()
        yield from self._not_run()
        yield from self._notes()
        yield from self._totals()
        yield from self._next()

    def _top(self) -> Iterator[RenderableType]:
        yield Heading(f"Stage {self.stage.number}: {self.stage.name}")
        seed, walls = f"seed {self.result.seed}", f"isolation {self.result.isolation}"
        yield Text(plain(joined((self.facts.target, seed, walls))), "dim")
        if self.facts.assist and self.stage.number > 1:
            earlier = self.stage.number - 1
            stages = "stage 1" if earlier == 1 else f"stages 1 to {earlier}"
            yield Text(f"assist: the files of {stages} are the reference's", "dim")
        yield Text()
        if self.facts.untouched:
            yield from self._welcome()

    def _welcome(self) -> Iterator[RenderableType]:
        first = next(iter(self.stage.files))
        yield Text(
            "Welcome to this stage. Nothing is written yet, so everything is red: that is how it"
            " should be. Each function that you write turns some of it green."
        )
        readme = (
            f"{self.stage.folder.parent.name}/{self.stage.folder.name}/{self.stage.readme.name}"
        )
        yield hanging(f"{INDENT}read   ", readme, style="bold")
        yield hanging(f"{INDENT}begin  ", f"{self.facts.target}/{first}", style="bold")
        yield Text()

    def _problem(self) -> Iterator[RenderableType]:
        yield Text("The tests of this stage could not be run:", "bold red")
        yield hanging(INDENT, self.result.problem)
        yield Text()
        yield Text("When that is mended, run them again:")
        yield command(f"nox -s stage{self.stage.number}")

    def _to_write(self) -> Iterator[RenderableType]:
        if not self.unwritten:
            return
        yield Heading(_UNWRITTEN_WORDS.capitalize(), "start at the top", _UNWRITTEN_STYLE)
        files = max(len(todo.file) for todo in self.unwritten)
        names = max(len(todo.name) for todo in self.unwritten)
        for todo in self.unwritten:
            waiting = f"{count(len(todo.tests), 'test')} {_wait(len(todo.tests))} for it"
            early = f" (a file of stage {todo.stage})" if todo.stage != self.stage.number else ""
            label = Text(f"{INDENT}{todo.file:<{files}}  ", "dim")
            yield Hanging(
                label, Text(plain(f"{todo.name:<{names}}  ")).append(f"{waiting}{early}", "dim")
            )
        is_early = any(todo.stage < self.stage.number for todo in self.unwritten)
        if is_early and self.facts.can_grade:
            yield Text("To go on with the reference's files for the earlier stages:")
            yield command(f"nox -s stage{self.stage.number} -- --assist")
        yield Text()

    @property
    def _full(self) -> int:
        """How many failures are told in full."""
        return 0 if self.facts.untouched else FULL_FAILURES_MAX

    def _told_failures(self) -> Iterator[RenderableType]:
        full = self._full
        hinted: set[str] = set()
        for place, alike in enumerate(self.failures[:full], start=1):
            first, *more = alike
            hint = self.hints.get(first.hint) if first.status != "error" else None
            if hint and hint.name in hinted:
                hint = None
            elif hint:
                hinted.add(hint.name)
            yield failure_section(
                place, first, self.result.seed, alike=more, hint=hint, path_of=self._path
            )
        rest = [outcome for alike in self.failures[full:] for outcome in alike]
        if rest:
            yield Heading(f"{len(rest)} more" if full else f"{len(rest)} failed", "", "red")
            yield from map(_one_line, rest)
            yield Text("To see one in full:")
            yield command(f"nox -s stage{self.stage.number} -- -k NAME --seed {self.result.seed}")
            yield Text()

    def _not_run(self) -> Iterator[RenderableType]:
        reasons = Counter(
            outcome.failure.reason if outcome.failure else "" for outcome in self.skipped
        )
        if not reasons:
            return
        yield Heading(STATUS_WORDS["skipped"].capitalize(), "", STATUS_STYLES["skipped"])
        for reason, times in reasons.items():
            yield hanging(f"{INDENT}{count(times, 'test')}: ", reason or "no reason given")
        yield Text()

    def _notes(self) -> Iterator[RenderableType]:
        """How thorough those tests were that are not told in full; most of them passed."""
        told = {alike[0].test for alike in self.failures[: self._full]}
        notes: dict[str, list[Outcome]] = {}
        for outcome in self.outcomes:
            if outcome.note and outcome.test not in told:
                notes.setdefault(outcome.note, []).append(outcome)
        if not notes:
            return
        yield Heading("Notes")
        for note, those in notes.items():
            yield hanging(INDENT, ", ".join(outcome.name for outcome in those), style="bold")
            yield hanging(INDENT * 2, note)
        yield Text()

    def _totals(self) -> Iterator[RenderableType]:
        yield Heading("Result")
        counted = Counter(
            _words(outcome) for outcome in self.outcomes if outcome.status != "passed"
        )
        line = Text(f"{self.passed} of {count(len(self.outcomes), 'test')} passed", "bold")
        for words, times in counted.items():
            line.append(f" · {times} {words}")
        yield line.append(f" · {self.facts.seconds:.1f} s", "dim")
        yield Text(f"Points: {joined(_by_suite(self.outcomes))}")
        yield Text()

    def _next(self) -> Iterator[RenderableType]:
        stage = self.stage.number
        if self.outcomes and self.passed == len(self.outcomes):
            yield from self._next_of_a_green_stage()
        elif self.failures and not (self.facts.untouched and self.unwritten):
            yield Text("Next: mend the first failure, and run it alone:", "bold")
            yield command(replay_command(stage, self.failures[0][0].name, self.result.seed))
        elif self.unwritten:
            todo = self.unwritten[0]
            place = f" in {self._path(todo.file)}" if todo.file else ""
            yield Text(plain(f"Next: write {todo.name}{place}, and run:"), "bold")
            yield command(f"nox -s stage{stage}")
        else:
            yield Text("Next: run the stage again:", "bold")
            yield command(f"nox -s stage{stage}")

    def _next_of_a_green_stage(self) -> Iterator[RenderableType]:
        if self.stage.number < len(self.course.stages):
            yield Text("This stage is done. Next:", "bold green")
            yield command(f"nox -s stage{self.stage.number + 1}")
        elif self.facts.can_grade:
            yield Text("The course is done: all stages are green. Next:", "bold green")
            yield command("nox -s grade -- work")
        else:
            yield Text("The course is done: all stages are green. Hand in work/.", "bold green")

    def _path(self, file: str) -> str:
        """What the student calls a file of the package, so that an editor can open it."""
        stage = self.course.stage_of(file) or self.stage.number
        if self.facts.assist and stage < self.stage.number:
            return f"the reference's {file}"
        return f"{self.facts.target}/{file}"


def _progress(outcomes: Sequence[Outcome]) -> Iterator[RenderableType]:
    """One line a test file: how many passed, and a mark for each test."""
    files: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        path = outcome.test.partition("::")[0]
        files.setdefault(path.partition("/")[2] or path, []).append(outcome)
    columns = max((len(file) for file in files), default=0)
    for file, tests in files.items():
        passed = sum(outcome.status == "passed" for outcome in tests)
        label = Text(f"{file:<{columns}}  {passed:>3} of {len(tests):<3}  ")
        label.stylize("green" if passed == len(tests) else "", 0, columns)
        marks = Text.assemble(*((_mark(outcome), _style(outcome)) for outcome in tests))
        yield Hanging(label, marks)
    used = dict.fromkeys((_mark(o), _words(o)) for o in outcomes if o.status != "passed")
    if used:
        yield Text(f"{INDENT}. passed · {joined(' '.join(pair) for pair in used)}", "dim")
    yield Text()


def _by_suite(outcomes: Sequence[Outcome]) -> Iterator[str]:
    for suite in SUITES:
        those = [outcome for outcome in outcomes if outcome.suite == suite]
        if those:
            earned = math.fsum(outcome.earned for outcome in those)
            available = math.fsum(outcome.points for outcome in those)
            yield f"{suite} {number(earned)}/{number(available)}"


def _one_line(outcome: Outcome) -> RenderableType:
    mark = Text(f"{INDENT}{_mark(outcome)}  ", _style(outcome))
    return Hanging(mark, Text(outcome.name).append(f"  {plain(outcome.title)}", "dim"))


def _mark(outcome: Outcome) -> str:
    if is_unwritten(outcome):
        return _UNWRITTEN_MARK
    return _LESSER_MARKS.get(lesser_words(outcome), STATUS_MARKS[outcome.status])


def _words(outcome: Outcome) -> str:
    return _UNWRITTEN_WORDS if is_unwritten(outcome) else ending(outcome)


def _style(outcome: Outcome) -> str:
    return _UNWRITTEN_STYLE if is_unwritten(outcome) else STATUS_STYLES[outcome.status]


def _wait(tests: int) -> str:
    return "waits" if tests == 1 else "wait"
