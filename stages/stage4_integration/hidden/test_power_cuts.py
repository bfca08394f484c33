"""Hidden tests of store.py: what a power cut leaves of a store, and what opening makes of that."""

from grader.testkit import formats, points, random_key, random_value
from grader.testkit.formats import SET
from grader.testkit.histories_on_disk import StoreHistory


def _key(rng):
    return random_key(rng, 2)


def _value(rng):
    return random_value(rng, 3)


@points(3, suite="persistence", hint="store-power-cut")
def test_acknowledged_writes_survive_a_power_cut(power, rng):
    """What set, delete and incr returned from is there after a power cut; the write under way is
    there wholly or not at all.
    """
    a, b = _key(rng), _key(rng)
    history = [("set", (a, _value(rng))), ("set", (b, b"7")), ("incr", (b,)), ("delete", (a,))]
    power.explore(StoreHistory(), history)


@points(3, suite="persistence", hint="store-power-cut")
def test_a_batch_survives_whole_or_not_at_all(power, rng):
    """Wherever the power is cut, all changes of a batch are there or none is."""
    a, b, c = _key(rng), _key(rng), _key(rng)
    batch = [("set", b, _value(rng)), ("delete", a), ("set", c, _value(rng)), ("expire", b, 5000)]
    power.explore(StoreHistory(), [("set", (a, b"1")), ("apply_batch", (batch,))])


@points(2, suite="persistence", hint="store-power-cut")
def test_deadlines_survive_a_power_cut(power, rng):
    """Deadlines are there after a power cut as they were, though time has gone on since."""
    a, b = _key(rng), _key(rng)
    history = [
        *(("set", (a, b"1")), ("expire", (a, 1000)), ("set", (b, b"2")), ("expire", (b, 2000))),
        *(("incr", (b,)), ("persist", (a,))),
    ]
    power.explore(StoreHistory(), history, every_byte=False)


@points(2, suite="persistence", hint="recovery-power-cut")
def test_power_may_fail_while_recovering(power, rng):
    """A store is opened on a torn tail: wherever the power is cut again, nothing more is lost."""
    key, value = _key(rng), _value(rng)
    whole, torn = (SET, 1, key, value), (SET, 2, _key(rng), b"torn")
    found = formats.frame(whole) + formats.frame(torn)[:-3]
    power.explore(
        StoreHistory(start={key: (value, None)}),
        [("set", (_key(rng), b"new"))],
        files={formats.segment_name(1): found},
    )


@points(2, suite="persistence", hint="store-power-cut")
def test_a_lazy_store_loses_only_its_last_writes(power, rng):
    """With sync="never", what is there after a power cut is what some first writes made; after
    close, all of them.
    """
    a, b = _key(rng), _key(rng)
    history = [("set", (a, b"1")), ("set", (b, b"2")), ("delete", (a,)), ("close", ())]
    power.explore(StoreHistory(sync="never"), history, every_byte=False)


@points(1, suite="persistence", hint="new-folder")
def test_a_store_in_a_new_folder_survives_a_power_cut(power, rng):
    """A store that made its own folder, and the one around it, is there after a power cut."""
    history = [("set", (_key(rng), _value(rng)))]
    power.explore(StoreHistory(inside="new/deeper"), history, every_byte=False)
