"""Hidden tests of wal.py: what replay makes of files that a crash or a bad disk left behind."""

import struct

from grader.testkit import formats, points, random_key, random_value

CRC, LENGTH, PAYLOAD = range(4), range(4, 8), range(8, 12)  # bytes of a frame, from its beginning


def _row(rng):
    return (formats.SET, rng.randrange(10**18), random_key(rng), random_value(rng))


def _flipped(rng, frame, place):
    """The frame with one bit of one of its bytes turned over."""
    damaged = bytearray(frame)
    damaged[rng.choice(place)] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def _replay_and_see(kv, path, data, **options):
    """Replay a file that holds `data`: its frames, what was cut and where, and what is left."""
    path.write_bytes(data)
    wal = kv.WAL(path, sync="never")
    frames = kv.frames(wal.replay(**options))
    seen = (frames, wal.bytes_cut, wal.cut_offset, path.read_bytes())
    wal.close()
    return seen


def _replay_and_fail(kv, path, data, **options):
    """Replay a file of `data`, which must raise CorruptLogError: its offset, and what is left."""
    path.write_bytes(data)
    wal = kv.WAL(path, sync="never")
    with kv.raises("CorruptLogError") as raised:
        kv.frames(wal.replay(**options))
    wal.close()
    return (raised.attribute("offset"), path.read_bytes())


# A torn tail.


@points(3, suite="persistence", hint="torn-tail")
def test_a_frame_torn_at_any_byte_is_cut(kv, data_dir, rng):
    """Wherever the last frame stops short, the frames before it come back and the rest is cut."""
    path, a = data_dir / formats.segment_name(1), _row(rng)
    whole, torn = formats.frame(a), formats.frame((formats.SET, 1, "key", b"value"))
    for size in range(1, len(torn)):
        kv.note(f"one whole frame, then {size} of the {len(torn)} bytes of another")
        seen = _replay_and_see(kv, path, whole + torn[:size])
        assert seen == ([[a]], size, len(whole), whole)


@points(1, suite="persistence", hint="torn-tail")
def test_a_log_of_nothing_but_a_torn_frame_becomes_empty(kv, data_dir, rng):
    """If even the first frame is torn, all is cut, and cut_offset is 0."""
    path, torn = data_dir / formats.segment_name(1), formats.frame(_row(rng))[:-1]
    kv.note("the file holds one frame without its last byte")
    assert _replay_and_see(kv, path, torn) == ([], len(torn), 0, b"")


@points(2, suite="persistence", hint="torn-tail")
def test_a_torn_frame_takes_all_its_entries_with_it(kv, data_dir, rng):
    """A frame of three entries with only the third cut short applies not at all."""
    path, a = data_dir / formats.segment_name(1), _row(rng)
    whole, batch = formats.frame(a), formats.frame(*(_row(rng) for _ in range(3)))
    kv.note("one whole frame, then a frame of three entries without its last byte")
    seen = _replay_and_see(kv, path, whole + batch[:-1])
    assert seen == ([[a]], len(batch) - 1, len(whole), whole)


@points(1, suite="persistence", hint="torn-tail")
def test_a_cut_is_fsynced(kv, data_dir, rng):
    """The file is fsynced after a torn tail was cut off, before anything else relies on it."""
    path, a = data_dir / formats.segment_name(1), _row(rng)
    kv.note("the file holds one whole frame and 9 bytes more")
    path.write_bytes(formats.frame(a) + bytes(range(1, 10)))
    wal = kv.WAL(path, sync="never")
    disk = kv.disk()
    kv.frames(wal.replay())
    sizes = [e.size for e in disk.events() if (e.operation, e.name) == ("fsync", path.name)]
    assert sizes[-1:] == [len(formats.frame(a))]


