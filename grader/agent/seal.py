"""Seals on the messages of the pipe: who has no key can neither write one nor use one twice.

Code under test shares its process with the agent, so it can find the pipe's descriptors. What it
cannot find is the key: the grader draws one for each process, the agent takes it in before any code
under test can be imported, and keeps it where only its own loop reaches it. A sealed message is
`tag (16 bytes) | message`; the tag is a keyed BLAKE2b (RFC 7693) over all messages of this
direction up to this one, so one that comes out of turn has a wrong tag as well. Messages of
`grader.agent.wire` say where they end, which makes the run of them unambiguous.

Everything that is called after the start was looked up before: code under test can put its own
functions into modules and even into the dictionaries of built-in types.
"""

from __future__ import annotations

from _blake2 import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

KEY_BYTES = 32
TAG_BYTES = 16
REQUESTS, REPLIES = b"requests", b"replies"

_digest = blake2b.digest


SealError = BufferError
"""The message was not written by the other end, or is not the next one. For its class see
`grader.agent.wire.WireError`.
"""


def sealer(key: bytes, direction: bytes) -> Callable[[bytes], bytes]:
    """Return a function that seals one message after the other."""
    next_tag = _tagger(key, direction)
    return lambda message: next_tag(message) + message


def opener(key: bytes, direction: bytes) -> Callable[[bytes], bytes]:
    """Return a function that opens one sealed message after the other; it raises `SealError`."""
    next_tag = _tagger(key, direction)

    def open_sealed(sealed: bytes) -> bytes:
        message = sealed[TAG_BYTES:]
        if next_tag(message) != sealed[:TAG_BYTES]:
            raise SealError("a message that the other end did not write, or not as the next one")
        return message

    return open_sealed


def _tagger(key: bytes, direction: bytes) -> Callable[[bytes], bytes]:
    all_so_far = blake2b(key=key, digest_size=TAG_BYTES, person=direction)
    add, snapshot = all_so_far.update, all_so_far.copy

    def next_tag(message: bytes) -> bytes:
        add(message)
        return _digest(snapshot())

    return next_tag
