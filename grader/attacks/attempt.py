"""Try one attack against the grader, as a submission in a class, and say whether it was beaten.

Beaten means: it earned no more than it deserves, no outcome is the grader's own error, it was over
in time, and neither a neighbour that was graded at the same time nor anything else came to harm.
One attempt has a process of its own (`python -m grader.attacks`), so that all that it leaves can
be told apart from what others do.
"""

from __future__ import annotations

import io
import math
import os
import re
import secrets
import shutil
import subprocess
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import msgspec

from grader.attacks.catalog import Attack
from grader.attacks.layout import lay_out, lay_out_twin
from grader.attacks.watch import Watch, adopt_orphans, descendants, end_all
from grader.course import REFERENCE_DIR, STAGES_DIR, load_course
from grader.hints import load_hints
from grader.outcome import Outcome, UnitResult
from grader.quality.marks import measure_quality
from grader.remote.trace import shorten
from grader.report.console import open_console, print_page
from grader.report.feedback import RunFacts, stage_page
from grader.report.words import STATUS_WORDS, plain
from grader.submission import Submission, find_submissions
from grader.unit import Unit, assemble
from grader.unit.worker import run_in_worker

SEED = 4711
NEIGHBOUR_STAGE = 1
NEIGHBOUR_TESTS = (
    "test_get_returns_what_was_set",
    "test_no_increment_is_lost",
    "test_a_writer_waits_until_the_reader_leaves",
)
REASON_CHARS_MAX = 100
GRACE_SECONDS = 15.0  # after its time an attempt is ended, so that the others can go on


class Verdict(msgspec.Struct, frozen=True):
    """What came of one attempt.

    `gains` are sentences on what the attack achieved, none if it was beaten; `beaten_by` says what
    met it. `missing` are the walls without which it was not tried.
    """

    attack: str
    earned: float
    gains: tuple[str, ...]
    beaten_by: str
    seconds: float = 0.0
    missing: tuple[str, ...] = ()

    @property
    def is_beaten(self) -> bool:
        """Whether it was tried and gained nothing."""
        return not self.gains and not self.missing


def attempt(attack: Attack, isolation: str) -> Verdict:
    """Try `attack` behind the isolation with this key, the strongest one if empty."""
    adopt_orphans()
    mark = f"kvmark{secrets.token_hex(6)}"
    ground = Path(tempfile.mkdtemp(prefix="kv-attack-")).resolve()
    temp = ground / "temp"
    temp.mkdir()
    for folder in (ground, temp):
        folder.chmod(0o755)  # an agent may run as another user
    tempfile.tempdir = os.environ["TMPDIR"] = str(temp)
    try:
        return _attempt(attack, isolation, ground, mark)
    finally:
        tempfile.tempdir = None
        del os.environ["TMPDIR"]
        _remove(ground)


def _remove(ground: Path) -> None:
    """Remove a folder, however deep: what the grader should have removed may still be in it."""
    try:
        shutil.rmtree(ground, ignore_errors=True)
    except RecursionError:
        subprocess.run(["rm", "-rf", "--", str(ground)], check=False)  # noqa: S607


def _attempt(attack: Attack, isolation: str, ground: Path, mark: str) -> Verdict:
    source = lay_out(attack, ground / "submissions", mark)
    watch = Watch(ground, ground / "temp", mark)
    started = time.monotonic()
    submission = find_submissions([source], ground / "copies")[0]
    earned, gains, beaten_by, texts = 0.0, _named(submission), "", []
    if submission.package_dir is None:
        texts = [submission.problem]
        beaten_by = f"refused: {submission.problem}"
    elif attack.twin:
        earned, more = _marks_gained(attack, submission.package_dir, ground)
        gains += more
        beaten_by = "no more marks than its plain twin"
    else:
        result = _run(attack, submission, isolation, ground, gains)
        earned = math.fsum(outcome.earned for outcome in result.outcomes)
        gains += _points_gained(attack, earned) + _grader_failed(result)
        texts = [*_texts(result), _page(result, submission)]
        gains += _shown(texts[-1])
        beaten_by = _summary(result)
    seconds = time.monotonic() - started
    if seconds > attack.seconds:
        gains.append(f"took {seconds:.0f} s of {attack.seconds:g} s")
    gains += watch.findings(texts)
    return Verdict(attack.name, earned, tuple(gains), beaten_by, seconds)


