"""Hidden tests of wal.py: a log that one thread reads while another one writes."""

from grader.testkit import formats, points, random_key, random_value


def _rows(rng, count):
    return [(formats.SET, n, random_key(rng), random_value(rng)) for n in range(count)]


@points(1, suite="concurrency", hint="log-replay")
def test_a_replay_that_nobody_finishes_blocks_no_append(kv, data_dir, rng):
    """Between two frames a replay holds no lock: another thread can append."""
    path = data_dir / formats.segment_name(1)
    a, b, c = ([row] for row in _rows(rng, 3))
    wal = kv.WAL(path)
    for row in (a, b):
        wal.append(*kv.entries(row))
    frames, writer = iter(wal.replay()), kv.actor("writer")
    next(frames)
    writer.begin(wal.append, *kv.entries(c))
    state = "waits" if writer.blocked() else "returns"
    assert state == "returns"
    assert formats.read_frames(path) == [a, b, c]
