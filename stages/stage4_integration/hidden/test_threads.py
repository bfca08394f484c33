"""Hidden tests of store.py: many threads at once, on one store."""

from grader.testkit import formats, points


def _frames(data_dir):
    """Every frame in the folder, in order."""
    paths = sorted(data_dir.glob("wal-*.log"))
    return [frame for path in paths for frame in formats.read_frames(path)]


def _replayed(frames):
    """What a log of nothing but SET entries amounts to."""
    return {key: value for frame in frames for _op, _timestamp, key, value in frame}


def _both(value):
    return [("set", "left", value), ("set", "right", value)]


@points(2, suite="concurrency", hint="writers-take-turns")
def test_the_log_is_in_the_order_of_memory(kv, data_dir, rng):
    """Where threads overwrite each other's keys, the last one in the log is the one in memory."""
    store = kv.Store.open(data_dir, sync="never")
    groups = [[f"{group}/{n}" for n in range(15)] for group in range(3)]
    batches = [
        (store.apply_batch, ([("set", key, b"batch") for key in group],)) for group in groups
    ]
    singles = [(store.set, (key, b"single")) for group in groups for key in reversed(group[-6:])]
    history = kv.at_once(batches, singles, seed=rng.randrange(1000))
    kv.results(history)
    items, _deadlines = store.dump()
    assert items == _replayed(_frames(data_dir))


@points(2, suite="concurrency", hint="writers-take-turns")
def test_one_setnx_wins_in_memory_and_log(kv, data_dir, rng):
    """Of threads that setnx the same key one wins, and only its value is logged."""
    store = kv.Store.open(data_dir, sync="never")
    keys = [f"lock {n}" for n in range(6)]
    plans = [[(store.setnx, (key, b"%d" % thread)) for key in keys] for thread in range(4)]
    history = kv.at_once(*plans, seed=rng.randrange(1000), chance=0.4)
    kv.results(history)
    won = sorted(record.args for record in history if record.result)
    logged = sorted((key, value) for frame in _frames(data_dir) for _, _, key, value in frame)
    assert [key for key, _ in won] == sorted(keys)
    assert logged == won


@points(2, suite="concurrency", hint="writers-take-turns")
def test_one_delete_wins_in_memory_and_log(kv, data_dir, rng):
    """Of threads that delete the same key one is told True, and one DELETE is logged."""
    store = kv.Store.open(data_dir, sync="never")
    keys = [f"k{n}" for n in range(8)]
    store.apply_batch([("set", key, b"") for key in keys])
    plan = [(store.delete, (key,)) for key in keys]
    history = kv.at_once(plan, plan, plan, seed=rng.randrange(1000), chance=0.4)
    kv.results(history)
    assert sorted(record.args[0] for record in history if record.result) == keys
    logged = [key for frame in _frames(data_dir)[1:] for _op, _timestamp, key, _value in frame]
    assert sorted(logged) == keys


@points(2, suite="concurrency", hint="writers-take-turns")
def test_increments_and_batches_survive_a_kill(kv, data_dir, rng):
    """What many threads summed up among deadlines and batches is the same after a kill."""
    store = kv.Store.open(data_dir, sync="never")
    plans = [
        [(store.incr, ("n", thread)), (store.incr, ("m", 1)), (store.expire, ("n", 5000))] * 4
        for thread in (1, 2, 3)
    ]
    batches = [(store.apply_batch, (_both(b"%d" % n),)) for n in range(6)]
    history = kv.at_once(*plans, batches, seed=rng.randrange(1000))
    kv.results(history)
    before = store.dump()
    assert before[0] == {"n": b"24", "m": b"12", "left": b"5", "right": b"5"}
    kv.kill()
    assert kv.Store.open(data_dir).dump() == before


