"""Hidden tests of store.py: what is there after closing, killing, tearing and damaging."""

from pathlib import Path

from grader.testkit import formats, points, random_key, random_value
from grader.testkit.formats import DELETE, SET


def _segment(data_dir, number):
    return data_dir / formats.segment_name(number)


def _facts(store):
    """What `store.recovery` says: segments, frames, bytes cut, the file's name and the offset."""
    found = store.recovery
    name = Path(found.cut_path).name if found.cut_path is not None else None
    replayed = (found.segments_replayed, found.frames_replayed)
    return (*replayed, found.bytes_cut, name, found.cut_offset)


def _segments(data_dir):
    """The bytes of every segment in the folder."""
    return {path.name: path.read_bytes() for path in data_dir.glob("wal-*.log")}


def _some_writes(store, rng, count):
    """Random calls, of which none fails; keys and values cannot be guessed."""
    keys = [random_key(rng) for _ in range(6)]
    calls = []
    for _ in range(count):
        key, value = rng.choice(keys), random_value(rng)
        seconds = rng.randrange(50, 500)
        batch = [("set", key, value), ("expire", key, seconds), ("delete", rng.choice(keys))]
        choices = [
            (store.set, (key, value)),
            (store.setnx, (key, value)),
            (store.delete, (key,)),
            (store.expire, (key, seconds)),
            (store.persist, (key,)),
            (store.incr, ("counter", seconds)),
            (store.apply_batch, (batch,)),
        ]
        calls.append(rng.choice(choices))
    return calls


@points(2, suite="persistence", hint="opening")
def test_everything_is_as_before_after_a_kill(kv, data_dir, clock, rng):
    """After many different writes and a kill, all values and deadlines are as they were."""
    store = kv.Store.open(data_dir, sync="never", clock=clock)
    kv.call_many(_some_writes(store, rng, 80), "80 random writes")
    before = store.dump()
    kv.kill()
    assert kv.Store.open(data_dir, clock=clock).dump() == before


@points(1, suite="persistence", hint="opening")
def test_deleted_keys_stay_deleted(kv, data_dir):
    """A key that was deleted, by itself or in a batch, is not back after reopening."""
    store = kv.Store.open(data_dir)
    for key in ("a", "b", "c"):
        store.set(key, b"1")
    store.delete("a")
    store.apply_batch([("delete", "b")])
    store.close()
    assert kv.Store.open(data_dir).keys() == ["c"]


@points(1, suite="persistence", hint="absolute-deadlines")
def test_a_key_can_die_while_the_store_is_closed(kv, data_dir, clock):
    """A key whose deadline passes while the store is closed is gone at that very instant."""
    store = kv.Store.open(data_dir, clock=clock)
    store.set("dies", b"1")
    store.set("lives", b"2")
    store.expire("dies", 10)
    store.expire("lives", 11)
    store.close()
    clock.advance(10)
    store = kv.Store.open(data_dir, clock=clock)
    assert (store.get("dies"), store.exists("dies"), store.ttl("dies")) == (None, False, -2.0)
    assert (len(store), store.keys(), store.ttl("lives")) == (1, ["lives"], 1.0)


@points(2, suite="persistence", hint="replay-judges-nothing")
def test_a_key_persisted_in_time_is_alive_after_its_old_deadline(kv, data_dir, clock):
    """PERSIST was logged before the deadline: reopened long after it, the key is still there."""
    store = kv.Store.open(data_dir, clock=clock)
    store.set("a", b"1")
    store.expire("a", 10)
    clock.advance(9)
    assert store.persist("a") is True
    store.close()
    clock.advance(1000)
    store = kv.Store.open(data_dir, clock=clock)
    assert (store.get("a"), store.ttl("a")) == (b"1", -1.0)


@points(2, suite="persistence", hint="replay-judges-nothing")
def test_a_deadline_moved_in_time_is_the_one_that_counts(kv, data_dir, clock):
    """A second expire moves the deadline: reopened between the two, the key is still there."""
    store = kv.Store.open(data_dir, clock=clock)
    store.set("a", b"1")
    store.expire("a", 10)
    store.expire("a", 100)
    store.close()
    clock.advance(50)
    store = kv.Store.open(data_dir, clock=clock)
    assert (store.get("a"), store.ttl("a")) == (b"1", 50.0)