def _run(
    attack: Attack, submission: Submission, isolation: str, ground: Path, gains: list[str]
) -> UnitResult:
    """Run the attack's tests, and a neighbour's at the same time."""
    assert submission.package_dir is not None
    with tempfile.TemporaryDirectory(prefix="kv-unit-") as name:
        folder = Path(name)
        package = assemble(load_course(), attack.stage, submission.package_dir, folder / "attack")
        other = assemble(load_course(), NEIGHBOUR_STAGE, REFERENCE_DIR, folder / "neighbour")
        neighbour = Unit(
            NEIGHBOUR_STAGE, str(other), SEED, only=NEIGHBOUR_TESTS, isolation=isolation
        )
        unit = Unit(attack.stage, str(package), SEED, only=attack.only, isolation=isolation)
        guard = threading.Timer(
            attack.seconds + GRACE_SECONDS, lambda: end_all(descendants(os.getpid()))
        )
        guard.start()
        beside = threading.Thread(target=_run_neighbour, args=(neighbour, gains))
        beside.start()
        try:
            return run_in_worker(unit)
        finally:
            beside.join()
            guard.cancel()


def _run_neighbour(unit: Unit, gains: list[str]) -> None:
    result = run_in_worker(unit)
    for outcome in result.outcomes:
        if outcome.status != "passed":
            reason = outcome.failure.reason if outcome.failure else ""
            gains.append(f"cost its neighbour {outcome.name}: {reason}")
    if len(result.outcomes) != len(unit.only):
        gains.append(f"cost its neighbour the whole run: {result.problem}")


def _points_gained(attack: Attack, earned: float) -> list[str]:
    if earned > attack.honest:
        return [f"earned {earned:g} points where it deserves {attack.honest:g}"]
    if attack.exact and earned != attack.honest:
        return [f"earned {earned:g} points although it deserves {attack.honest:g}"]
    return []


def _grader_failed(result: UnitResult) -> list[str]:
    said = [f"broke the run: {result.problem}"] if result.problem else []
    if not result.outcomes:
        said.append("left no outcome at all")
    for outcome in result.outcomes:
        reason = "" if outcome.failure is None else _reason(outcome)
        if outcome.status == "error":
            return [*said, f"made the grader fail in {outcome.name}: {reason}"]
        if outcome.status != "passed" and not reason:
            return [*said, f"left {outcome.name} without a reason"]
    return said


def _marks_gained(attack: Attack, package: Path, ground: Path) -> tuple[float, list[str]]:
    """Compare the quality marks of the stage, before scaling, with those of the plain twin."""
    twin = lay_out_twin(attack, ground / "twin")
    marks, plain_marks = (
        {m.check: m.earned for m in measure_quality(p, load_course()) if m.stage == attack.stage}
        for p in (package, twin)
    )
    gains = [
        f"got {marks[check]:.2f} for {check} where its plain twin gets {mark:.2f}"
        for check, mark in plain_marks.items()
        if marks[check] > mark + 1e-9
    ]
    return math.fsum(marks.values()), gains


def _texts(result: UnitResult) -> list[str]:
    """All that the attack could have written: what it printed, raised and returned."""
    failures = [outcome.failure for outcome in result.outcomes if outcome.failure is not None]
    texts = [text for each in failures for text in (each.reason, each.printed)]
    texts += [f"{step.text} {step.result}" for each in failures for step in each.steps]
    texts += [each.comparison.actual for each in failures if each.comparison is not None]
    return texts


def _page(result: UnitResult, submission: Submission) -> str:
    """What the student and the instructor would see of it in a terminal."""
    sink = io.StringIO()
    facts = RunFacts(target=submission.name)
    page = stage_page(load_course(), result, load_hints(STAGES_DIR), facts)
    print_page(open_console(sink), page)
    return sink.getvalue()


def _named(submission: Submission) -> list[str]:
    """A name goes into paths, command lines and tables, so it must be harmless in all of them."""
    if re.fullmatch(r"[^\W_][\w.\-]*", submission.name):
        return []
    return [f"is called {submission.name!r}, which is not safe"]


def _shown(page: str) -> list[str]:
    return [] if plain(page) == page else ["put control characters into the terminal"]


def _summary(result: UnitResult) -> str:
    counts = Counter(outcome.status for outcome in result.outcomes)
    parts = [f"{number} {STATUS_WORDS[status]}" for status, number in counts.items()]
    first = next((_reason(o) for o in result.outcomes if o.failure is not None), "")
    first = shorten(plain(first).replace("\n", " "), REASON_CHARS_MAX)
    return ", ".join(parts) + (f": {first}" if first else "")


def _reason(outcome: Outcome) -> str:
    failure = outcome.failure
    assert failure is not None
    if failure.reason or failure.comparison is None:
        return failure.reason
    return f"expected {failure.comparison.expected}, came back {failure.comparison.actual}"
