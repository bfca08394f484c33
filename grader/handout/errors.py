"""What can go wrong on the way out of the house."""

from grader.mistake import MistakeError


class HandoutError(MistakeError):
    """A list names what is not there, or the target is not ours to write; one sentence."""
