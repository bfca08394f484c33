"""The base of the errors that a caller can put right."""


class MistakeError(Exception):
    """What was wrong, where, and what to do, in one sentence: all that a caller needs to read."""
