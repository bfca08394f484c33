"""A power cut in the terminal: the calls, what they asked of the disk, and what was left of it.

Every operation begins with its fate, so that what was lost is seen by looking down one column; a
heavy line stands where the power went. Nothing is said by colour alone. What is told, and in which
words, is decided by cuts.py and operations.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from grader.outcome import PowerCut
from grader.report import cuts
from grader.report.blocks import INDENT, SEPARATOR, Hanging, Indented, Rule, hanging
from grader.report.bytetable import byte_map_table
from grader.report.cuts import TITLES
from grader.report.operations import Row, fate_words, rows_of

_LABEL_STYLES = {"kept": "green", "damaged": "bold red", "after": "dim"}
_CALL_LABEL_STYLES = {"raised": "red", "under way": "yellow", "never made": "dim"}


def power_cut_parts(cut: PowerCut) -> Iterator[RenderableType]:
    """Tell how what was written came to be lost."""
    yield Text()
    yield Text(cuts.diagnosis(cut), "bold")
    yield from _calls(cut)
    yield from _operations(cut)
    yield from _files(cut)
    yield from _listed(TITLES.reopened, cuts.reopened_words(cut))
    yield from _listed(TITLES.differences, cuts.difference_words(cut), style="red")
    if strict := cuts.strict_words(cut):
        yield Text()
        yield Text(strict, "yellow")
    yield Text()
    yield Text(cuts.found_words(cut))


def _calls(cut: PowerCut) -> Iterator[RenderableType]:
    calls = cuts.calls_of(cut)
    if not calls:
        return
    yield from _title(TITLES.calls)
    digits = len(str(max(call.number for call in calls)))
    columns = max(len(call.label) for call in calls)
    for call in calls:
        if not call.label:
            yield Text(f"{INDENT}{call.text}", "dim")
            continue
        label = Text(f"{INDENT}{call.number:>{digits}}  ", "dim")
        label.append(f"{call.label:<{columns}}  ", _CALL_LABEL_STYLES.get(call.label, ""))
        yield Hanging(label, Text(call.text))
    if means := cuts.calls_mean(cut):
        yield hanging(INDENT, means, style="dim")


def _operations(cut: PowerCut) -> Iterator[RenderableType]:
    rows = rows_of(cut)
    yield from _title(TITLES.rows)
    digits = len(str(max((row.number for row in rows), default=0)))
    columns = max((len(row.label) for row in rows), default=0)
    for row in rows:
        yield _row(row, digits, columns)
    if what := cuts.what_words(cut):
        yield Text()
        yield Text(what)
    for meaning in fate_words(cut, rows):
        yield hanging(INDENT, meaning, style="dim")


def _row(row: Row, digits: int, columns: int) -> RenderableType:
    if row.kind in ("cut", "killed"):
        return Rule(row.text, "bold red")
    if row.kind == "left out":
        return Text(f"{INDENT * 2}{row.text}", "dim")
    number = f"{row.number or '':>{digits}}"
    if row.kind == "call":
        return Hanging(Text(f"{INDENT}{number}  ", "dim"), Text(row.text, "bold"))
    if row.kind in ("end", "note"):
        arrow = "→ " if row.kind == "end" else ""
        return Hanging(Text(f"{INDENT * 2}{' ' * digits}  {arrow}", "dim"), Text(row.text))
    label = Text(f"{INDENT * 2}{number}  ", "dim")
    label.append(f"{row.label:<{columns}}  ", _LABEL_STYLES[row.kind])
    text = Text(row.text, "dim" if row.kind == "after" else "")
    return Hanging(label, text.append(f"{SEPARATOR}{row.remark}" if row.remark else "", "dim"))


def _files(cut: PowerCut) -> Iterator[RenderableType]:
    yield from _title(TITLES.files)
    if not cut.files:
        yield Text(f"{INDENT}{TITLES.no_files}")
    for place, file in enumerate(cuts.file_maps(cut)):
        if place:
            yield Text()
        yield Indented(byte_map_table(file))
    if more := cuts.more_files_words(cut):
        yield Text(f"{INDENT}{more}", "dim")


def _listed(title: str, lines: Sequence[str], style: str = "") -> Iterator[RenderableType]:
    if not lines:
        return
    yield from _title(title)
    for line in lines:
        yield hanging(INDENT, line, style=style)


def _title(words: str) -> Iterator[RenderableType]:
    yield Text()
    yield Text(words, "bold")