@points(1, suite="persistence", hint="absolute-deadlines")
def test_set_and_incr_treat_deadlines_alike_after_reopening(kv, data_dir, clock):
    """After reopening, too, set has cleared the deadline and incr has kept it."""
    store = kv.Store.open(data_dir, clock=clock)
    for key in ("by set", "by incr"):
        store.set(key, b"1")
        store.expire(key, 100)
    store.set("by set", b"2")
    store.incr("by incr")
    store.close()
    clock.advance(40)
    store = kv.Store.open(data_dir, clock=clock)
    assert (store.ttl("by set"), store.ttl("by incr")) == (-1.0, 60.0)
    assert (store.get("by set"), store.get("by incr")) == (b"2", b"2")


@points(1, suite="persistence", hint="absolute-deadlines")
def test_a_deadline_in_the_past_deletes_for_good(kv, data_dir, clock):
    """A deadline that is now or was before removes the key, now and after reopening."""
    store = kv.Store.open(data_dir, clock=clock)
    for key in ("zero", "less", "past", "stays"):
        store.set(key, b"1")
    assert (store.expire("zero", 0), store.expire("less", -5)) == (True, True)
    assert store.expire_at("past", clock.now_ns) is True
    assert store.keys() == ["stays"]
    store.close()
    assert kv.Store.open(data_dir, clock=clock).keys() == ["stays"]


@points(2, suite="persistence", hint="recovery-facts")
def test_a_torn_batch_is_not_there_at_all(kv, data_dir):
    """Wherever the frame of a batch is torn, none of its changes is there after recovery."""
    whole = formats.frame((SET, 1, "a", b"1"))
    batch = formats.frame((SET, 2, "b", b"2"), (DELETE, 2, "a", b""), (SET, 2, "c", b"3"))
    for cut in (1, 7, 8, 40, len(batch) - 1):
        folder = data_dir / f"cut_{cut}"
        folder.mkdir()
        _segment(folder, 1).write_bytes(whole + batch[:cut])
        kv.note(f"the log holds a=1 and the first {cut} of a batch's {len(batch)} bytes")
        store = kv.Store.open(folder)
        assert store.dump() == ({"a": b"1"}, {})
        assert _facts(store) == (1, 1, cut, formats.segment_name(1), len(whole))


@points(2, suite="persistence", hint="recovery-facts")
def test_the_log_goes_on_after_each_torn_tail(kv, data_dir):
    """Torn again and again, the log loses nothing that was acknowledged, and says each cut."""
    kv.Store.open(data_dir).set("a", b"1")
    facts = []
    for number in (1, 2, 3):
        kv.kill()
        with _segment(data_dir, number).open("ab") as file:
            file.write(b"torn"[:number])
        kv.note(f"{number} bytes of a torn write follow in segment {number}")
        store = kv.Store.open(data_dir)
        facts.append(_facts(store))
        store.set(f"k{number}", b"1")
    size = len(formats.frame((SET, 1, "k1", b"1")))
    names = [formats.segment_name(number) for number in (1, 2, 3)]
    expected = [(1, 1, 1, names[0], size - 1), (2, 2, 2, names[1], size), (3, 3, 3, names[2], size)]
    assert facts == expected
    store.close()
    assert sorted(kv.Store.open(data_dir).keys()) == ["a", "k1", "k2", "k3"]


@points(1, suite="persistence", hint="recovery-facts")
def test_recovery_tells_what_it_read(kv, data_dir):
    """A new folder recovers nothing; an old one its segments and frames, and cuts nothing."""
    store = kv.Store.open(data_dir)
    assert (store.recovery.snapshot_number, _facts(store)) == (None, (0, 0, 0, None, None))
    for key in ("a", "b", "c"):
        store.set(key, b"1")
    store.close()
    store = kv.Store.open(data_dir)
    assert _facts(store) == (1, 3, 0, None, None)
    store.apply_batch([("set", "d", b"1"), ("set", "e", b"1")])
    store.close()
    store = kv.Store.open(data_dir)
    assert (store.recovery.snapshot_number, _facts(store)) == (None, (2, 4, 0, None, None))


