"""Values that cannot be guessed, and waiting for a condition instead of for time."""

from __future__ import annotations

import random
import string
import time
from collections.abc import Callable

WAIT_SECONDS = 5.0
_LOOK_SECONDS = 0.005


def random_key(rng: random.Random, size: int = 12) -> str:
    """A key of lower-case letters and digits."""
    return "".join(rng.choices(string.ascii_lowercase + string.digits, k=size))


def random_value(rng: random.Random, size: int = 16) -> bytes:
    """A value of any bytes."""
    return rng.randbytes(size)


def eventually(condition: Callable[[], bool], what: str, seconds: float = WAIT_SECONDS) -> None:
    """Return as soon as `condition()` is true; fail with "`what` did not happen within 5 s" when it
    never is.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:g} s"
        time.sleep(_LOOK_SECONDS)
