"""A durable store behind one lock, around the engine as it is."""

from .engine import Recovery
from .locked import LockedStore

__all__ = ["Recovery", "Store"]


class Store(LockedStore):
    """A durable map of `str` keys to `bytes` values, for many threads."""
