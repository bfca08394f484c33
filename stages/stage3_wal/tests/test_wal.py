"""Visible tests of wal.py: what every log must do."""

from grader.testkit import formats, points, random_key, random_value


def _row(rng):
    return (formats.SET, rng.randrange(10**18), random_key(rng), random_value(rng))


def _synced_size(disk, path):
    """The size that the file had at its last fsync; None if there was no fsync."""
    sizes = [e.size for e in disk.events() if (e.operation, e.name) == ("fsync", path.name)]
    return sizes[-1] if sizes else None


# The format.


@points(1, suite="correctness", hint="frame-bytes")
def test_a_frame_is_a_checksum_a_length_and_the_entry(kv, data_dir, rng):
    """append writes the checksum of the payload, its length, and the encoded entry as payload."""
    path, row = data_dir / formats.segment_name(1), _row(rng)
    wal = kv.WAL(path)
    wal.append(kv.entry(*row))
    assert path.read_bytes() == formats.frame(row)


@points(2, suite="correctness", hint="frame-bytes")
def test_entries_of_one_append_share_a_frame(kv, data_dir, rng):
    """Several entries of one append lie back to back in one frame."""
    path, rows = data_dir / formats.segment_name(1), [_row(rng) for _ in range(3)]
    wal = kv.WAL(path)
    wal.append(*kv.entries(rows))
    assert path.read_bytes() == formats.frame(*rows)


@points(2, suite="correctness", hint="log-replay")
def test_replay_yields_one_list_of_entries_a_frame(kv, data_dir, rng):
    """replay yields the entries of each frame as a list, in the order of the appends."""
    a, b, c = (_row(rng) for _ in range(3))
    wal = kv.WAL(data_dir / formats.segment_name(1))
    wal.append(kv.entry(*a))
    wal.append(kv.entry(*b), kv.entry(*c))
    assert kv.frames(wal.replay()) == [[a], [b, c]]


@points(1, suite="correctness", hint="log-replay")
def test_a_new_log_is_an_empty_file(kv, data_dir):
    """Opening a log whose file is missing makes the file, and it has no frames."""
    path = data_dir / formats.segment_name(1)
    wal = kv.WAL(path)
    assert path.exists(), "WAL(path) made no file"
    assert kv.frames(wal.replay()) == []


@points(1, suite="correctness", hint="refuse-first")
def test_an_append_of_nothing_is_refused(kv, data_dir):
    """append() without entries is a ValueError and writes nothing."""
    path = data_dir / formats.segment_name(1)
    wal = kv.WAL(path)
    with kv.raises("ValueError"):
        wal.append()
    assert path.read_bytes() == b""


@points(1, suite="correctness", hint="sync-policy")
def test_an_unknown_sync_policy_is_refused(kv, data_dir):
    """A sync policy that is not always, interval or never is a ValueError."""
    with kv.raises("ValueError"):
        kv.WAL(data_dir / formats.segment_name(1), sync="sometimes")


@points(1, suite="correctness", hint="closed-log")
def test_a_closed_log_refuses_to_append(kv, data_dir, rng):
    """After close, append is a ValueError."""
    wal = kv.WAL(data_dir / formats.segment_name(1))
    entry = kv.entry(*_row(rng))
    wal.close()
    with kv.raises("ValueError"):
        wal.append(entry)


@points(1, suite="correctness", hint="segment-names")
def test_segments_are_named_and_listed_by_number(kv, data_dir):
    """Segment 7 is wal-0000000007.log, and list_segments lists by number."""
    assert kv.wal.segment_path(data_dir, 7).parts[-1] == "wal-0000000007.log"
    for number in (10, 7, 9):
        (data_dir / formats.segment_name(number)).touch()
    listed = [(number, path.parts[-1]) for number, path in kv.wal.list_segments(data_dir)]
    assert listed == [(number, formats.segment_name(number)) for number in (7, 9, 10)]


# What survives.


@points(1, suite="persistence", hint="opening-a-log")
def test_a_reopened_log_goes_on_at_its_end(kv, data_dir, rng):
    """Frames of a later session follow those of the earlier one."""
    path, a, b = data_dir / formats.segment_name(1), _row(rng), _row(rng)
    first = kv.WAL(path)
    first.append(kv.entry(*a))
    first.close()
    second = kv.WAL(path)
    second.append(kv.entry(*b))
    assert kv.frames(second.replay()) == [[a], [b]]


