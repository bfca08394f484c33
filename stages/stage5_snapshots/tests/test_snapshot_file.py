"""One snapshot: its bytes, how they get to the disk, and how they are read back."""

from grader.testkit import formats, points, random_key, random_value


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


@points(1, suite="correctness", hint="snapshot-layout")
def test_a_snapshot_is_laid_out_byte_for_byte(kv, data_dir):
    """A snapshot is a header, its items, its deadlines, and a crc32 of all before it."""
    path = data_dir / "snapshot-0000000002.kvsp"
    kv.write_snapshot(path, {"ab": b"xyz"}, {"ab": 258})
    assert _names(data_dir) == ["snapshot-0000000002.kvsp"]
    data = path.read_bytes()
    assert data[:4] == b"KVSP"
    assert data[12:-4] == bytes.fromhex(  # the timestamp lies in between
        "00000001"  # count of the items
        "00000002 6162 00000003 78797a"  # key_len, key, value_len, value
        "00000001"  # count of the deadlines
        "00000002 6162 0000000000000102"  # key_len, key, deadline
    )
    timestamp = int.from_bytes(data[4:12], "big")
    assert data == formats.snapshot({"ab": b"xyz"}, {"ab": 258}, timestamp)


@points(1, suite="correctness", hint="snapshot-layout")
def test_what_was_written_is_loaded(kv, data_dir, rng):
    """Items and deadlines come back as they were."""
    path = data_dir / "snapshot-0000000002.kvsp"
    items = {random_key(rng): random_value(rng) for _ in range(5)}
    deadlines = {key: rng.randrange(2**62) for key in list(items)[:2]}
    kv.write_snapshot(path, items, deadlines)
    assert kv.load_snapshot(path) == (items, deadlines)


@points(1, suite="correctness", hint="snapshot-layout")
def test_an_empty_store_has_a_snapshot_too(kv, data_dir):
    """Without items and deadlines both counts are 0."""
    path = data_dir / "snapshot-0000000002.kvsp"
    kv.write_snapshot(path, {}, {})
    assert _names(data_dir) == ["snapshot-0000000002.kvsp"]
    assert kv.load_snapshot(path) == ({}, {})


@points(1, suite="persistence", hint="atomic-file")
def test_a_snapshot_gets_its_name_when_it_is_on_the_disk(kv, data_dir):
    """The temporary file is fsynced, whole, before it is renamed."""
    path = data_dir / "snapshot-0000000002.kvsp"
    disk = kv.disk()
    kv.write_snapshot(path, {"a": b"1"}, {})
    steps = [event[:3] for event in disk.events() if not event.folder]
    size = len(formats.snapshot({"a": b"1"}))
    assert steps[-2:] == [
        ("fsync", "snapshot-0000000002.kvsp.tmp", size),
        ("rename", "snapshot-0000000002.kvsp", 0),
    ]


@points(1, suite="persistence", hint="believe-nothing")
def test_a_snapshot_that_was_cut_is_refused(kv, data_dir):
    """A snapshot that lost its end is damaged."""
    path = data_dir / "snapshot-0000000002.kvsp"
    path.write_bytes(formats.snapshot({"a": b"1", "b": b"2"})[:-10])
    with kv.raises("CorruptSnapshotError"):
        kv.load_snapshot(path)


@points(1, suite="persistence", hint="snapshot-checksum")
def test_a_flipped_bit_is_noticed(kv, data_dir):
    """One wrong bit in a value, and the checksum does not fit any more."""
    path = data_dir / "snapshot-0000000002.kvsp"
    path.write_bytes(formats.snapshot({"a": b"the value"}).replace(b"value", b"valuf"))
    kv.note("one bit of the value in the snapshot was flipped")
    with kv.raises("CorruptSnapshotError"):
        kv.load_snapshot(path)


@points(1, suite="correctness", hint="latest-snapshot")
def test_the_latest_snapshot_has_the_highest_number(kv, data_dir):
    """The snapshot with the highest number is found; in an empty folder there is none."""
    assert kv.latest_snapshot(data_dir) is None
    for number in (2, 10, 9):  # the older, the larger: there was more to save before deletions
        items = {"a": bytes(12 - number)}
        (data_dir / formats.snapshot_name(number)).write_bytes(formats.snapshot(items))
    number, path = kv.latest_snapshot(data_dir)
    assert number == 10
    assert kv.load_snapshot(path) == ({"a": bytes(2)}, {})


@points(1, suite="persistence", hint="latest-snapshot")
def test_a_damaged_snapshot_is_passed_over(kv, data_dir):
    """When the newest snapshot is damaged, the newest intact one is found."""
    (data_dir / formats.snapshot_name(2)).write_bytes(formats.snapshot({"a": b"1"}))
    (data_dir / formats.snapshot_name(3)).write_bytes(formats.snapshot({"a": b"2"})[:-1])
    number, _path = kv.latest_snapshot(data_dir)
    assert number == 2
