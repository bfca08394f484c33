"""`python -m grader.unit`: one unit in a process of its own. The job comes as JSON on standard
input.

Each outcome is one line of JSON on standard output as soon as it is known, and the result without
its outcomes is the last line.
"""

from __future__ import annotations

import sys

import msgspec

from grader.outcome import Outcome
from grader.unit.run import Unit, run_unit


def main() -> None:
    """Run the unit."""
    unit = msgspec.json.decode(sys.stdin.buffer.read(), type=Unit)
    out = sys.stdout.buffer

    def write(outcome: Outcome) -> None:
        out.write(msgspec.json.encode(outcome) + b"\n")
        out.flush()

    result = run_unit(unit, write)
    rest = msgspec.structs.replace(result, outcomes=())
    out.write(msgspec.json.encode(rest) + b"\n")


main()
