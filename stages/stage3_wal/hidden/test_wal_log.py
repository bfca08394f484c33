"""Hidden tests of wal.py: what is written and read back when nothing is damaged."""

from grader.testkit import formats, points, random_key, random_value


def _row(rng):
    return (formats.SET, rng.randrange(10**18), random_key(rng), random_value(rng))


@points(2, suite="correctness", hint="frame-bytes")
def test_every_kind_of_entry_fits_in_a_frame(kv, data_dir, rng):
    """SET, DELETE and EXPIRE entries, extreme timestamps too, are written and read exactly."""
    path, key = data_dir / formats.segment_name(1), random_key(rng)
    rows = [
        (formats.SET, -(2**63), key, b""),
        (formats.EXPIRE, 2**63 - 1, key, formats.deadline(rng.randrange(2**63))),
        (formats.EXPIRE, 0, key, b""),
        (formats.DELETE, -1, "ключ/鍵/🔑", b""),
    ]
    wal = kv.WAL(path)
    wal.append(*kv.entries(rows))
    assert path.read_bytes() == formats.frame(*rows)
    assert kv.frames(wal.replay()) == [rows]


@points(2, suite="correctness", hint="frame-bytes")
def test_values_that_look_like_a_log_come_back_whole(kv, data_dir, rng):
    """Line ends, zeros, the magic and even a whole frame inside a value are just bytes."""
    inside = formats.frame(_row(rng))
    values = [b"\r\n\x1a\n", bytes(64), formats.ENTRY_MAGIC * 3, inside, inside + b"KV"]
    rows = [(formats.SET, 1, random_key(rng), value) for value in values]
    wal = kv.WAL(data_dir / formats.segment_name(1))
    for entry in kv.entries(rows):
        wal.append(entry)
    assert kv.frames(wal.replay()) == [[row] for row in rows]


@points(2, suite="correctness", hint="refuse-first")
def test_a_refused_entry_takes_the_whole_frame_with_it(kv, data_dir, rng):
    """If one of several entries is refused, nothing is written, and the log goes on."""
    path, a, b, c = data_dir / formats.segment_name(1), _row(rng), _row(rng), _row(rng)
    wal = kv.WAL(path)
    wal.append(kv.entry(*a))
    with kv.raises("InvalidKeyError"):
        wal.append(kv.entry(*b), kv.entry(formats.SET, 1, "", b"no key"), kv.entry(*b))
    assert path.read_bytes() == formats.frame(a)
    wal.append(kv.entry(*c))
    assert path.read_bytes() == formats.frame(a) + formats.frame(c)


@points(1, suite="correctness", hint="log-replay")
def test_replay_hands_out_a_frame_before_it_reads_the_next(kv, data_dir, rng):
    """The frames before the damage come out first; the error comes where it is reached."""
    path, a, b = data_dir / formats.segment_name(1), _row(rng), _row(rng)
    kv.note("three frames; the first byte of the second one is wrong")
    damaged = bytearray(formats.frame(b))
    damaged[0] ^= 0x40
    path.write_bytes(formats.frame(a) + damaged + formats.frame(b))
    frames = iter(kv.WAL(path).replay())
    assert [kv.row(entry) for entry in next(frames)] == [a]
    with kv.raises("CorruptLogError"):
        next(frames)


@points(1, suite="correctness", hint="log-replay")
def test_each_replay_begins_at_the_first_frame(kv, data_dir, rng):
    """A log can be replayed again, between appends and after a replay nobody finished."""
    a, b = _row(rng), _row(rng)
    wal = kv.WAL(data_dir / formats.segment_name(1))
    wal.append(kv.entry(*a))
    wal.append(kv.entry(*a))
    next(iter(wal.replay()))
    wal.append(kv.entry(*b))
    assert kv.frames(wal.replay()) == [[a], [a], [b]]
    assert kv.frames(wal.replay()) == [[a], [a], [b]]


