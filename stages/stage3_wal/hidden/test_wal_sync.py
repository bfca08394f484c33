"""Hidden tests of wal.py: when bytes reach the disk, and what a failed fsync does."""

from grader.testkit import formats, points, random_key, random_value


def _row(rng):
    return (formats.SET, rng.randrange(10**18), random_key(rng), random_value(rng))


def _synced_size(disk, path):
    """The size that the file had at its last fsync since the last look; None if there was none."""
    sizes = [e.size for e in disk.events() if (e.operation, e.name) == ("fsync", path.name)]
    return sizes[-1] if sizes else None


@points(2, suite="persistence", hint="opening-a-log")
def test_the_name_of_a_new_file_is_made_durable(kv, data_dir):
    """When the log makes its file, it fsyncs the folder, or a power cut may lose the name."""
    disk = kv.disk()
    kv.WAL(data_dir / formats.segment_name(1))
    folders = {e.name for e in disk.events() if e.operation == "fsync" and e.folder}
    assert data_dir.name in folders, "the folder was not fsynced"


@points(2, suite="persistence", hint="killed")
def test_a_killed_process_loses_nothing_under_the_lazy_policies(kv, data_dir, rng):
    """Under "never" and "interval" too, what append returned from survives SIGKILL."""
    rows = [_row(rng) for _ in range(5)]
    for number, policy in enumerate(["never", "interval"], 1):
        path = data_dir / formats.segment_name(number)
        wal = kv.WAL(path, sync=policy, interval=1e6)
        for entry in kv.entries(rows):
            wal.append(entry)
        kv.kill()
        assert formats.read_frames(path) == [[row] for row in rows]


@points(1, suite="persistence", hint="sync-policy")
def test_always_syncs_every_append_whole(kv, data_dir, rng):
    """With "always", also the default, each append is on disk in full when it returns."""
    path, rows = data_dir / formats.segment_name(1), [_row(rng) for _ in range(3)]
    wal, entries = kv.WAL(path), kv.entries(rows)
    disk = kv.disk()
    for count, entry in enumerate(entries, 1):
        wal.append(entry)
        assert _synced_size(disk, path) == count * len(formats.frame(rows[0]))


@points(2, suite="persistence", hint="sync-policy")
def test_interval_syncs_the_append_that_comes_late_enough(kv, data_dir, rng, clock):
    """With "interval" an append fsyncs once the interval has passed in full, not earlier."""
    path, row = data_dir / formats.segment_name(1), _row(rng)
    size = len(formats.frame(row))
    wal, entry = kv.WAL(path, "interval", interval=4.0, clock=clock), kv.entry(*row)
    wal.append(entry)
    wal.sync()
    disk = kv.disk()
    clock.advance(3.5)
    wal.append(entry)
    assert _synced_size(disk, path) is None
    clock.advance(0.5)
    wal.append(entry)
    assert _synced_size(disk, path) == 3 * size


@points(1, suite="persistence", hint="sync-policy")
def test_the_interval_begins_anew_with_each_fsync(kv, data_dir, rng, clock):
    """The interval is counted from the last fsync, whether an append or sync() asked for it."""
    path, row = data_dir / formats.segment_name(1), _row(rng)
    wal, entry = kv.WAL(path, "interval", interval=4.0, clock=clock), kv.entry(*row)
    wal.append(entry)
    clock.advance(4)
    wal.append(entry)
    disk = kv.disk()
    clock.advance(2)
    wal.append(entry)
    assert _synced_size(disk, path) is None, "2 s after the fsync of an append"
    wal.sync()
    disk.events()
    clock.advance(3)
    wal.append(entry)
    assert _synced_size(disk, path) is None, "3 s after sync()"


@points(1, suite="persistence", hint="sync-policy")
def test_sync_covers_every_append_since_the_last_one(kv, data_dir, rng):
    """Each sync() after new appends fsyncs them, not only the first one."""
    path, row = data_dir / formats.segment_name(1), _row(rng)
    size = len(formats.frame(row))
    wal, entry = kv.WAL(path, sync="never"), kv.entry(*row)
    disk = kv.disk()
    for count in (1, 2, 3):
        wal.append(entry)
        wal.sync()
        assert _synced_size(disk, path) == count * size


