"""What changed between two gradings of a class, for the terminal: old score, new score, tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from grader.batch.compare import Change, ChangedTest
from grader.report.blocks import INDENT, Heading, hanging
from grader.report.words import STATUS_WORDS, count, plain

TESTS_MAX = 40
NAMES_MAX = 4  # submissions named beside one test


def changes_page(changes: Sequence[Change]) -> Group:
    """Return the page: a row for each submission that changed, and a line for each test behind it,
    those that changed for most submissions first.
    """
    changed = [change for change in changes if not change.is_nothing]
    same = len(changes) - len(changed)
    parts: list[RenderableType] = [Heading("Old and new", f"{count(same, 'submission')} unchanged")]
    if changed:
        parts += [_table(changed), Text(), *_tests(changed)]
    return Group(*parts)


def _table(changed: Sequence[Change]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("name", overflow="fold")
    for column in ("old", "new", "change", "tests"):
        table.add_column(column, justify="right")
    for change in changed:
        table.add_row(
            plain(change.submission),
            _score(change.before),
            _score(change.after),
            _difference(change),
            str(len(change.tests)),
        )
    return table


def _tests(changed: Sequence[Change]) -> Iterator[RenderableType]:
    names: dict[ChangedTest, list[str]] = {}
    for change in changed:
        for test in change.tests:
            names.setdefault(test, []).append(change.submission)
    ranked = sorted(names.items(), key=lambda item: -len(item[1]))
    if ranked:
        yield Heading("Tests that changed", "by how many submissions")
    for test, whose in ranked[:TESTS_MAX]:
        more = f" and {len(whose) - NAMES_MAX} more" if len(whose) > NAMES_MAX else ""
        yield hanging(f"{INDENT}{_words(test)}  ", test.test)
        yield hanging(INDENT * 2, f"{', '.join(whose[:NAMES_MAX])}{more}", style="dim")
    if len(ranked) > TESTS_MAX:
        yield Text(f"{INDENT}and {len(ranked) - TESTS_MAX} more tests", "dim")


def _words(test: ChangedTest) -> str:
    before, after = (STATUS_WORDS[s] if s else "not counted" for s in (test.before, test.after))
    return f"{before} → {after}"


def _score(score: float | None) -> str:
    return "-" if score is None else f"{score:.2f}"


def _difference(change: Change) -> str:
    if change.before is None or change.after is None:
        return ""
    return f"{change.after - change.before:+.2f}"
