"""Hidden tests of wal.py: a log that the reference once wrote, and the same log written anew."""

from grader.testkit import formats, points
from grader.testkit.golden import golden

LOG = golden("log")
NAME = formats.segment_name(1)


@points(2, suite="persistence", hint="golden-log")
def test_a_log_of_another_program_replays(kv, data_dir):
    """Keys of any script, empty values, batches, deadlines, odd timestamps: all comes back."""
    path = data_dir / NAME
    path.write_bytes(LOG.files[NAME])
    kv.note("the segment was written by another program")
    wal = kv.WAL(path, sync="never")
    frames = kv.frames(wal.replay())
    assert (frames, wal.bytes_cut) == ([list(frame) for frame in LOG.frames[NAME]], 0)
    wal.close()
    assert path.read_bytes() == LOG.files[NAME]


@points(2, suite="persistence", hint="golden-log")
def test_the_same_entries_make_the_same_file(kv, data_dir):
    """The same appends write, byte for byte, what another program wrote."""
    path = data_dir / NAME
    with kv.WAL(path, sync="never") as wal:
        for rows in LOG.frames[NAME]:
            wal.append(*kv.entries(rows))
    assert path.read_bytes() == LOG.files[NAME]
