"""Write down one schedule line by line, and where threads stand when it ends badly.

Only the shortest failing schedule is recorded. Each thread of the program is traced; the rows of
all threads are in the order in which things happened, since only one runs at a time. What is said
of a value is made of plain values alone: no code of the package's runs for it.
"""

from __future__ import annotations

from ..guard import permit
from ..primitives import code_of, current_frames, file_of, name_of, opaque
from .instrument import HELPER_NAME
from .scheduler import DONE, SCHEDULER
from .virtual import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any

    from .scheduler import Task

ROWS_MAX = 2_000
_TEXT_CHARS_MAX = 48
_ITEMS_MAX = 4
_DEPTH_MAX = 2
_PLAIN = (int, float, bool, str, bytes, type(None))


class Recorder:
    """The rows of one schedule, each a list: thread, kind, file, line, function, what it saw.

    Kinds: "call" and "return" of a program's call (`line` is its index), "line" (a line begins),
    "again" (its thread goes on in the middle of it), "wait".
    """

    def __init__(self, package_dir: str) -> None:
        self.rows: list[list[Any]] = []
        self._package_dir = package_dir
        self._last: dict[int, list[Any]] = {}  # by task: its last row of kind "line"
        self._resumes: set[int] = set()

    def begins(self, thread: int, index: int) -> None:
        """A call of the program begins."""
        self._note([thread + 1, "call", "", index, "", []])

    def ends(self, thread: int, index: int) -> None:
        """It has returned or raised."""
        self._last.pop(thread + 1, None)
        self._note([thread + 1, "return", "", index, "", []])

    def waits(self, task: Task) -> None:
        """A task cannot go on."""
        last = self._last.get(task.number)
        if last is not None:
            self._note([task.number, "wait", *last[2:5], []])

    def switches(self, _current: Task, chosen: Task) -> None:
        """The turn changes hands."""
        last = self._last.get(chosen.number)
        if last is not None and (not self.rows or self.rows[-1][0] != chosen.number):
            self._last[chosen.number] = row = [chosen.number, "again", *last[2:5], []]
            self._note(row)

    def tracer(self, number: int) -> Callable[..., Any]:
        """A trace function for the thread of a task."""
        known: dict[int, dict[str, str]] = {}  # by frame: its variables, when they were last seen
        rows: dict[int, list[Any]] = {}  # by frame: its last row

        def on_event(frame: FrameType, event: str, _arg: object) -> Callable[..., Any]:
            identity = id(frame)
            if event in ("line", "return") and identity in rows:
                now = _variables(frame)
                before = known.get(identity, {})
                rows[identity][5] += [f"{n} = {v}" for n, v in now.items() if before.get(n) != v]
                known[identity] = now
            if event == "line":
                code = code_of(frame)
                place = file_of(code).rpartition("/")[2].rpartition("\\")[2]
                row = [number, "line", place, frame.f_lineno, code.co_name, []]
                rows[identity] = self._last[number] = row
                self._note(row)
            elif event == "return":
                rows.pop(identity, None)
                known.pop(identity, None)
            return local

        def on_call(frame: FrameType, _event: str, _arg: object) -> Callable[..., Any] | None:
            if not _is_within(file_of(code_of(frame)), self._package_dir):
                return None
            known[id(frame)] = _variables(frame)
            return local

        local = opaque(on_event)
        return opaque(on_call)

    def _note(self, row: list[Any]) -> None:
        if len(self.rows) < ROWS_MAX and not SCHEDULER.aborting:
            self.rows.append(row)


def where_threads_stand(package_dir: str) -> list[tuple[Any, ...]]:
    """For each task that has not ended: its number, what it waits for, the package's frames
    (outermost first), and the locks that it holds, each as where it was made and taken.
    """
    permit("sys._current_frames")
    frames = current_frames()
    stand = []
    for task in SCHEDULER.tasks:
        if task.state != DONE and task.number:
            own = _frames(frames.get(task.ident), package_dir)
            held = [(lock.made_at, lock.taken_at) for lock in task.held]
            stand.append((task.number, *_wanted(task.waits_for), own, held))
    return stand


def _wanted(waits_for: Any) -> tuple[str, Any, Any, int]:
    """What a task waits for: its kind, where it was made and taken, and the number of the task that
    has it (or must end); 0 for none.
    """
    if isinstance(waits_for, Lock):
        owner = waits_for._owner
        return "lock", waits_for.made_at, waits_for.taken_at, owner.number if owner else 0
    if isinstance(waits_for, str):
        return waits_for, None, None, 0
    return (
        ("thread", None, None, waits_for.number) if waits_for is not None else ("", None, None, 0)
    )


def _frames(frame: FrameType | None, package_dir: str) -> list[tuple[str, int, str]]:
    own = []
    while frame is not None:
        code = code_of(frame)
        file = file_of(code)
        if _is_within(file, package_dir):
            own.append((file[len(package_dir) + 1 :], frame.f_lineno, code.co_name))
        frame = frame.f_back
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
