"""The golden files still mean what they meant, and packages read what others have written."""

import pytest

from grader.checks.design_kit import DESIGNS, submission
from grader.checks.make_golden import LOG, WANTED, contents_of, opened_by, written_by
from grader.course import REFERENCE_DIR
from grader.samples import lay_out_samples
from grader.testkit import formats
from grader.testkit.damage import Recovered, right_store
from grader.testkit.golden import golden

PERSISTENT = ("wal.py", "store.py", "snapshot.py")
OTHERS = sorted({path.parent.name for name in PERSISTENT for path in DESIGNS.glob(f"*/{name}")})


def without_times(files):
    """What the files hold, without what differs from one program to the next."""
    return {
        name: formats.parse_snapshot(data, name)[:2]
        if name.endswith(".kvsp")
        else [
            [(op, key, value) for op, _time, key, value in frame]
            for frame in formats.parse_frames(data, name)
        ]
        for name, data in files.items()
    }


@pytest.mark.parametrize("name", WANTED)
def test_a_golden_file_holds_what_it_says(name):
    kept = golden(name)
    segments = {file for file in kept.files if file.endswith(".log")}
    frames = {file: formats.parse_frames(kept.files[file], file) for file in segments}
    assert frames == {file: [list(frame) for frame in kept.frames[file]] for file in segments}
    if WANTED[name][0] is not LOG:
        recovered = right_store(kept.files)
        assert isinstance(recovered, Recovered)
        assert (recovered.items, recovered.deadlines) == (kept.items, kept.deadlines)


@pytest.mark.parametrize("name", WANTED)
def test_the_reference_still_writes_the_golden_files(name):
    assert without_times(written_by(REFERENCE_DIR, *WANTED[name])) == without_times(
        golden(name).files
    )


@pytest.mark.parametrize("design", OTHERS)
def test_designs_and_the_reference_read_each_others_files(design, tmp_path):
    reads_and_is_read(submission(design, tmp_path / "kvstore"))


def test_a_good_sample_and_the_reference_read_each_others_files(tmp_path):
    samples = {folder.name: folder for folder in lay_out_samples(tmp_path)}
    reads_and_is_read(samples["submission-06"] / "kvstore")


def reads_and_is_read(other):
    """A package writes what the reference wrote, and each opens what the other has written."""
    for name in WANTED:
        subject, sessions = WANTED[name]
        written = written_by(other, subject, sessions)
        assert without_times(written) == without_times(golden(name).files)
        expected = contents_of(subject, sessions)
        assert opened_by(REFERENCE_DIR, subject, written) == expected
        assert opened_by(other, subject, golden(name).files) == expected
