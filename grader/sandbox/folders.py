"""Which folders code under test may read: Python itself, the system's libraries, the agent.

And what lies below those but must stay out of sight: the checkout with its tests and reference, and
packages that were installed for others.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
AGENT_DIR = CHECKOUT / "grader" / "agent"


@cache
def python_program() -> Path:
    """The interpreter itself, not a virtual environment's link to it."""
    return Path(getattr(sys, "_base_executable", None) or sys.executable).resolve()


@cache
def readable_folders() -> tuple[Path, ...]:
    """What every agent may read. A path need not exist; one that is a link stands for the link."""
    libraries = [Path("/lib64"), Path("/usr/lib64"), Path("/etc/ld.so.cache")]
    multiarch = sysconfig.get_config_var("MULTIARCH") or ""
    for folder in (Path("/lib"), Path("/usr/lib")):
        narrow = not folder.is_symlink() and (folder / multiarch).is_dir()
        libraries.append(folder / multiarch if narrow else folder)
    prefixes = {Path(sys.base_prefix).resolve(), Path(sys.base_exec_prefix).resolve()}
    own = [prefix / "lib" for prefix in prefixes if prefix != Path("/usr")]
    return (python_program(), *libraries, *_standard_library(), *sorted(own), AGENT_DIR)


@cache
def hidden_folders() -> tuple[Path, ...]:
    """What exists below the readable folders and must not be seen, outermost first."""
    packages = [Path("/usr/lib/python3/dist-packages")]
    for folder in _standard_library():
        packages += [folder / "site-packages", folder / "dist-packages"]
    below = [path for path in (CHECKOUT, *packages) if path.is_dir() and _is_below(path)]
    return tuple(sorted(set(below)))


@cache
def without_hidden(
    folders: tuple[Path, ...], hidden: tuple[Path, ...]
) -> tuple[list[str], list[str]]:
    """Split `folders` for a wall that can only allow: what may be read whole, and folders of which
    only the names may be, because something in them is hidden. Links are left out, not followed.
    """
    whole: list[str] = []
    names: list[str] = []
    waiting = list(folders)
    while waiting:
        folder = waiting.pop()
        if folder in hidden or folder.is_symlink():
            continue
        if any(path.is_relative_to(folder) for path in hidden):
            names.append(str(folder))
            waiting += [Path(entry.path) for entry in os.scandir(folder)]
        else:
            whole.append(str(folder))
    return whole, names


def _standard_library() -> list[Path]:
    # The Python that a virtual environment stands on, not the environment.
    base = {"installed_base": sys.base_prefix, "platbase": sys.base_exec_prefix}
    names = {sysconfig.get_path(name, vars=base) for name in ("stdlib", "platstdlib")}
    return sorted(Path(name).resolve() for name in names)


def _is_below(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in readable_folders() if folder != AGENT_DIR)
