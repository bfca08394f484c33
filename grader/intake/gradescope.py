"""Gradescope's export of submissions: `submission_metadata.yml` beside a folder for each.

The file is a mapping of folder names, such as `submission_123`, to what is known of them; keys are
Ruby's symbols. Used here are `:submitters:`, a list of `:name:`, `:sid:` and `:email:`, and
`:created_at:`. It also holds every result of every test, so it may be large: it is read as a stream
of events, of which only the used ones are kept. No object is made of it, no tag is obeyed, and an
alias stands for nothing, so its size in memory is bounded by its size on disk.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import yaml

from grader.intake.files import IntakeError
from grader.intake.names import show
from grader.intake.place import HandIn, Place, Source, refused
from grader.students import Student

METADATA = "submission_metadata.yml"
METADATA_BYTES_MAX = 256 * 1024 * 1024
_DEPTH_MAX = 4  # a list of mappings of texts
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same, many times faster
_WHEN = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d{1,6})?)\d* ?(Z|UTC|[+-]\d\d:?\d\d)"
)

Tree = str | list[Any] | dict[str, Any]


class ExportError(Exception):
    """A learning platform's own data cannot be read: one sentence with file and line."""


def read_gradescope(place: Place) -> Sequence[HandIn] | None:
    """Return the submissions of an export, by folder; None where this is none.

    A folder that the metadata does not know is a submission too; one that is named there and absent
    says so in its problem. Raises `ExportError` for metadata that cannot be read.
    """
    item = next((item for item in place.files if item.path.name == METADATA), None)
    if item is None:
        return None
    if item.size > METADATA_BYTES_MAX:
        raise ExportError(f"{METADATA} is larger than {METADATA_BYTES_MAX:,} bytes")
    try:
        known = _read(item.read())
    except IntakeError as problem:
        raise ExportError(str(problem)) from problem
    sources = {source.name: source for source in place.sources}
    absent = f"{METADATA} names it, but its folder is not there"
    return [
        _hand_in(known.get(name, {}), sources.get(name) or refused(name, absent))
        for name in sorted({*sources, *known})
    ]


def _hand_in(known: dict[str, Tree], source: Source) -> HandIn:
    submitters = known.get(":submitters", [])
    people = submitters if isinstance(submitters, list) else []
    students = tuple(_student(person) for person in people if isinstance(person, dict))
    return HandIn(source, students, _moment(known.get(":created_at", "")))


def _student(person: dict[str, Any]) -> Student:
    sid, email, name = (person.get(key, "") for key in (":sid", ":email", ":name"))
    return Student(*(text if isinstance(text, str) else "" for text in (sid, email, name)))


def _moment(text: Tree) -> datetime | None:
    """A moment with its zone; None for what says no zone, or is none."""
    found = _WHEN.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    day, time, zone = found.groups()
    try:
        return datetime.fromisoformat(f"{day}T{time}{'Z' if zone == 'UTC' else zone}")
    except ValueError:
        return None


def _read(data: bytes) -> dict[str, dict[str, Tree]]:
    events = _events(data)
    known: dict[str, dict[str, Tree]] = {}
    root = next(events, None)
    if not isinstance(root, yaml.MappingStartEvent):
        raise _wrong(root, "not a mapping of submissions")
    for key in events:
        if isinstance(key, yaml.MappingEndEvent):
            break
        name, value = _tree(key, events), next(events)
        if not isinstance(name, str) or not isinstance(value, yaml.MappingStartEvent):
            raise _wrong(value, "not a submission with its data")
        known[name] = _fields(events)
    return known


def _fields(events: Iterator[yaml.Event]) -> dict[str, Tree]:
    """What is used of one submission's data; all else is passed over."""
    kept: dict[str, Tree] = {}
    for key in events:
        if isinstance(key, yaml.MappingEndEvent):
            break
        name, value = _tree(key, events), next(events)
        if isinstance(name, str) and name in (":submitters", ":created_at"):
            kept[name] = _tree(value, events)
        else:
            _pass_over(value, events)
    return kept


def _tree(event: yaml.Event, events: Iterator[yaml.Event], depth: int = 0) -> Tree:
    """The value that begins with `event`; what is nested too deep for its use is an empty text."""
    if isinstance(event, yaml.ScalarEvent):
        is_plain = event.implicit[0]
        return "" if is_plain and event.value in ("null", "~") else str(event.value)
    if depth > _DEPTH_MAX:
        _pass_over(event, events)
        return ""
    if isinstance(event, yaml.SequenceStartEvent):
        values: list[Tree] = []
        for value in events:
            if isinstance(value, yaml.SequenceEndEvent):
                break
            values.append(_tree(value, events, depth + 1))
        return values
    if isinstance(event, yaml.MappingStartEvent):
        pairs: dict[str, Tree] = {}
        for key in events:
            if isinstance(key, yaml.MappingEndEvent):
                break
            name = _tree(key, events, depth + 1)
            pairs[str(name)] = _tree(next(events), events, depth + 1)
        return pairs
    return ""


def _pass_over(event: yaml.Event, events: Iterator[yaml.Event]) -> None:
    open_now = 0
    while True:
        open_now += isinstance(event, yaml.CollectionStartEvent)
        open_now -= isinstance(event, yaml.CollectionEndEvent)
        if not open_now:
            return
        event = next(events)


def _events(data: bytes) -> Iterator[yaml.Event]:
    """The events of the one document, without those around it."""
    around = (yaml.StreamStartEvent, yaml.StreamEndEvent, yaml.DocumentStartEvent)
    try:
        for event in yaml.parse(data, Loader=_LOADER):
            if isinstance(event, yaml.DocumentEndEvent):
                return
            if not isinstance(event, around):
                yield event
    except yaml.reader.ReaderError as problem:
        line = data.count(b"\n", 0, problem.position) + 1
        raise _error(line, problem.reason) from problem
    except yaml.MarkedYAMLError as problem:
        line = problem.problem_mark.line + 1 if problem.problem_mark is not None else 1
        raise _error(line, problem.problem or "not YAML") from problem


def _wrong(event: yaml.Event | None, what: str) -> ExportError:
    mark = event.start_mark if event is not None else None
    return _error(mark.line + 1 if mark is not None else 1, what)


def _error(line: int, what: str) -> ExportError:
    return ExportError(f"{METADATA}, line {line}: {show(what)}")