@points(2, suite="persistence", hint="damaged-log")
def test_damage_before_the_end_is_never_cut(kv, data_dir):
    """A broken frame with a whole one behind it is `CorruptLogError`, and nothing is cut."""
    first, second, third = (formats.frame((SET, n, f"k{n}", b"value")) for n in (1, 2, 3))
    path = _segment(data_dir, 1)
    path.write_bytes(first + second[:-1] + b"?" + third)
    kv.note("the last byte of the second of three frames is wrong")
    before = _segments(data_dir)
    with kv.raises("CorruptLogError") as raised:
        kv.Store.open(data_dir)
    place = (Path(raised.attribute("path")).name, raised.attribute("offset"))
    assert place == (path.name, len(first))
    assert _segments(data_dir) == before


@points(2, suite="persistence", hint="damaged-log")
def test_a_torn_end_of_an_earlier_segment_is_never_cut(kv, data_dir):
    """Only the last segment may be torn: an earlier one is reported with its place, and kept."""
    whole = formats.frame((SET, 1, "a", b"1"))
    _segment(data_dir, 1).write_bytes(whole + whole[:20])
    _segment(data_dir, 2).write_bytes(formats.frame((SET, 2, "b", b"2")))
    kv.note("segment 1 ends with 20 bytes of a frame; segment 2 is whole")
    before = _segments(data_dir)
    with kv.raises("CorruptLogError") as raised:
        kv.Store.open(data_dir)
    place = (Path(raised.attribute("path")).name, raised.attribute("offset"))
    assert place == (formats.segment_name(1), len(whole))
    assert _segments(data_dir) == before


@points(2, suite="persistence", hint="damaged-log")
def test_a_missing_segment_is_an_error(kv, data_dir):
    """A gap in the numbers, also at the beginning, is `CorruptLogError`, and no file changes."""
    for name, numbers in {"middle": (1, 3), "first": (2, 3)}.items():
        folder = data_dir / name
        folder.mkdir()
        for number in numbers:
            _segment(folder, number).write_bytes(formats.frame((SET, number, "k", b"%d" % number)))
        kv.note(f"the folder holds segments {numbers} only")
        before = _segments(folder)
        with kv.raises("CorruptLogError"):
            kv.Store.open(folder)
        assert _segments(folder) == before


@points(1, suite="persistence", hint="one-store-a-folder")
def test_a_folder_can_be_opened_once_it_is_repaired(kv, data_dir):
    """An open that failed on a damaged log holds no lock: once repaired, the folder opens."""
    earlier = _segment(data_dir, 1)
    whole = formats.frame((SET, 1, "a", b"1"))
    earlier.write_bytes(whole[:-1])
    _segment(data_dir, 2).write_bytes(b"")
    kv.note("segment 1 lacks its last byte; segment 2 is empty")
    with kv.raises("CorruptLogError") as _kept_alive:
        kv.Store.open(data_dir)
    earlier.write_bytes(whole)
    kv.note("segment 1 is repaired")
    assert kv.Store.open(data_dir).get("a") == b"1"


@points(1, suite="persistence", hint="one-segment-a-session")
def test_segments_count_in_the_order_of_their_numbers(kv, data_dir):
    """Twelve segments are replayed from 1 to 12, and the session writes to the 13th."""
    for number in range(1, 13):
        frame = formats.frame((SET, number, "latest", b"%d" % number))
        _segment(data_dir, number).write_bytes(frame)
    kv.note("segments 1 to 12 each set `latest` to their number")
    store = kv.Store.open(data_dir)
    assert (store.get("latest"), _facts(store)) == (b"12", (12, 12, 0, None, None))
    store.set("latest", b"13")
    assert sorted(_segments(data_dir))[12:] == [formats.segment_name(13)]


@points(2, suite="persistence", hint="one-segment-a-session")
def test_a_snapshot_that_was_not_saved_removes_nothing(kv, data_dir):
    """As long as `latest_snapshot` knows of none, `snapshot` only begins a new segment."""
    store = kv.Store.open(data_dir)
    store.set("a", b"1")
    store.snapshot()
    store.set("b", b"2")
    kv.kill()
    store = kv.Store.open(data_dir)
    assert (sorted(store.keys()), _facts(store)) == (["a", "b"], (2, 2, 0, None, None))
