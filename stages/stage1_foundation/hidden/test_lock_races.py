"""Hidden tests of rwlock.py: readers and writers that come and go, under many schedules.

What is wrong is a writer that is inside beside somebody else, a thread that is never woken up, and
a lock that is not free when everybody has left.
"""

from grader.testkit import LockSubject, Workload, points

LOCK = LockSubject()
PAUSE = ("pause", (1.0,))
MODES = {"r": "read", "w": "write"}


def _visit(letter):
    """Enter, stay until all others have come as far as they can, leave.

    `r` and `w` take and release the lock, `R` and `W` use a `with` block, which `!` leaves by an
    exception.
    """
    mode = MODES[letter[0].lower()]
    if letter[0].islower():
        return (f"acquire_{mode}", ()), PAUSE, (f"release_{mode}", ())
    return (f"enter_{mode}", ()), PAUSE, (f"leave_{mode}", (letter.endswith("!"),))


def _visits(*threads):
    """One thread for each text, with a visit for each of its words."""
    plans = (tuple(call for word in text.split() for call in _visit(word)) for text in threads)
    return Workload((), tuple(plans))


def _hurried(*threads):
    """The same without a stay inside."""
    plans = (tuple(op for op in plan if op != PAUSE) for plan in _visits(*threads).plans)
    return Workload((), tuple(plans))


@points(2, suite="concurrency", hint="two-counts")
def test_a_writer_is_alone(races):
    """Whatever the order in which readers and a writer come, the writer is inside alone."""
    crowds = ("w", "r"), ("w", "r r"), ("r", "w", "r"), ("W", "R")
    races.run(LOCK, *(_visits(*crowd) for crowd in crowds), _hurried("r", "w"), schedules=40)


@points(2, suite="concurrency", hint="two-counts")
def test_two_writers_take_turns(races):
    """Two writers are never inside together, whether or not somebody reads."""
    crowds = ("w", "w"), ("w w", "w"), ("w", "w", "r"), ("W", "W")
    races.run(LOCK, *(_visits(*crowd) for crowd in crowds), _hurried("w", "w"), schedules=40)


@points(2, suite="concurrency", hint="wake-up")
def test_nobody_sleeps_for_ever(races):
    """However readers and writers come and go, each of them gets in and out."""
    crowds = ("w r", "r w", "w"), ("r", "r", "w w"), ("w w", "w w"), ("r", "w", "w", "r")
    races.run(LOCK, *(_visits(*crowd) for crowd in crowds), schedules=40)
    races.run(LOCK, *(_hurried(*crowd) for crowd in crowds), schedules=40)


@points(2, suite="concurrency", hint="two-counts")
def test_readers_share(races):
    """Readers that never leave keep no reader out, whether or not they waited behind a writer."""
    staying = (("acquire_read", ()),)
    in_a_block = (("enter_read", ()),)
    lock = LockSubject(is_freed=False)
    for reader in (staying, in_a_block):
        writer = _visit("w")
        races.run(lock, Workload((), (reader, reader)), Workload((), (reader, staying)))
        races.run(lock, Workload((), (writer, (PAUSE, *reader), (PAUSE, *reader))), schedules=40)


@points(2, suite="concurrency", hint="starving-writer")
def test_a_newcomer_does_not_overtake_a_writer(races):
    """A reader who comes when a writer already waits gets in after the writer."""
    lock = LockSubject(in_turn=(1, 2))
    for letters in ("rwr", "RWR"):
        first, writer, newcomer = (_visit(letter) for letter in letters)
        staying = (first[0], ("pause", (3.0,)), first[2])
        plans = staying, (PAUSE, *writer), (("pause", (2.0,)), *newcomer)
        races.run(lock, Workload((), plans), schedules=60)


@points(2, suite="concurrency", hint="with-blocks")
def test_an_exception_in_a_block_keeps_nobody_waiting(races):
    """Who leaves a with block by an exception has released the lock, so others get in."""
    crowds = ("R!", "W"), ("W!", "W"), ("W!", "R"), ("R!", "R", "w")
    races.run(LOCK, *(_visits(*crowd) for crowd in crowds), schedules=20)


@points(1, suite="concurrency", hint="who-holds-it")
def test_a_refusal_keeps_nothing(races):
    """Who is refused, for taking the lock twice or for releasing what it does not hold, leaves the
    lock as it was, and nobody waits for it.
    """
    for first in ("read", "write"):
        take, release = (f"acquire_{first}", ()), (f"release_{first}", ())
        other = "write" if first == "read" else "read"
        for second in (take, (f"acquire_{other}", ()), (f"release_{other}", ())):
            plans = ((take, second, release), _visit("w"))
            races.run(LOCK, Workload((), plans), schedules=20)
