"""What a test raises that has found a failure and can tell all of it."""

from __future__ import annotations

from grader.outcome import Failure


class FailureFound(Exception):  # noqa: N818  (it is the package's failure, not an error of ours)
    """The package does something that it may not; `failure` is told as it is."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure
