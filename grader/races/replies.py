"""What an agent may say of runs: exact shapes of plain values, and a history that can have been.

An agent keeps its record where code under test cannot reach it. Should that fail one day, a reply
that does not fit the program which was asked for is refused here, and never taken for a pass.

Not here: what a run means, and whether what came back is right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from grader.races.program import Invocation, Program

ENDS = {"done", "deadlock", "livelock", "setup"}
_COUNT_MAX, _TEXT_CHARS_MAX = 1_000_000, 4_000  # of steps, instants, lines; of names
_KINDS = {"call", "return", "line", "again", "wait"}
_Plans = Mapping[int, Sequence[Invocation]]


def check_runs(program: Program, raw: Any, wanted: int) -> None:
    """Refuse (`ValueError`) what cannot be the results of `wanted` schedules, or of fewer when the
    last of them did not end as it should.
    """
    _require(type(raw) is list and 0 < len(raw) <= wanted)
    for run in raw:
        check_run(program, run)
    stopped = [run["end"] != "done" or run["unwound"] is not True for run in raw]
    _require(not any(stopped[:-1]) and (stopped[-1] or len(raw) == wanted))


def check_recording(program: Program, raw: Any) -> None:
    """Refuse (`ValueError`) what cannot be a run that was written down line by line."""
    check_run(program, raw)
    begun = [row[0] for row in raw["plans"]]
    for row in _sequence(raw, "rows"):
        task, kind, file, line, function, saw = _parts(row, 6)
        _require(_is_count(task, line) and _is_text(kind, file, function) and kind in _KINDS)
        _require(_is_sequence(saw) and _is_text(*saw))
        calls = max(1, begun.count(task - 1))
        _require(kind not in ("call", "return") or line < calls)
    for switch in _sequence(raw, "switches"):
        _require(_is_count(*_parts(switch, 2)))


def check_run(program: Program, raw: Any) -> None:
    """Refuse (`ValueError`) what cannot be a run of a program."""
    _require(type(raw) is dict and {"end", "steps", "unwound"} <= raw.keys())
    end = raw["end"]
    _require(_is_text(end) and end in ENDS and _is_count(raw["steps"]))
    for error in _sequence(raw, "errors"):
        _require(_is_text(*_parts(error, 2)))
    for stand in _sequence(raw, "stand"):
        _check_stand(stand)
    now = 0
    for phase, plans in (
        ("setup", {-1: program.setup}),
        ("plans", dict(enumerate(program.plans))),
        ("after", {-1: program.after}),
    ):
        now = _check_rows(_sequence(raw, phase), plans, now)
        is_whole = len(raw[phase]) == sum(map(len, plans.values()))
        _require(end != "done" or (is_whole and all(row[3] >= 0 for row in raw[phase])))
    failed = [row for row in raw["setup"] if row[3] >= 0 and not row[4]]
    _require(failed == (raw["setup"][-1:] if end == "setup" else []))
    _require(end != "setup" or (bool(failed) and not raw["plans"]))


def _check_rows(rows: Sequence[Any], plans: _Plans, now: int) -> int:
    """Each thread makes its calls one after the other; returns the instant of the last event."""
    done = dict.fromkeys(plans, 0)
    free = dict.fromkeys(plans, now)  # by thread: the instant from which it may call
    begun = latest = now
    for row in rows:
        thread, index, invoked, returned, is_ok, value = _parts(row, 6)
        _require(type(thread) is int and thread in plans and done[thread] < len(plans[thread]))
        _require(_is_count(index, invoked) and type(is_ok) is bool)
        _require(returned == -1 or _is_count(returned))
        _require(index == (0 if thread < 0 else done[thread]))
        _require(invoked > begun and invoked > free[thread] >= 0)
        _require(returned == -1 or returned > invoked)
        if returned >= 0 and not is_ok:
            _check_error(value)
        done[thread] += 1
        begun, free[thread] = invoked, returned
        latest = max(latest, invoked, returned)
    return latest


def _check_error(value: Any) -> None:
    """A name that the package lacks is told as a text."""
    if type(value) is str:
        return
    _require(type(value) is dict and type(value.get("message")) is str)
    names = _sequence(value, "names")
    _require(len(names) > 0 and _is_text(*names))
    for frame in _sequence(value, "frames"):
        file, line, function, source = _parts(frame, 4)
        _require(_is_text(file, function) and type(source) is str and _is_count(line))


def _check_stand(stand: Any) -> None:
    task, wants, made, taken, wants_from, frames, held = _parts(stand, 7)
    _require(_is_count(task, wants_from) and _is_text(wants))
    _require(_is_sequence(frames) and _is_sequence(held))
    holds = [place for pair in held for place in _parts(pair, 2)]
    for place in (made, taken, *holds):
        _require(place is None or _is_place(place))
    _require(all(map(_is_place, frames)))


def _is_place(place: Any) -> bool:
    """A file, a line, a function."""
    file, line, function = _parts(place, 3)
    return _is_text(file, function) and _is_count(line)


def _is_text(*values: Any) -> bool:
    return all(type(value) is str and len(value) <= _TEXT_CHARS_MAX for value in values)


def _is_count(*values: Any) -> bool:
    return all(type(value) is int and 0 <= value <= _COUNT_MAX for value in values)


def _is_sequence(value: Any) -> bool:
    return type(value) is list or type(value) is tuple


def _sequence(raw: Mapping[str, Any], name: str) -> Sequence[Any]:
    _require(name in raw and _is_sequence(raw[name]))
    found: Sequence[Any] = raw[name]
    return found


def _parts(value: Any, count: int) -> Sequence[Any]:
    _require(_is_sequence(value) and len(value) == count)
    parts: Sequence[Any] = value
    return parts


def _require(is_right: bool) -> None:  # noqa: FBT001
    if not is_right:
        raise ValueError("not what a race finder says")