@points(2, suite="persistence", hint="uncut-tail")
def test_append_first_cuts_a_tail_that_nobody_replayed(kv, data_dir, rng):
    """An append to a segment with a torn tail cuts it first, so that the new frame can be found."""
    path, a, b, c = data_dir / formats.segment_name(1), _row(rng), _row(rng), _row(rng)
    kv.note("the file holds one whole frame and another without its last byte")
    path.write_bytes(formats.frame(a) + formats.frame(b)[:-1])
    wal = kv.WAL(path)
    wal.append(kv.entry(*c))
    assert path.read_bytes() == formats.frame(a) + formats.frame(c)


@points(1, suite="persistence", hint="uncut-tail")
def test_append_leaves_a_log_that_is_damaged_in_the_middle_as_it_is(kv, data_dir, rng):
    """An append to a log with damage before an intact frame is a CorruptLogError; it stays."""
    path, a, b = data_dir / formats.segment_name(1), _row(rng), formats.frame(_row(rng))
    damaged = _flipped(rng, formats.frame(a), PAYLOAD) + b
    kv.note("the file holds a damaged frame and then an intact one")
    path.write_bytes(damaged)
    wal, entry = kv.WAL(path), kv.entry(*a)
    with kv.raises("CorruptLogError"):
        wal.append(entry)
    assert path.read_bytes() == damaged


@points(1, suite="persistence", hint="uncut-tail")
def test_an_append_during_a_replay_is_not_cut_off(kv, data_dir, rng):
    """A replay that began before an append does not take the new frame for the torn tail."""
    path, a, b, c = data_dir / formats.segment_name(1), _row(rng), _row(rng), _row(rng)
    kv.note("the file holds one whole frame and another without its last byte")
    path.write_bytes(formats.frame(a) + formats.frame(b)[:-1])
    wal = kv.WAL(path)
    frames = iter(wal.replay())
    next(frames)
    wal.append(kv.entry(*c))
    for _rest in frames:
        pass
    assert path.read_bytes() == formats.frame(a) + formats.frame(c)


@points(2, suite="persistence", hint="damage-in-the-middle")
def test_an_earlier_segment_is_never_cut_wherever_it_is_torn(kv, data_dir, rng):
    """With is_last=False a frame that stops short is a CorruptLogError, and the file stays."""
    path = data_dir / formats.segment_name(1)
    whole, torn = formats.frame(_row(rng)), formats.frame(_row(rng))
    for size in (1, 7, 8, 9, len(torn) - 1):
        kv.note(f"one whole frame, then {size} of the {len(torn)} bytes of another")
        data = whole + torn[:size]
        assert _replay_and_fail(kv, path, data, is_last=False) == (len(whole), data)


@points(1, suite="persistence", hint="damage-in-the-middle")
def test_an_earlier_segment_that_is_whole_replays(kv, data_dir, rng):
    """With is_last=False a segment without damage replays as ever."""
    path, a, b = data_dir / formats.segment_name(1), _row(rng), _row(rng)
    whole = formats.frame(a) + formats.frame(b)
    assert _replay_and_see(kv, path, whole, is_last=False) == ([[a], [b]], 0, None, whole)


# Wrong bytes at the end.


@points(2, suite="persistence", hint="torn-tail")
def test_a_flipped_bit_in_the_last_frame_cuts_it(kv, data_dir, rng):
    """A wrong bit in checksum, length or payload of the last frame is taken for a torn write."""
    path, a, b = data_dir / formats.segment_name(1), _row(rng), formats.frame(_row(rng))
    whole = formats.frame(a)
    for name, place in (("checksum", CRC), ("length", LENGTH), ("payload", range(8, len(b)))):
        kv.note(f"two frames; one bit in the {name} of the second is wrong")
        seen = _replay_and_see(kv, path, whole + _flipped(rng, b, place))
        assert seen == ([[a]], len(b), len(whole), whole)


@points(2, suite="persistence", hint="torn-tail")
def test_a_tail_of_zeros_is_cut(kv, data_dir, rng):
    """Zeros at the end, as some file systems leave them after a power cut, are no frames."""
    path, a = data_dir / formats.segment_name(1), _row(rng)
    whole = formats.frame(a)
    for size in (8, 4096):
        kv.note(f"one whole frame, then {size} zero bytes")
        assert _replay_and_see(kv, path, whole + bytes(size)) == ([[a]], size, len(whole), whole)


