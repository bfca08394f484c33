"""Hidden tests of snapshot.py: a snapshot that the reference once wrote, and one written anew."""

from grader.testkit import formats, points
from grader.testkit.golden import golden

STORE = golden("snapshots")
NAME = formats.snapshot_name(2)
ITEMS, DEADLINES, _TIMESTAMP = formats.parse_snapshot(STORE.files[NAME], NAME)


def _read(path):
    """The items and deadlines of a snapshot, which must be one to the last byte."""
    assert path.is_file(), f"there should be a file {path.name}"
    return formats.parse_snapshot(path.read_bytes(), path.name)[:2]


@points(2, suite="persistence", hint="golden-snapshot")
def test_a_snapshot_of_another_program_loads(kv, data_dir):
    """Any key, any value, and deadlines that have passed long ago: all comes back."""
    (data_dir / NAME).write_bytes(STORE.files[NAME])
    kv.note("the snapshot was written by another program")
    assert kv.load_snapshot(data_dir / NAME) == (ITEMS, DEADLINES)


@points(1, suite="persistence", hint="golden-snapshot")
def test_another_program_reads_a_snapshot(kv, data_dir):
    """What write_snapshot writes is a snapshot to the last byte, and nothing is left out."""
    kv.write_snapshot(data_dir / NAME, ITEMS, DEADLINES)
    assert _read(data_dir / NAME) == (ITEMS, DEADLINES)


@points(2, suite="persistence", hint="golden-snapshot")
def test_a_folder_with_a_snapshot_of_another_program_opens(kv, data_dir, clock):
    """Snapshot and segments together are all that was there, and `recovery` counts them."""
    for name, data in STORE.files.items():
        (data_dir / name).write_bytes(data)
    kv.note("the folder was written by another program: a snapshot, and two segments after it")
    store = kv.Store.open(data_dir, clock=clock)
    assert store.dump() == (STORE.items, STORE.deadlines)
    found = store.recovery
    frames = sum(map(len, STORE.frames.values()))
    assert (found.snapshot_number, found.segments_replayed) == (2, 2)
    assert found.frames_replayed == frames


@points(2, suite="persistence", hint="golden-snapshot")
def test_another_program_reads_a_folder_with_a_snapshot(kv, data_dir, clock):
    """The same calls leave the same snapshot and as many frames in the same segments."""
    for number, session in enumerate(STORE.sessions, 1):
        with kv.Store.open(data_dir, clock=clock) as store:
            calls = [(getattr(store, name), args) for name, args in session]
            kv.call_many(calls, f"session {number}: {len(calls)} calls")
    assert _read(data_dir / NAME) == (ITEMS, DEADLINES)
    paths = data_dir.glob("wal-*.log")
    counts = {path.name: len(formats.read_frames(path)) for path in paths}
    assert counts == {name: len(frames) for name, frames in STORE.frames.items()}
