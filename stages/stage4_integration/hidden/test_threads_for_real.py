"""Hidden tests of stage 4: what the race finder says holds for threads that nobody steers, and for
a process that is killed.

These come last, and pass only where no race was found before: whether threads that run freely get
into each other's way is luck, and a grade is none.
"""

from grader.testkit import points


@points(2, suite="concurrency", hint="writers-take-turns")
def test_increments_and_batches_survive_a_kill(kv, races, data_dir, rng):
    """What four threads count and write in batches is there after SIGKILL."""
    races.expect_none()
    store = kv.Store.open(data_dir)
    counting = [(store.incr, ("n",))] * 15
    batches = [
        [(store.apply_batch, ([("set", "left", value), ("set", "right", value)],))]
        for value in (b"1", b"2")
    ]
    history = kv.at_once(counting, counting, *batches, seed=rng.randrange(1000))
    kv.results(history)
    before = store.dump()
    kv.kill()
    store = kv.Store.open(data_dir)
    assert store.get("n") == b"30"
    assert store.get("left") == store.get("right")
    assert store.dump() == before