@points(3, suite="concurrency", hint="half-a-batch")
def test_keys_and_dump_see_whole_batches(kv, data_dir, rng):
    """While batches move the only key from one name to another, there is always exactly one."""
    store = kv.Store.open(data_dir, sync="never")
    store.set("here", b"1")
    there = [("delete", "here"), ("set", "there", b"1")]
    back = [("set", "here", b"1"), ("delete", "there")]
    writer = [(store.apply_batch, (batch,)) for _ in range(15) for batch in (there, back)]
    plans = [[(store.keys, ())] * 30, [(store.dump, ())] * 30]
    history = kv.at_once(writer, *plans, seed=rng.randrange(1000))
    kv.results(history)
    counts = {len(r.result) for r in history if r.method == "keys"}
    counts |= {len(r.result[0]) for r in history if r.method == "dump"}
    assert counts == {1}


@points(3, suite="concurrency", hint="half-a-batch")
def test_single_reads_see_whole_batches(kv, data_dir, rng):
    """Who has read one key of a batch finds its other keys at least as new."""
    store = kv.Store.open(data_dir, sync="never")
    store.apply_batch(_both(b"0"))
    writer = [(store.apply_batch, (_both(b"%d" % n),)) for n in range(1, 31)]
    reader = [(store.get, ("left",)), (store.get, ("right",))] * 30
    history = kv.at_once(writer, reader, seed=rng.randrange(1000))
    kv.results(history)
    seen = [int(record.result) for record in history if record.method == "get"]
    assert seen == sorted(seen)


@points(3, suite="concurrency", hint="half-a-batch")
def test_an_increment_never_shows_a_key_without_its_deadline(kv, data_dir, clock, rng):
    """While incr runs on a key with a deadline, ttl and deadline never find it without one."""
    store = kv.Store.open(data_dir, sync="never", clock=clock)
    store.set("n", b"0")
    store.expire("n", 100)
    deadline = store.deadline("n")
    plans = [
        [(store.incr, ("n",))] * 30,
        [(store.ttl, ("n",))] * 40,
        [(store.deadline, ("n",))] * 40,
    ]
    history = kv.at_once(*plans, seed=rng.randrange(1000))
    kv.results(history)
    seen = {record.result for record in history if record.method != "incr"}
    assert seen == {100.0, deadline}


@points(3, suite="concurrency", hint="close-the-store")
def test_a_close_among_writes_loses_none(kv, data_dir, rng):
    """A write that races with close either is kept or raises `StoreClosedError`."""
    for attempt in range(3):
        folder = data_dir / str(attempt)
        store = kv.Store.open(folder, sync="never")
        plans = [[(store.set, (f"{thread}/{n}", b"1")) for n in range(25)] for thread in range(3)]
        closer = [(store.exists, ("a",))] * 10 + [(store.close, ())]
        history = kv.at_once(*plans, closer, seed=rng.randrange(1000))
        errors = {record.error.partition(":")[0] for record in history if record.error}
        assert errors - {"StoreClosedError"} == set()
        kept = sorted(r.args[0] for r in history if r.method == "set" and not r.error)
        store = kv.Store.open(folder)
        assert sorted(store.keys()) == kept
        store.close()


@points(1, suite="concurrency", hint="close-the-store")
def test_many_threads_may_close(kv, data_dir, rng):
    """Threads that close the same store at the same time all succeed, and the folder is free."""
    for attempt in range(3):
        store = kv.Store.open(data_dir, sync="never")
        store.set(f"k{attempt}", b"1")
        plan = [(store.close, ())] * 2
        kv.results(kv.at_once(plan, plan, plan, plan, seed=rng.randrange(1000), chance=0.5))
    assert len(kv.Store.open(data_dir)) == 3


@points(2, suite="concurrency", hint="one-store-a-folder")
def test_one_of_many_openers_wins(kv, data_dir, rng):
    """Of threads that open one folder at once, one gets it, the others `StoreLockedError`."""
    folders = [data_dir / str(number) for number in range(6)]
    plan = [(kv.Store.open, (folder,)) for folder in folders]
    history = kv.at_once(plan, plan, plan, seed=rng.randrange(1000), chance=0.5)
    errors = {record.error.partition(":")[0] for record in history}
    assert errors == {"", "StoreLockedError"}
    assert sorted(r.args[0] for r in history if not r.error) == sorted(folders)
