"""The progress bar of a batch: how many submissions are done, how long it will take, and which test
was just done.

Counts tests, so that it moves while one submission runs; what a submission leaves out is counted
when it is over. Called from several threads.
"""

from __future__ import annotations

import threading
from collections import Counter
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from grader.outcome import Outcome
from grader.report.words import plain

_NAME_CHARS_MAX = 30


class BatchProgress:
    """A bar over `submissions` submissions of `tests` tests each; a `Watch` of a batch."""

    def __init__(self, console: Console, submissions: int, tests: int) -> None:
        self._submissions = submissions
        self._tests = tests
        self._seen: Counter[str] = Counter()
        self._done = 0
        self._lock = threading.Lock()  # protects the counts
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[done]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task(
            "grading", total=submissions * tests, done=f"0/{submissions}"
        )

    def begun(self, submission: str) -> None:
        """A submission is begun."""
        self._progress.update(self._task, description=plain(submission)[:_NAME_CHARS_MAX])

    def saw(self, submission: str, outcome: Outcome) -> None:
        """A test's outcome is there; a test that runs once more does not count again."""
        name = plain(submission)[:_NAME_CHARS_MAX]
        with self._lock:
            self._seen[submission] += 1
            step = int(self._seen[submission] <= self._tests)
        text = f"{name}: stage {outcome.stage}"
        self._progress.update(self._task, advance=step, description=text)

    def finished(self, submission: str) -> None:
        """A submission is over."""
        with self._lock:
            self._done += 1
            rest = self._tests - min(self._seen.pop(submission, 0), self._tests)
            done = f"{self._done}/{self._submissions}"
        self._progress.update(self._task, advance=rest, done=done)

    def __enter__(self) -> BatchProgress:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()