@points(2, suite="persistence", hint="killed")
def test_a_killed_process_loses_no_append(kv, data_dir, rng):
    """What append returned from is in the file, even if the process is killed at once."""
    path, rows = data_dir / formats.segment_name(1), [_row(rng) for _ in range(3)]
    wal = kv.WAL(path)
    for row in rows:
        wal.append(kv.entry(*row))
    kv.kill()
    assert formats.read_frames(path) == [[row] for row in rows]


@points(3, suite="persistence", hint="torn-tail")
def test_a_torn_tail_is_cut_and_the_log_goes_on(kv, data_dir, rng):
    """replay cuts off a frame that was only half written, and appends go on from there."""
    path = data_dir / formats.segment_name(1)
    a, b, c = (_row(rng) for _ in range(3))
    kv.note("the file holds one whole frame and the first 20 bytes of another")
    path.write_bytes(formats.frame(a) + formats.frame(b)[:20])
    wal = kv.WAL(path)
    assert kv.frames(wal.replay()) == [[a]]
    assert path.read_bytes() == formats.frame(a)
    wal.append(kv.entry(*c))
    assert kv.frames(wal.replay()) == [[a], [c]]


@points(1, suite="persistence", hint="torn-tail")
def test_a_cut_is_never_silent(kv, data_dir, rng):
    """After a replay, bytes_cut and cut_offset say how much was cut off and where."""
    path, a, b = data_dir / formats.segment_name(1), _row(rng), _row(rng)
    kv.note("the file holds one whole frame and the first 20 bytes of another")
    path.write_bytes(formats.frame(a) + formats.frame(b)[:20])
    wal = kv.WAL(path)
    kv.frames(wal.replay())
    assert (wal.bytes_cut, wal.cut_offset) == (20, len(formats.frame(a)))


@points(2, suite="persistence", hint="damage-in-the-middle")
def test_damage_before_an_intact_frame_is_an_error(kv, data_dir, rng):
    """Damage with an intact frame after it is a CorruptLogError, and nothing is cut."""
    path = data_dir / formats.segment_name(1)
    a, b, c = (formats.frame(_row(rng)) for _ in range(3))
    kv.note("three frames; the last byte of the second one is wrong")
    damaged = a + b[:-1] + bytes([b[-1] ^ 1]) + c
    path.write_bytes(damaged)
    wal = kv.WAL(path)
    with kv.raises("CorruptLogError") as raised:
        kv.frames(wal.replay())
    assert (raised.attribute("path"), raised.attribute("offset")) == (str(path), len(a))
    assert path.read_bytes() == damaged


@points(2, suite="persistence", hint="damage-in-the-middle")
def test_only_the_last_segment_may_have_a_torn_tail(kv, data_dir, rng):
    """replay(is_last=False) takes a torn tail for damage: CorruptLogError, and nothing is cut."""
    path, a, b = data_dir / formats.segment_name(1), _row(rng), _row(rng)
    torn = formats.frame(a) + formats.frame(b)[:20]
    kv.note("the file holds one whole frame and the first 20 bytes of another")
    path.write_bytes(torn)
    wal = kv.WAL(path)
    with kv.raises("CorruptLogError") as raised:
        kv.frames(wal.replay(is_last=False))
    assert raised.attribute("offset") == len(formats.frame(a))
    assert path.read_bytes() == torn


# When it reaches the disk.


@points(2, suite="persistence", hint="sync-policy")
def test_always_syncs_before_append_returns(kv, data_dir, rng):
    """With sync="always" the whole frame is fsynced before append returns."""
    path, row = data_dir / formats.segment_name(1), _row(rng)
    disk = kv.disk()
    wal = kv.WAL(path, sync="always")
    wal.append(kv.entry(*row))
    assert _synced_size(disk, path) == len(formats.frame(row))


@points(1, suite="persistence", hint="sync-policy")
def test_never_leaves_fsync_to_sync(kv, data_dir, rng):
    """With sync="never" append does not fsync, and sync() does."""
    path, row = data_dir / formats.segment_name(1), _row(rng)
    disk = kv.disk()
    wal = kv.WAL(path, sync="never")
    disk.events()
    wal.append(kv.entry(*row))
    assert _synced_size(disk, path) is None
    wal.sync()
    assert _synced_size(disk, path) == len(formats.frame(row))
