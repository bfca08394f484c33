"""What code under test may not do, since it serves only to look into the agent or to switch it off.

An audit hook (PEP 578) refuses, with a plain sentence, what reaches past the walls of one process:
a look at every object or at other threads' frames, tracing, code that was not compiled here, native
code, the memory of the process in /proc. Whether a frame may be had is decided by what it leads to
and not by who asks, so that logging, traceback, inspect, collections and typing work as ever, and
nobody can make them ask in his name: a frame is refused when it is one of the agent's own, other
than those of `front`, or stands on one.

A hook cannot be removed. It is called for every event of the process, so it does little for most.
Source: the table of audit events in the Python documentation.
"""

from __future__ import annotations

import _imp
import errno
import os
import sys
import types

from .front import audit_hook
from .primitives import (
    below,
    code_of,
    current_frames,
    decode_bytes,
    exact_text,
    file_of,
    globals_of,
    opaque,
    partition,
    read_file,
    stat,
    thread_id,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    Refusal = Exception | None

_STANDARD = os.path.dirname(os.__file__) + os.sep
_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep
_HOOKS = tuple(_OURS + name for name in ("guard.py", "front.py"))  # whose frames stand on an event
_READER = os.path.join(_OURS + "race", "instrument.py")
_NATIVE = (_STANDARD, os.path.join(sys.base_prefix, "DLLs") + os.sep)  # where extensions lie
_PR_SET_DUMPABLE = 4
_DEVICE = 2  # place in the result of stat
_CACHE_HEADER_BYTES = 16  # of a .pyc file: PEP 552
_FORBIDDEN = (
    "gc.get_objects",
    "gc.get_referrers",
    "gc.get_referents",
    "sys._current_exceptions",
    "sys.setprofile",
    "sys.monitoring.register_callback",
    "sys.addaudithook",
    "sqlite3.enable_load_extension",
    "sqlite3.load_extension",
)
_WITH_PERMIT = ("sys.settrace", "sys._current_frames", "code.__new__")
_MODULES = {
    *("ctypes", "_ctypes", "_testcapi", "_testinternalcapi", "_testlimitedcapi"),
    *("_xxsubinterpreters", "_xxinterpchannels"),
    *("_interpreters", "_interpchannels", "_interpqueues"),
}
_HARMLESS_IN_PROC = {
    *("/proc/cpuinfo", "/proc/meminfo", "/proc/loadavg", "/proc/uptime", "/proc/mounts"),
    *("/proc/self/stat", "/proc/self/statm", "/proc/self/status", "/proc/self/mounts"),
}
_PROC_DIR, _TASKS, _STAT = "/proc/", "/proc/self/task/", "/stat"
_FRAME_OF = {
    "tb_frame": (types.TracebackType, types.TracebackType.tb_frame.__get__),
    "gi_frame": (types.GeneratorType, types.GeneratorType.gi_frame.__get__),
    "cr_frame": (types.CoroutineType, types.CoroutineType.cr_frame.__get__),
    "ag_frame": (types.AsyncGeneratorType, types.AsyncGeneratorType.ag_frame.__get__),
}
_Frame, _Function, _Code = types.FrameType, types.FunctionType, types.CodeType
_mark_coroutine = types.coroutine

try:
    _PROC: int | None = int(os.stat("/proc/self")[_DEVICE])
except OSError:  # only Linux has it
    _PROC = None

# By thread: the event that may come next, the object whose frame is looked at, the cache file that
# was opened last.
_permits: dict[int, str] = {}
_looks: dict[int, Any] = {}
_caches: dict[int, str] = {}
_names = _imp._frozen_module_names()  # type: ignore[attr-defined]
_frozen: list[Any] = [
    found[0] for name in _names if (found := _imp.find_frozen(name, withdata=True))
]
_core: dict[int, dict[str, Any]] = {}  # by identity, held so that no other gets it
_is_code_complete = False


def permit(event: str) -> None:
    """Let the next such event of this thread pass, the agent's own."""
    _permits[thread_id()] = event


def _use_permit(event: str) -> bool:
    thread = thread_id()
    if thread not in _permits or _permits[thread] != event:
        return False
    del _permits[thread]
    return True


def is_ours_or_standard(file: str) -> bool:
    """Whether a code object's file lies in the standard library or in the agent; while the guard is
    on, only code that is really from there can say so.
    """
    return (
        file[: len(_STANDARD)] == _STANDARD or file[: len(_OURS)] == _OURS or file[:8] == "<frozen "
    )


def hide_memory() -> None:
    """Keep the memory of this process from others of the same user, such as its own children: they
    cannot trace it, nor read it in /proc. Source: PR_SET_DUMPABLE in prctl(2). Linux only.
    """
    if sys.platform != "linux":
        return
    try:
        import _ctypes  # and not ctypes, which takes five times as long
    except ImportError:  # a Python that was built without it
        return
    this_program = _ctypes.dlopen(None, 0)  # type: ignore[arg-type]
    prctl = _ctypes.dlsym(this_program, "prctl")
    _ctypes.call_function(prctl, (_PR_SET_DUMPABLE, 0, 0, 0, 0))


def hide_frames(core: Iterable[dict[str, Any]]) -> None:
    """Let nobody see frames of these name spaces."""
    for names in core:
        _core[id(names)] = names


def refuse_new_code() -> None:
    """From now on refuse code that is made from text at run time: it has no switch points, so races
    in it would not be found. The standard library may still make some (named tuples, data classes).
    """
    global _is_code_complete
    _is_code_complete = True


def install() -> None:
    """Guard this process from now on."""
    types.coroutine = opaque(_coroutine)
    sys.addaudithook(audit_hook(opaque(_judge)))


def _judge(event: str, args: tuple[Any, ...]) -> Refusal:
    if event in _RULES:
        return _RULES[event](*args)
    if event in _FORBIDDEN or event[:7] == "ctypes.":
        return RuntimeError(f"the course does not allow {event} here")
    if event in _WITH_PERMIT and not _use_permit(event):
        return RuntimeError(f"the course does not allow {event} here")
    return None


def _on_frame(frame: Any = None, *_rest: Any) -> Refusal:
    if type(frame) is _Frame and _leads_to_core(frame):
        return ValueError("the course does not allow a look at the agent's frames")
    return None


def _on_attribute(owner: Any = None, name: Any = None, *_rest: Any) -> Refusal:
    if type(name) is not str or name not in _FRAME_OF:
        return None
    kind, frame_of = _FRAME_OF[name]
    thread = thread_id()
    if type(owner) is not kind or (thread in _looks and _looks[thread] is owner):
        return None
    _looks[thread] = owner  # the look that comes now is our own
    try:
        return _on_frame(frame_of(owner))
    finally:
        del _looks[thread]


def _leads_to_core(frame: Any) -> bool:
    while frame is not None:
        if id(globals_of(frame)) in _core:
            return True
        frame = below(frame)
    return False


def _on_import(module: Any = None, file: Any = None, *_rest: Any) -> Refusal:
    if type(module) is not str:
        return None
    if partition(module, ".")[0] in _MODULES:
        return ImportError(f"the course does not allow {module} here")
    if type(file) is str and not _is_native_of_python(file):
        return ImportError("the course does not allow extension modules other than Python's own")
    return None


def _is_native_of_python(file: str) -> bool:
    return ".." not in file and any(file[: len(home)] == home for home in _NATIVE)


def _on_compile(source: Any = None, file: Any = None, *_rest: Any) -> Refusal:
    """Code that claims to be the standard library's is what lies there."""
    if type(file) is not str:
        return None
    if not is_ours_or_standard(file):
        return _on_new_code(file)
    if ".." not in file and type(source) is bytes and source == read_file(file):
        return None
    return ValueError("the course does not allow code under a name of the standard library's")


def _on_exec(code: Any = None, *_rest: Any) -> Refusal:
    """Code that `exec` or `eval` has made of text; all other was compiled before, or read."""
    file = file_of(code) if type(code) is _Code else ""
    return _on_new_code(file) if file[:1] == "<" and not is_ours_or_standard(file) else None


def _on_new_code(file: str) -> Refusal:
    if not _is_code_complete:
        return None
    maker = _asker()
    if maker == _READER or (file[:1] == "<" and is_ours_or_standard(maker)):
        return None
    return RuntimeError(
        "races are looked for only in code that is imported as a file of kvstore:"
        f" the course does not allow code that is made at run time here ({file})"
    )


def _asker() -> str:
    """The file of the code that led to the event under way; empty when nobody did."""
    permit("sys._current_frames")
    frame = current_frames()[thread_id()]
    while frame is not None and file_of(code_of(frame)) in _HOOKS:
        frame = below(frame)
    file: str = "" if frame is None else file_of(code_of(frame))
    return file


def _on_unmarshal(data: Any = None, *_rest: Any) -> Refusal:
    """Ready-made byte code is what the import system has just read from Python's own cache or the
    agent's, or lies frozen in Python itself (3.13 tells of that as well).
    """
    thread = thread_id()
    file = _caches[thread] if thread in _caches else ""  # noqa: SIM401  (no method: see primitives)
    is_trusted = is_ours_or_standard(file) and ".." not in file
    if type(data) is bytes:
        if is_trusted and data == read_file(file)[_CACHE_HEADER_BYTES:]:
            return None
        if any(frozen == data for frozen in _frozen):
            return None
    return ValueError("the course does not allow marshal.loads here")


def _on_open(path: Any = None, *_rest: Any) -> Refusal:
    kind = type(path)
    if issubclass(kind, bytes):
        path = decode_bytes(path, "utf-8", "surrogateescape")
    elif issubclass(kind, str):
        path = exact_text(path)
    else:
        return None
    if path[-4:] == ".pyc":
        _caches[thread_id()] = path
    if path in _HARMLESS_IN_PROC or not _is_on_proc(path):
        return None
    if path[: len(_TASKS)] == _TASKS and path[-len(_STAT) :] == _STAT and ".." not in path:
        return None
    return PermissionError(errno.EACCES, "the course does not allow this file of /proc here", path)


def _is_on_proc(path: str) -> bool:
    if _PROC is None:
        return False
    if path[: len(_PROC_DIR)] == _PROC_DIR:
        return True  # even when it leads out again, as descriptors do
    try:
        return stat(path)[_DEVICE] == _PROC
    except (OSError, ValueError):
        return False


def _coroutine(function: Any) -> Any:
    """`types.coroutine`, which builds a code object, as asyncio needs when it is imported."""
    if type(function) is not _Function:
        return _mark_coroutine(function)
    permit("code.__new__")
    try:
        return _mark_coroutine(function)
    finally:
        _use_permit("code.__new__")


_RULES: dict[str, Callable[..., Refusal]] = {
    "sys._getframe": _on_frame,
    "object.__getattr__": _on_attribute,
    "import": _on_import,
    "compile": _on_compile,
    "exec": _on_exec,
    "marshal.loads": _on_unmarshal,
    "open": _on_open,
}