@points(1, suite="correctness", hint="torn-tail")
def test_bytes_cut_speaks_of_the_last_replay_only(kv, data_dir, rng):
    """A replay that cuts nothing sets bytes_cut to 0 and cut_offset to None."""
    path, a = data_dir / formats.segment_name(1), _row(rng)
    kv.note("the file holds one whole frame and 5 bytes more")
    path.write_bytes(formats.frame(a) + b"\1\2\3\4\5")
    wal = kv.WAL(path)
    kv.frames(wal.replay())
    assert (wal.bytes_cut, wal.cut_offset) == (5, len(formats.frame(a)))
    kv.frames(wal.replay())
    assert (wal.bytes_cut, wal.cut_offset) == (0, None)


@points(1, suite="correctness", hint="closed-log")
def test_a_closed_log_refuses_everything_but_close(kv, data_dir):
    """After close, sync and replay are a ValueError too, and closing again does nothing."""
    wal = kv.WAL(data_dir / formats.segment_name(1))
    wal.close()
    wal.close()
    with kv.raises("ValueError"):
        wal.sync()
    with kv.raises("ValueError"):
        kv.frames(wal.replay())


@points(1, suite="correctness", hint="closed-log")
def test_leaving_a_with_block_closes_the_log(kv, data_dir, rng):
    """`with WAL(path) as wal:` gives the log itself and closes it at the end."""
    path, row = data_dir / formats.segment_name(1), _row(rng)
    entry = kv.entry(*row)
    with kv.WAL(path) as wal:
        wal.append(entry)
    with kv.raises("ValueError"):
        wal.append(entry)
    assert formats.read_frames(path) == [[row]]


@points(1, suite="correctness", hint="segment-names")
def test_only_segments_are_listed(kv, data_dir):
    """list_segments passes over every other file in the folder."""
    others = ["LOCK", "wal-old.log", "snapshot-0000000003.kvsp", "wal-0000000004.log.tmp"]
    for name in [*others, "my-wal-0000000005.log", formats.segment_name(2)]:
        (data_dir / name).touch()
    listed = [(number, path.parts[-1]) for number, path in kv.wal.list_segments(data_dir)]
    assert listed == [(2, formats.segment_name(2))]


@points(1, suite="correctness", hint="segment-names")
def test_segments_are_ordered_as_numbers_not_as_text(kv, data_dir):
    """Segment 9999999999 comes before segment 10000000000, whose name has one digit more."""
    numbers = [10**10, 9_999_999_999, 10**10 + 1, 1]
    for number in numbers:
        (data_dir / formats.segment_name(number)).touch()
    assert [number for number, _ in kv.wal.list_segments(data_dir)] == sorted(numbers)
    assert kv.wal.segment_path(data_dir, 10**10).parts[-1] == "wal-10000000000.log"


@points(1, suite="correctness", hint="frame-bytes")
def test_a_large_value_is_logged_whole(kv, data_dir, rng):
    """A value of 1 MiB is written and read back."""
    row = (formats.SET, 1, random_key(rng), random_value(rng, 2**20))
    path = data_dir / formats.segment_name(1)
    wal = kv.WAL(path)
    wal.append(kv.entry(*row))
    assert path.stat().st_size == len(formats.frame(row))
    assert kv.frames(wal.replay()) == [[row]]


@points(1, suite="correctness", hint="log-speed")
def test_an_append_costs_the_same_in_a_long_log(kv, data_dir, rng):
    """3,000 appends take but a moment: append does not read the log again every time."""
    path, row = data_dir / formats.segment_name(1), _row(rng)
    kv.note("the file holds 1,000 frames")
    path.write_bytes(formats.frame(row) * 1000)
    wal, entry = kv.WAL(path, sync="never"), kv.entry(*row)
    kv.call_many([(wal.append, (entry,))] * 3000, "3,000 times wal.append")
    assert path.stat().st_size == 4000 * len(formats.frame(row))


@points(1, suite="correctness", hint="log-speed")
def test_replay_reads_a_long_log_once(kv, data_dir, rng):
    """8,000 frames of 2 KiB replay in a moment: no frame makes replay copy all the rest."""
    path, row = data_dir / formats.segment_name(1), _row(rng)
    padding = (formats.SET, 1, "padding", bytes(2048))
    kv.note("the file holds 8,000 frames of 2 KiB and a small one at the end")
    path.write_bytes(formats.frame(padding) * 8_000 + formats.frame(row))
    frames = kv.frames(kv.WAL(path, sync="never").replay())
    assert (len(frames), frames[-1]) == (8_001, [row])