@points(1, suite="persistence", hint="torn-tail")
def test_damage_that_runs_over_several_frames_is_cut_from_its_beginning(kv, data_dir, rng):
    """If the last two frames are both damaged, both are cut."""
    path, a = data_dir / formats.segment_name(1), _row(rng)
    whole, b, c = formats.frame(a), formats.frame(_row(rng)), formats.frame(_row(rng))
    tail = _flipped(rng, b, PAYLOAD) + _flipped(rng, c, CRC)
    kv.note("three frames; the second and the third are damaged")
    seen = _replay_and_see(kv, path, whole + tail)
    assert seen == ([[a]], len(tail), len(whole), whole)


@points(1, suite="persistence", hint="believe-no-frame")
def test_a_length_beyond_the_end_is_not_believed(kv, data_dir, rng):
    """A last frame that claims 4 GiB is cut, without making room for 4 GiB."""
    path, a = data_dir / formats.segment_name(1), _row(rng)
    whole, tail = formats.frame(a), struct.pack(">II", 1, 2**32 - 1) + b"KVLG"
    kv.note("one whole frame, then a header that claims a payload of 4,294,967,295 bytes")
    assert _replay_and_see(kv, path, whole + tail) == ([[a]], len(tail), len(whole), whole)


@points(2, suite="persistence", hint="believe-no-frame")
def test_a_right_checksum_does_not_make_a_frame(kv, data_dir, rng):
    """A last frame whose payload is not whole entries is cut, though its checksum holds."""
    path, a = data_dir / formats.segment_name(1), _row(rng)
    whole, entry = formats.frame(a), formats.entry(*_row(rng))
    for what, payload in (
        ("is an entry without its last byte", entry[:-1]),
        ("is an entry and one byte more", entry + b"K"),
        ("is no entry", b"not an entry at all, sorry"),
    ):
        kv.note(f"one whole frame, then one whose checksum is right but whose payload {what}")
        tail = formats.raw_frame(payload)
        assert _replay_and_see(kv, path, whole + tail) == ([[a]], len(tail), len(whole), whole)


@points(1, suite="persistence", hint="damage-in-the-middle")
def test_what_follows_the_damage_must_be_a_whole_frame_to_count(kv, data_dir, rng):
    """After the damage, a right checksum over no whole entries does not make it an error."""
    path, a, b = data_dir / formats.segment_name(1), _row(rng), formats.frame(_row(rng))
    whole, half_entry = formats.frame(a), formats.entry(*_row(rng))[:-1]
    for what, rest in (
        ("an entry without its last byte", formats.raw_frame(half_entry)),
        ("nothing", formats.raw_frame(b"")),
    ):
        kv.note(f"an intact frame, a damaged one, and one with the right checksum of {what}")
        tail = _flipped(rng, b, PAYLOAD) + rest
        assert _replay_and_see(kv, path, whole + tail) == ([[a]], len(tail), len(whole), whole)


@points(1, suite="persistence", hint="log-speed")
def test_a_large_torn_tail_is_searched_in_good_time(kv, data_dir, rng):
    """Looking for an intact frame in 1 MiB of torn value takes no more than a moment."""
    path, a = data_dir / formats.segment_name(1), _row(rng)
    whole = formats.frame(a)
    torn = formats.frame((formats.SET, 1, random_key(rng), random_value(rng, 2**20)))[:-1]
    kv.note("one whole frame, then one with a value of 1,048,576 bytes that lacks its last byte")
    assert _replay_and_see(kv, path, whole + torn) == ([[a]], len(torn), len(whole), whole)


# Wrong bytes before an intact frame.


