"""Hidden tests of rwlock.py: readers and writers that come and go, under many schedules.

What is wrong is a writer that is inside beside somebody else, a thread that is never woken up, and
a lock that is not free when everybody has left.
"""

from grader.testkit import LockSubject, Workload, points

LOCK = LockSubject()


def _visit(mode):
    return (f"acquire_{mode}", ()), (f"release_{mode}", ())


def _visits(*modes):
    """One thread for each text: each letter of it is a visit, to read or to write."""
    names = {"r": "read", "w": "write"}
    plans = (tuple(call for letter in text for call in _visit(names[letter])) for text in modes)
    return Workload((), tuple(plans))


@points(2, suite="concurrency", hint="two-counts")
def test_a_writer_is_alone(races):
    """Whatever the order in which readers and a writer come, the writer is inside alone."""
    races.run(LOCK, _visits("w", "r"), _visits("w", "rr"), _visits("r", "w", "r"), schedules=60)


@points(2, suite="concurrency", hint="two-counts")
def test_two_writers_take_turns(races):
    """Two writers are never inside together, whether or not somebody reads."""
    races.run(LOCK, _visits("w", "w"), _visits("ww", "w"), _visits("w", "w", "r"), schedules=60)


@points(2, suite="concurrency", hint="wake-up")
def test_nobody_sleeps_for_ever(races):
    """However readers and writers come and go, each of them gets in and out."""
    crowds = ("wr", "rw", "w"), ("r", "r", "ww"), ("ww", "ww"), ("rwr", "wrw"), ("r", "w", "w", "r")
    races.run(LOCK, *(_visits(*crowd) for crowd in crowds), schedules=50)


@points(1, suite="concurrency", hint="who-holds-it")
def test_a_refusal_keeps_nothing(races):
    """Who is refused, for taking the lock twice or for releasing what it does not hold, leaves the
    lock as it was, and nobody waits for it.
    """
    twice = [(f"acquire_{first}", ()) for first in ("read", "write")]
    for first in twice:
        for second in (*twice, ("release_read", ()), ("release_write", ())):
            release = (first[0].replace("acquire", "release"), ())
            plans = ((first, second, release), _visit("write"))
            if second != release:
                races.run(LOCK, Workload((), plans), schedules=20)
