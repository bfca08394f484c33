"""Hidden tests of stage 1: what the race finder says holds for threads that nobody steers.

These come last, and pass only where no race was found before: whether threads that run freely get
into each other's way is luck, and a grade is none.
"""

from grader.testkit import points


@points(2, suite="concurrency", hint="one-step")
def test_a_rush_of_real_threads(kv, races, rng):
    """Threads of the operating system's own count up, win seats and free them without a mistake."""
    races.expect_none()
    store = kv.MemoryStore()
    counting = [(store.incr, (key,)) for key in ("a", "b")] * 12
    taking = [(store.setnx, ("seat", b"taken")), (store.delete, ("seat",))] * 12
    history = kv.at_once(counting, counting, taking, taking, seed=rng.randrange(10_000), chance=0.3)
    kv.results(history)
    wins, frees = (
        sum(record.result is True for record in history if record.method == method)
        for method in ("setnx", "delete")
    )
    assert (store.get("a"), store.get("b")) == (b"24", b"24")
    assert wins == frees + store.exists("seat")
