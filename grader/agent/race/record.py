"""Write down one schedule line by line, and where threads stand when it ends badly.

Only the shortest failing schedule is recorded. Each thread of the program is traced; the rows of
all threads are in the order in which things happened, since only one runs at a time. What is said
of a value is made of plain values alone: no code of the package's runs for it.

There is no class here, since code under test finds every class that there is. What it could still
gain from the frames that stand on its own is no more than a false picture: by then the failure is
certain (see `explore`).
"""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

from ..guard import permit
from ..primitives import below, code_of, current_frames, file_of, name_of, opaque
from .instrument import HELPER_NAME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any

    from .scheduler import Task

    Row = list[Any]
    Note = Callable[[int, int], None]
    Recorder = tuple[list[Row], Note, Note, SimpleNamespace, Callable[[int], Any]]

ROWS_MAX = 2_000
_TEXT_CHARS_MAX = 48
_ITEMS_MAX = 4
_DEPTH_MAX = 2
_PLAIN = (int, float, bool, str, bytes, type(None))


def new_recorder(package_dir: str) -> Recorder:
    """Return what records one schedule: its rows, `begins(thread, index)` and `ends(thread, index)`
    of a program's call, who hears of waits and switches, and `tracer(task's number)`, which returns
    a trace function for its thread.

    A row is a list: thread, kind, file, line, function, what it saw. Kinds: "call" and "return" of
    a program's call (`line` is its index), "line" (a line begins), "again" (its thread goes on in
    the middle of it), "wait".
    """
    rows: list[Row] = []
    last: dict[int, Row] = {}  # by task: its last row of kind "line"

    def note(row: Row) -> None:
        nonlocal rows
        if len(rows) < ROWS_MAX:
            rows += (row,)

    def begins(thread: int, index: int) -> None:
        note([thread + 1, "call", "", index, "", []])

    def ends(thread: int, index: int) -> None:
        if thread + 1 in last:
            del last[thread + 1]
        note([thread + 1, "return", "", index, "", []])

    def waits(task: Task) -> None:
        if task.number in last:
            note([task.number, "wait", *last[task.number][2:5], []])

    def switches(_current: Task, chosen: Task) -> None:
        number = chosen.number
        if number in last and (not rows or rows[-1][0] != number):
            last[number] = [number, "again", *last[number][2:5], []]
            note(last[number])

    heard = SimpleNamespace(waits=opaque(waits), switches=opaque(switches))
    return rows, begins, ends, heard, partial(_tracer, package_dir, last, note)


def _tracer(
    package_dir: str, last: dict[int, Row], note: Callable[[Row], None], number: int
) -> Callable[..., Any]:
    known: dict[int, dict[str, str]] = {}  # by frame: its variables, when they were last seen
    rows: dict[int, Row] = {}  # by frame: its last row

    def on_event(frame: FrameType, event: str, _arg: object) -> Callable[..., Any]:
        identity = id(frame)
        if event in ("line", "return") and identity in rows:
            now = _variables(frame)
            before = known[identity] if identity in known else {}  # noqa: SIM401
            changed = [name for name in now if name not in before or before[name] != now[name]]
            rows[identity][5] += [f"{name} = {now[name]}" for name in changed]
            known[identity] = now
        if event == "line":
            code = code_of(frame)
            place = file_of(code).rpartition("/")[2].rpartition("\\")[2]
            row: Row = [number, "line", place, frame.f_lineno, code.co_name, []]
            rows[identity] = last[number] = row
            note(row)
        elif event == "return":
            for by_frame in (rows, known):
                if identity in by_frame:
                    del by_frame[identity]
        return local

    def on_call(frame: FrameType, _event: str, _arg: object) -> Callable[..., Any] | None:
        if not _is_within(file_of(code_of(frame)), package_dir):
            return None
        known[id(frame)] = _variables(frame)
        return local

    local = opaque(on_event)
    return opaque(on_call)


def places_of_threads(package_dir: str) -> dict[int, list[tuple[str, int, str]]]:
    """The package's frames of every thread by its number, outermost first: file, line, function."""
    permit("sys._current_frames")
    frames = current_frames()
    return {thread: _places(frames[thread], package_dir) for thread in frames}


def _places(frame: FrameType | None, package_dir: str) -> list[tuple[str, int, str]]:
    own = []
    while frame is not None:
        code = code_of(frame)
        file = file_of(code)
        if _is_within(file, package_dir):
            own += [(file[len(package_dir) + 1 :], frame.f_lineno, code.co_name)]
        frame = below(frame)
    return own[::-1]


def _is_within(file: str, package_dir: str) -> bool:
    return file[: len(package_dir)] == package_dir


def _variables(frame: FrameType) -> dict[str, str]:
    values = frame.f_locals
    shown = {}
    for name in list(values):
        if name[: len(HELPER_NAME)] != HELPER_NAME and name[:1] != ".":
            text = _text(values[name], 0)
            if text:
                shown[name] = text
    return shown


def _text(value: Any, depth: int) -> str:
    """A plain value, shortened; nothing for any other."""
    kind = type(value)
    if any(kind is plain for plain in _PLAIN):
        text = repr(value if not isinstance(value, str | bytes) else value[:_TEXT_CHARS_MAX])
        return text if len(text) <= _TEXT_CHARS_MAX else text[: _TEXT_CHARS_MAX - 1] + "…"
    if depth < _DEPTH_MAX and issubclass(kind, tuple):
        name = "" if kind is tuple else str.__str__(name_of(kind))
        return _many(name + "(", tuple.__iter__(value), ")", depth)
    if depth < _DEPTH_MAX and kind is list:
        return _many("[", iter(value), "]", depth)
    if depth < _DEPTH_MAX and kind is dict and len(value) <= _ITEMS_MAX:
        pairs = [(_text(key, depth + 1), _text(value[key], depth + 1)) for key in value]
        return "{" + ", ".join(f"{key}: {item or '…'}" for key, item in pairs) + "}"
    return ""


def _many(opening: str, items: Any, closing: str, depth: int) -> str:
    texts = [_text(item, depth + 1) or "…" for item in items]
    more = ", …" if len(texts) > _ITEMS_MAX else ""
    return opening + ", ".join(texts[:_ITEMS_MAX]) + more + closing
