"""Kinds of bugs, each with mutants that have it and the hidden test that shows it.

Data only: measuring is the business of `races`.
"""

from __future__ import annotations

from typing import NamedTuple


class Example(NamedTuple):
    """A mutant of a kind, and the test that is to find it."""

    kind: str
    stage: int
    mutant: str
    test: str


EXAMPLES = (
    Example("lost update", 1, "incr-in-two-steps", "test_incr_loses_no_update"),
    Example("lost update", 1, "incr-in-two-locked-steps", "test_incr_loses_no_update"),
    Example("check-then-act", 1, "setnx-in-two-steps", "test_looking_and_storing_are_one_step"),
    Example(
        "check-then-act", 4, "decides-before-its-turn", "test_looking_and_writing_are_one_step"
    ),
    Example(
        "iteration during mutation",
        1,
        "keys-without-the-lock",
        "test_looking_around_survives_changes",
    ),
    Example(
        "iteration during mutation",
        1,
        "dump-walks-after-the-lock",
        "test_looking_around_survives_changes",
    ),
    Example("torn multi-key read", 1, "keys-key-by-key", "test_looking_around_shows_one_instant"),
    Example(
        "torn multi-key read",
        4,
        "readers-see-half-a-batch",
        "test_looking_around_sees_whole_batches",
    ),
    Example(
        "write under a read lock",
        1,
        "delete-under-the-read-lock",
        "test_looking_and_removing_are_one_step",
    ),
    Example("write under a read lock", 1, "incr-under-the-read-lock", "test_incr_loses_no_update"),
    Example("a writer among readers", 1, "reader-enters-beside-writer", "test_a_writer_is_alone"),
    Example("a writer among readers", 1, "readers-fast-path", "test_a_writer_is_alone"),
    Example("readers that do not share", 1, "readers-exclude-each-other", "test_readers_share"),
    Example(
        "writer starvation",
        1,
        "writer-overtaken-by-readers",
        "test_a_newcomer_does_not_overtake_a_writer",
    ),
    Example("lost wake-up", 1, "leaving-reader-wakes-nobody", "test_nobody_sleeps_for_ever"),
    Example("lost wake-up", 1, "looks-and-waits-in-two-steps", "test_nobody_sleeps_for_ever"),
    Example("wrong wait loop", 1, "if-instead-of-while", "test_two_writers_take_turns"),
    Example("wrong wait loop", 1, "gives-up-waiting", "test_two_writers_take_turns"),
    Example(
        "lock kept after an exception",
        1,
        "exception-keeps-the-write-lock",
        "test_an_exception_in_a_block_keeps_nobody_waiting",
    ),
    Example(
        "lock-order deadlock",
        4,
        "reader-waits-for-writers-too",
        "test_an_increment_never_shows_a_key_without_its_deadline",
    ),
    Example(
        "lock-order deadlock",
        5,
        "close-takes-the-locks-in-its-own-order",
        "test_a_snapshot_may_meet_a_close",
    ),
    Example(
        "upgrade deadlock", 1, "upgrade-waits-for-the-other-readers", "test_a_refusal_keeps_nothing"
    ),
    Example(
        "log order, memory order",
        4,
        "applied-after-the-turn",
        "test_the_log_is_in_the_order_of_memory",
    ),
    Example(
        "log order, memory order",
        4,
        "lock-given-back-between-log-and-memory",
        "test_the_log_is_in_the_order_of_memory",
    ),
    Example(
        "snapshot of half a batch",
        5,
        "cut-copies-memory-too-early",
        "test_a_snapshot_never_holds_half_a_batch",
    ),
    Example(
        "snapshot of half a batch",
        5,
        "cut-without-the-lock",
        "test_a_snapshot_never_holds_half_a_batch",
    ),
    Example("expiry racing with set", 1, "expire-without-the-lock", "test_expire_changes_no_value"),
    Example(
        "expiry racing with set",
        1,
        "looking-removes-the-dead",
        "test_a_dead_key_that_is_looked_at_takes_nothing_along",
    ),
    Example(
        "close racing with writes", 4, "close-looks-before-its-turn", "test_many_threads_may_close"
    ),
    Example(
        "close racing with writes",
        4,
        "close-does-not-wait-for-writers",
        "test_a_close_among_writes_loses_none",
    ),
    Example("purge of a fresh value", 1, "purge-in-two-steps", "test_a_purge_takes_no_fresh_value"),
    Example(
        "server serialises clients",
        6,
        "answers-under-one-lock",
        "test_a_client_that_does_not_read_delays_nobody",
    ),
)
