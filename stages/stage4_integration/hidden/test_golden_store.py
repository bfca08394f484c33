"""Hidden tests of store.py: a folder that the reference once wrote, and the same writes anew."""

from grader.testkit import formats, points
from grader.testkit.golden import golden

STORE = golden("store")


def _segments(data_dir):
    """The segments by their names: in each frame, which must be whole, (op, key, value)."""
    return {path.name: _plain(formats.read_frames(path)) for path in data_dir.glob("wal-*.log")}


def _plain(frames):
    """Frames without what differs from one program to the next: the timestamps."""
    return [[(op, key, value) for op, _time, key, value in frame] for frame in frames]


@points(2, suite="persistence", hint="golden-store")
def test_a_folder_of_another_program_opens(kv, data_dir, clock):
    """Values, counters, deadlines and batches of two sessions are there, and no file changes."""
    for name, data in STORE.files.items():
        (data_dir / name).write_bytes(data)
    kv.note("the folder was written by another program, in two sessions")
    store = kv.Store.open(data_dir, clock=clock)
    assert store.dump() == (STORE.items, STORE.deadlines)
    frames = sum(map(len, STORE.frames.values()))
    found = store.recovery
    assert (found.segments_replayed, found.frames_replayed, found.bytes_cut) == (2, frames, 0)
    store.close()
    assert {name: (data_dir / name).read_bytes() for name in STORE.files} == STORE.files


@points(2, suite="persistence", hint="golden-store")
def test_the_same_writes_make_the_same_segments(kv, data_dir, clock):
    """The same calls log, but for timestamps, what another program logged."""
    for number, session in enumerate(STORE.sessions, 1):
        with kv.Store.open(data_dir, clock=clock) as store:
            calls = [(getattr(store, name), args) for name, args in session]
            kv.call_many(calls, f"session {number}: {len(calls)} writes")
    wanted = {name: _plain(frames) for name, frames in STORE.frames.items()}
    assert _segments(data_dir) == wanted
