"""A power cut as a drawing: the operations below their calls, each with its fate, and a line where
the power went.

Only geometry, in pixels of an SVG whose text is in a fixed font: the template gives it a shape, and
says the same again as a list. What is told, and in which words, is decided by cuts.py and
operations.py. Invariants: no text is wider than its column (a wide character counts as two), and
the boxes never overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from grader.outcome import PowerCut
from grader.report import cuts
from grader.report.html.bytemap import Drawing
from grader.report.html.bytemap import drawing as byte_drawing
from grader.report.html.timeline import CHAR, LINE, Line, folded
from grader.report.operations import Row, fate_words, rows_of, taken_words

_TEXT_COLUMNS = 58
_REMARK_COLUMNS = 25
_FATE_COLUMNS = 8  # "not made"
_PAD = 14
_GAP = 8  # between two boxes
_STOP = 40  # the height of a power cut
_BOLT = 30  # what stands before its words
_OMISSION = 30
_BASELINE = 14  # of a line of text below its top
_PILL_PAD = 7
_PILL_HEIGHT = 18


@dataclass(frozen=True)
class Pill:
    """The fate of an operation: words in a box, whose text begins at `text_x`."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    text_x: float
    text_y: float
    text: str


@dataclass(frozen=True)
class Box:
    """A call, or the opening, with what it asked of the disk."""

    x: float
    y: float
    width: float
    height: float
    lines: tuple[Line, ...]
    pills: tuple[Pill, ...]


@dataclass(frozen=True)
class Stop:
    """Where the power went, or the process was killed; or, if `is_gap`, where rows are left out.

    Its words stand at `x`, in a box of that width unless it is a gap.
    """

    x: float
    y: float
    width: float
    words: str
    is_gap: bool = False


@dataclass(frozen=True)
class Group:
    """The same rows for the list: what stands before them, their call, and the rest."""

    before: str
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class PowerCutView:
    """The whole story: the sentences, the drawing, the files."""

    titles: cuts.Titles
    diagnosis: str
    taken: str
    calls: tuple[cuts.Call, ...]
    calls_mean: str
    width: float
    height: float
    boxes: tuple[Box, ...]
    stops: tuple[Stop, ...]
    groups: tuple[Group, ...]
    what: str
    fates: tuple[str, ...]
    files: tuple[Drawing, ...]
    more_files: str
    reopened: tuple[str, ...]
    differences: tuple[str, ...]
    strict: str
    found: str


def power_cut_view(cut: PowerCut) -> PowerCutView:
    """Draw a power cut."""
    rows = rows_of(cut)
    groups = _groups(rows)
    drawing = _Drawing(max((row.number for row in rows), default=0))
    for group in groups:
        drawing.add(group)
    return PowerCutView(
        titles=cuts.TITLES,
        diagnosis=cuts.diagnosis(cut),
        taken=taken_words(cut),
        calls=tuple(cuts.calls_of(cut)),
        calls_mean=cuts.calls_mean(cut),
        width=drawing.width,
        height=drawing.y,
        boxes=tuple(drawing.boxes),
        stops=tuple(drawing.stops),
        groups=tuple(groups),
        what=cuts.what_words(cut),
        fates=tuple(fate_words(cut, rows)),
        files=tuple(map(byte_drawing, cuts.file_maps(cut))),
        more_files=cuts.more_files_words(cut),
        reopened=tuple(cuts.reopened_words(cut)),
        differences=tuple(cuts.difference_words(cut)),
        strict=cuts.strict_words(cut),
        found=cuts.found_words(cut),
    )


def _groups(rows: Sequence[Row]) -> list[Group]:
    groups: list[Group] = []
    for row in rows:
        if row.kind in ("cut", "killed", "left out"):
            groups.append(Group(row.text, "", ()))
        elif row.kind == "call":
            title = f"{row.number}  {row.text}" if row.number else row.text
            if groups and not groups[-1].title and not groups[-1].rows:
                groups[-1] = Group(groups[-1].before, title, ())
            else:
                groups.append(Group("", title, ()))
        else:
            before, title, those = groups[-1].before, groups[-1].title, groups[-1].rows
            groups[-1] = Group(before, title, (*those, row))
    return groups


class _Drawing:
    """Boxes put one below the other."""

    def __init__(self, highest: int) -> None:
        digits = len(str(highest))
        self.fate_x = _PAD + (digits + 2) * CHAR
        self.text_x = self.fate_x + _FATE_COLUMNS * CHAR + 2 * _PILL_PAD + CHAR
        self.remark_x = self.text_x + (_TEXT_COLUMNS + 1) * CHAR
        self.width = round(self.remark_x + _REMARK_COLUMNS * CHAR + _PAD)
        self.y = 0.0
        self.boxes: list[Box] = []
        self.stops: list[Stop] = []

    def add(self, group: Group) -> None:
        """Put a group below all others."""
        if group.before:
            is_gap = group.before.startswith("…")
            width = _BOLT + cell_len(group.before) * CHAR + _PAD
            self.stops.append(Stop(_PAD + _BOLT, self.y, width, group.before, is_gap))
            self.y += _OMISSION if is_gap else _STOP
        if not group.title and not group.rows:
            return
        top = self.y
        self.y += _PAD / 2
        lines, pills = self._title(group.title), []
        for row in group.rows:
            pills += self._pill(row)
            lines += self._row(row)
        self.y += _PAD / 2
        height = self.y - top
        self.boxes.append(Box(0.0, top, self.width, height, tuple(lines), tuple(pills)))
        self.y += _GAP

    def _title(self, title: str) -> list[Line]:
        columns = int((self.width - 2 * _PAD) / CHAR)
        return self._column("call", _PAD, title, columns) if title else []

    def _row(self, row: Row) -> list[Line]:
        if not row.is_operation:
            arrow = "→ " if row.kind == "end" else ""
            columns = _TEXT_COLUMNS + _REMARK_COLUMNS
            return self._column(row.kind, self.fate_x, f"{arrow}{row.text}", columns)
        top = self.y
        number = Line("label", _PAD, top + _BASELINE, str(row.number))
        text = self._column(row.kind, self.text_x, row.text, _TEXT_COLUMNS)
        below, self.y = self.y, top
        remark = self._column("remark", self.remark_x, row.remark, _REMARK_COLUMNS)
        self.y = max(self.y, below)
        return [number, *text, *remark]

    def _column(self, kind: str, x: float, text: str, columns: int) -> list[Line]:
        """A text folded into its column, from here downwards."""
        lines = []
        for part in folded(text, columns):
            lines.append(Line(kind, x, self.y + _BASELINE, part))
            self.y += LINE
        return lines

    def _pill(self, row: Row) -> list[Pill]:
        if not row.is_operation:
            return []
        width = cell_len(row.label) * CHAR + 2 * _PILL_PAD
        x, y = self.fate_x, self.y
        text_x = x + _PILL_PAD
        return [Pill(row.kind, x, y, width, _PILL_HEIGHT, text_x, y + _BASELINE, row.label)]