@points(2, suite="persistence", hint="closed-log")
def test_close_syncs_whatever_the_policy(kv, data_dir, rng):
    """close fsyncs what "never" and "interval" left to do."""
    row = _row(rng)
    disk = kv.disk()
    for number, policy in enumerate(["never", "interval"], 1):
        path = data_dir / formats.segment_name(number)
        wal = kv.WAL(path, sync=policy, interval=1e6)
        wal.append(kv.entry(*row))
        disk.events()
        wal.close()
        assert _synced_size(disk, path) == len(formats.frame(row))


@points(1, suite="persistence", hint="sync-policy")
def test_sync_covers_what_an_earlier_process_left(kv, data_dir, rng):
    """sync() also covers what the file held when it was opened: its writer may have died."""
    path, rows = data_dir / formats.segment_name(1), [_row(rng) for _ in range(2)]
    kv.note("the file holds two frames that nobody fsynced")
    path.write_bytes(b"".join(formats.frame(row) for row in rows))
    disk = kv.disk()
    wal = kv.WAL(path, sync="never")
    wal.sync()
    assert _synced_size(disk, path) == path.stat().st_size


@points(2, suite="persistence", hint="failed-fsync")
def test_a_failed_fsync_ends_the_log(kv, data_dir, rng):
    """A failed fsync is raised by append; then append and sync raise LogFailedError."""
    path, entry = data_dir / formats.segment_name(1), kv.entry(*_row(rng))
    wal = kv.WAL(path)
    kv.disk().fail_next("fsync")
    with kv.raises("OSError"):
        wal.append(entry)
    size = path.stat().st_size
    with kv.raises("LogFailedError"):
        wal.append(entry)
    with kv.raises("LogFailedError"):
        wal.sync()
    assert path.stat().st_size == size


@points(1, suite="persistence", hint="failed-fsync")
def test_a_failed_sync_ends_the_log_too(kv, data_dir, rng):
    """After a failed fsync of sync(), sync and append raise LogFailedError."""
    wal = kv.WAL(data_dir / formats.segment_name(1), sync="never")
    entry = kv.entry(*_row(rng))
    wal.append(entry)
    kv.disk().fail_next("fsync")
    with kv.raises("OSError"):
        wal.sync()
    with kv.raises("LogFailedError"):
        wal.sync()
    with kv.raises("LogFailedError"):
        wal.append(entry)


@points(1, suite="persistence", hint="failed-fsync")
def test_reopening_a_failed_log_helps(kv, data_dir, rng):
    """A log that failed can be closed and opened again, and then it goes on."""
    path, a, b, c = data_dir / formats.segment_name(1), _row(rng), _row(rng), _row(rng)
    wal = kv.WAL(path)
    wal.append(kv.entry(*a))
    entry = kv.entry(*b)
    kv.disk().fail_next("fsync")
    with kv.raises("OSError"):
        wal.append(entry)
    wal.close()
    again = kv.WAL(path)
    again.append(kv.entry(*c))
    frames = kv.frames(again.replay())
    assert [frames[0], frames[-1]] == [[a], [c]]


@points(1, suite="persistence", hint="failed-fsync")
def test_close_tells_that_its_fsync_failed(kv, data_dir, rng):
    """An OSError from the fsync that close makes is raised, not swallowed."""
    wal = kv.WAL(data_dir / formats.segment_name(1), sync="never")
    wal.append(kv.entry(*_row(rng)))
    kv.disk().fail_next("fsync")
    with kv.raises("OSError"):
        wal.close()


@points(1, suite="persistence", hint="failed-fsync")
def test_a_failed_fsync_of_a_cut_ends_the_log(kv, data_dir, rng):
    """When the fsync after a cut fails, replay raises the OSError, and append refuses."""
    path, a = data_dir / formats.segment_name(1), _row(rng)
    kv.note("the file holds one whole frame and 5 bytes more")
    path.write_bytes(formats.frame(a) + b"\1\2\3\4\5")
    wal, entry = kv.WAL(path), kv.entry(*a)
    kv.disk().fail_next("fsync")
    with kv.raises("OSError"):
        kv.frames(wal.replay())
    with kv.raises("LogFailedError"):
        wal.append(entry)
