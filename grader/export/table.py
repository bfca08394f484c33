"""CSV that is safe to open: no cell is a formula, a control code or a line of its own.

A spreadsheet takes a cell that begins with one of = + - @ for a formula, also where it splits a
line at another separator than ours; an apostrophe before the sign makes it text (OWASP, "CSV
Injection"). Numbers stay numbers.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from grader.report.words import plain

Cell = str | float | int

# The wide forms of the signs count too: some spreadsheets take one for the other.
_FORMULA = re.compile(r"(^|[,;])(\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")


def encode_table(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return a table as CSV in UTF-8, with commas and lines ended by CRLF (RFC 4180)."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([_safe(name) for name in header])
    for row in rows:
        writer.writerow([_safe(cell) for cell in row])
    return text.getvalue().encode()


def _safe(cell: Cell) -> Cell:
    if not isinstance(cell, str):
        return cell
    line = plain(cell).replace("\n", "\\n").replace("\t", "\\t")
    return _FORMULA.sub(r"\1\2'", line)
