"""`python -m grader.unit`: one unit in a process of its own. The job comes as JSON on standard
input.

Each outcome is one line of JSON on standard output as soon as it is known, and the result without
its outcomes is the last line.
"""

from __future__ import annotations

import sys

from grader.unit.worker import work


def main() -> None:
    """Run the unit."""
    out = sys.stdout.buffer

    def write(line: bytes) -> None:
        out.write(line + b"\n")
        out.flush()

    work(sys.stdin.buffer.read(), write)


main()