@points(2, suite="persistence", hint="damage-in-the-middle")
def test_a_flipped_bit_before_an_intact_frame_is_an_error(kv, data_dir, rng):
    """A wrong bit in checksum or payload of an earlier frame is a CorruptLogError, no cut."""
    path = data_dir / formats.segment_name(1)
    a, b, c = (formats.frame(_row(rng)) for _ in range(3))
    for name, place in (("checksum", CRC), ("payload", range(8, len(b)))):
        kv.note(f"three frames; one bit in the {name} of the second is wrong")
        data = a + _flipped(rng, b, place) + c
        assert _replay_and_fail(kv, path, data) == (len(a), data)


@points(3, suite="persistence", hint="damage-in-the-middle")
def test_a_wrong_length_hides_no_intact_frame(kv, data_dir, rng):
    """A wrong bit in the length of an earlier frame does not hide the intact one after it."""
    path = data_dir / formats.segment_name(1)
    a, b, c = (formats.frame(_row(rng)) for _ in range(3))
    for byte in LENGTH:
        kv.note(f"three frames; one bit in byte {byte} of the second, in its length, is wrong")
        data = a + _flipped(rng, b, [byte]) + c
        assert _replay_and_fail(kv, path, data) == (len(a), data)


@points(2, suite="persistence", hint="damage-in-the-middle")
def test_missing_bytes_hide_no_intact_frame(kv, data_dir, rng):
    """An earlier frame that lacks its last bytes does not hide the intact one after it."""
    path = data_dir / formats.segment_name(1)
    a, b, c = (formats.frame(_row(rng)) for _ in range(3))
    for size in (1, 8, len(b) - 1):
        kv.note(f"one whole frame, {size} of the {len(b)} bytes of another, then a whole one")
        data = a + b[:size] + c
        assert _replay_and_fail(kv, path, data) == (len(a), data)


@points(1, suite="persistence", hint="damage-in-the-middle")
def test_several_damaged_frames_hide_no_intact_frame(kv, data_dir, rng):
    """Two damaged frames, then an intact one: a CorruptLogError where the damage begins."""
    path = data_dir / formats.segment_name(1)
    a, b, c, d = (formats.frame(_row(rng)) for _ in range(4))
    kv.note("four frames; the second and the third are damaged")
    data = a + _flipped(rng, b, PAYLOAD) + _flipped(rng, c, CRC) + d
    assert _replay_and_fail(kv, path, data) == (len(a), data)


@points(1, suite="persistence", hint="damage-in-the-middle")
def test_an_intact_batch_after_the_damage_counts(kv, data_dir, rng):
    """The intact frame after the damage may hold several entries."""
    path, a = data_dir / formats.segment_name(1), formats.frame(_row(rng))
    batch = formats.frame(*(_row(rng) for _ in range(3)))
    kv.note("two frames; the first is damaged, the second holds three entries")
    data = _flipped(rng, a, LENGTH) + batch
    assert _replay_and_fail(kv, path, data) == (0, data)


@points(1, suite="persistence", hint="believe-no-frame")
def test_a_payload_that_is_no_entry_before_an_intact_frame_is_an_error(kv, data_dir, rng):
    """An earlier frame with a right checksum but no whole entries is damage like any other."""
    path = data_dir / formats.segment_name(1)
    a, c = formats.frame(_row(rng)), formats.frame(_row(rng))
    half_entry = formats.entry(*_row(rng))[:-1]
    for what, payload in (("an entry without its last byte", half_entry), ("nothing", b"")):
        kv.note(f"three frames; the second holds {what}, and its checksum is right")
        data = a + formats.raw_frame(payload) + c
        assert _replay_and_fail(kv, path, data) == (len(a), data)


@points(1, suite="persistence", hint="damage-in-the-middle")
def test_damage_in_the_middle_of_an_earlier_segment_is_an_error(kv, data_dir, rng):
    """With is_last=False damage before an intact frame is a CorruptLogError as well."""
    path = data_dir / formats.segment_name(1)
    a, b, c = (formats.frame(_row(rng)) for _ in range(3))
    kv.note("three frames; the second is damaged")
    data = a + _flipped(rng, b, CRC) + c
    assert _replay_and_fail(kv, path, data, is_last=False) == (len(a), data)
