"""A store that makes its snapshots of what is on disk: the last one, and the log that follows it.

Memory is not asked, so a snapshot also proves that what it replaces could be read.
"""

from __future__ import annotations

from .engine import Engine, Recovery
from .locked import LockedStore
from .memory import MemoryStore

__all__ = ["Recovery", "Store"]


class MergingEngine(Engine):
    """Takes snapshots of files."""

    def contents(self, number):
        memory = MemoryStore(clock=lambda: self._now)
        self.read_back(memory, before=number)
        return memory.dump()


class Store(LockedStore):
    """A durable map of `str` keys to `bytes` values, for many threads."""

    engine = MergingEngine
