"""Archives and file names as no honest student makes them."""

import gzip
import io
import stat
import tarfile
import zipfile
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.intake.archives import scan_archive
from grader.intake.files import ONE, IntakeError, Item, Limits
from grader.intake.folder import disk_item, scan_folder
from grader.intake.names import looks_like, show, spell
from grader.intake.package import choose
from grader.submission import find_submissions
from grader.tests.make_uploads import FILES, make_folder, make_tar, make_zip, zipped

MIB = 1024 * 1024
MAKERS = {"zip": make_zip, "tar.gz": make_tar, "tgz": make_tar}


@pytest.fixture(params=MAKERS)
def scan(request, tmp_path):
    """Scan an archive that is made of the given members."""

    def scan(files, limits=ONE):
        path = MAKERS[request.param](tmp_path / f"a.{request.param}", files)
        return scan_archive(path.name, io.BytesIO(path.read_bytes()), limits)

    return scan


def refused(scan, files, limits=ONE):
    with pytest.raises(IntakeError) as said:
        scan(files, limits)
    return str(said.value)


def zip_problem(data):
    def read_all():
        for item in scan_archive("a.zip", io.BytesIO(data), ONE):
            item.read()

    with pytest.raises(IntakeError) as said:
        read_all()
    return str(said.value)


def test_members_are_listed_in_order_and_read_whole(scan):
    files = {"b/x.py": "1", "a.txt": "", ".git/config": "", "__MACOSX/x": "", "a/__pycache__/y": ""}
    found = {str(item.path): (item.size, item.read()) for item in scan(files)}
    assert found == {"a.txt": (0, b""), "b/x.py": (1, b"1")}
    assert list(found) == ["a.txt", "b/x.py"]


@pytest.mark.parametrize(
    "name",
    ["../kvstore/x.py", "a/../../x.py", "/etc/x.py", "C:\\x.py", "..\\x.py", "kvstore\\..\\..\\x"],
)
def test_names_that_lead_outside_are_refused(scan, name):
    assert "leads outside" in refused(scan, {**FILES, name: ""})


def test_backslashes_are_folders(scan):
    assert [item.path for item in scan({"kvstore\\memory.py": ""})] == [
        PurePosixPath("kvstore/memory.py")
    ]


@pytest.mark.parametrize(
    ("kind", "said"),
    [(stat.S_IFLNK, "is a link"), (stat.S_IFIFO, "a FIFO"), (stat.S_IFCHR, "is a device")],
)
def test_special_members_of_a_zip_are_refused(tmp_path, kind, said):
    member = zipfile.ZipInfo("kvstore/entry.py")
    member.create_system = 3
    member.external_attr = (kind | 0o644) << 16
    path = make_zip(tmp_path / "a.zip", {**FILES, member: "/etc/passwd"})
    assert said in zip_problem(path.read_bytes())


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (tarfile.SYMTYPE, "is a link"),
        (tarfile.LNKTYPE, "is a link"),
        (tarfile.FIFOTYPE, "a FIFO"),
        (tarfile.CHRTYPE, "is a device"),
        (tarfile.BLKTYPE, "is a device"),
        (tarfile.GNUTYPE_SPARSE, "is a sparse file"),
        (b"V", "is a device"),
    ],
)
def test_special_members_of_a_tar_are_refused(tmp_path, kind, said):
    member = tarfile.TarInfo("kvstore/entry.py")
    member.type, member.linkname = kind, "memory.py"
    path = make_tar(tmp_path / "a.tgz", {**FILES, member: ""})
    with pytest.raises(IntakeError, match=said):
        scan_archive(path.name, io.BytesIO(path.read_bytes()), ONE)


def test_a_bomb_is_refused(scan):
    limits = Limits(files_max=10, archive_bytes_max=MIB, unpacked_bytes_max=MIB)
    assert refused(scan, {"zeros": bytes(MIB + 1)}, limits) == "it unpacks to more than 1 MiB"
    assert len(scan({"zeros": bytes(MIB)}, limits)) == 1


def test_a_tar_is_not_unpacked_beyond_the_limit(tmp_path):
    limits = Limits(files_max=10, archive_bytes_max=MIB, unpacked_bytes_max=MIB)
    path = make_tar(tmp_path / "a.tgz", {".hidden/zeros": bytes(4 * MIB)})
    with pytest.raises(IntakeError, match="unpacks to more than 1 MiB"):
        scan_archive(path.name, io.BytesIO(path.read_bytes()), limits)


def test_too_many_members_are_refused(scan, tmp_path):
    limits = Limits(files_max=2, archive_bytes_max=MIB, unpacked_bytes_max=MIB)
    files = {**FILES, "more.txt": ""}
    assert refused(scan, files, limits) == "it holds more than 2 files"
    with pytest.raises(IntakeError, match="more than 2 files"):
        scan_folder(make_folder(tmp_path / "alice", files), limits)


def test_too_large_an_archive_is_refused(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(bytes(ONE.archive_bytes_max + 1))
    (found,) = find_submissions([path], tmp_path / "copies")
    assert found.problem == "the file is larger than 20 MiB"


def test_members_are_counted_before_they_are_listed(monkeypatch):
    """Listing a zip takes memory for each member, so one with too many is never listed."""
    monkeypatch.setattr(zipfile, "ZipFile", lambda stream: pytest.fail("it was listed"))
    marks = b"PK\x01\x02" + bytes(42)
    assert zip_problem(marks * 2_001) == "it holds more than 2,000 files"
    split = bytes(MIB - 2) + marks * 2_001  # the first mark lies across two reads
    assert zip_problem(split) == "it holds more than 2,000 files"


def test_a_size_that_lies_is_refused():
    data = zipped({"kvstore/memory.py": "x" * 1000})
    lying = data.replace((1000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != data
    assert "memory.py in it is damaged" in zip_problem(lying)


@pytest.mark.parametrize("name", ["a.zip", "a.tgz", "a.tar.gz"])
@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 not really", b"\x1f\x8b\x08 not really"])
def test_a_file_that_is_no_such_archive_is_refused(name, data):
    with pytest.raises(IntakeError, match="or it is damaged"):
        scan_archive(name, io.BytesIO(data), ONE)


@pytest.mark.parametrize("name", ["a.7z", "a.rar", "a.tar", "a.tar.xz", "a.TAR.BZ2", "a.gz"])
def test_other_archives_are_refused_with_a_sentence(name):
    with pytest.raises(IntakeError, match="make a zip"):
        scan_archive(name, io.BytesIO(b""), ONE)


def test_an_encrypted_zip_is_refused():
    data = bytearray(zipped({"kvstore/memory.py": ""}))
    data[data.index(b"PK\x01\x02") + 8] |= 1  # the flags, in the central directory
    assert "kvstore/memory.py is encrypted" in zip_problem(data)


def test_an_unusual_compression_is_refused(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("kvstore/memory.py", "x = 1\n")
    assert "compressed in an unusual way" in zip_problem(path.read_bytes())


@pytest.mark.parametrize("kind", [b"0", b"x", b"L", b"g"])
def test_a_negative_size_in_a_tar_ends_the_reading(kind):
    """Going backwards in a tar would read the same header for ever."""
    header = bytearray(tarfile.TarInfo("kvstore/memory.py").tobuf())
    header[156:157] = kind
    header[124:136] = b"\xff" * 10 + b"\xfe\x00"  # -512, in base 256
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)

    with pytest.raises(IntakeError):
        scan_archive("a.tgz", io.BytesIO(gzip.compress(bytes(header) + bytes(1024))), ONE)


@given(at=st.integers(0, 400), byte=st.integers(0, 255), kind=st.sampled_from(sorted(MAKERS)))
def test_a_damaged_archive_is_a_problem_or_reads_as_it_was(tmp_path_factory, at, byte, kind):
    folder = tmp_path_factory.mktemp("damaged")
    path = MAKERS[kind](folder / f"a.{kind}", FILES)
    data = bytearray(path.read_bytes())
    data[at % len(data)] = byte
    path.write_bytes(data)
    (found,) = find_submissions([path], folder / "copies")
    assert bool(found.problem) == (found.package_dir is None)
    if found.package_dir:
        texts = {p.read_text() for p in found.package_dir.iterdir()}
        assert texts <= set(FILES.values())


@given(at=st.integers(0, 4096), byte=st.integers(0, 255))
def test_any_change_within_a_tar_gives_files_or_an_intake_error(tmp_path_factory, at, byte):

    folder = tmp_path_factory.mktemp("tar")
    data = bytearray(gzip.decompress(make_tar(folder / "a.tgz", FILES).read_bytes()))
    data[at % len(data)] = byte
    try:
        items = scan_archive("a.tgz", io.BytesIO(gzip.compress(data, 1)), ONE)
    except IntakeError:
        return
    assert all(len(item.read()) == item.size for item in items)


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path):
    path = make_folder(tmp_path, {"a.py": "x"}) / "a.py"
    item = disk_item(path, PurePosixPath("a.py"))
    path.write_text("xy")
    with pytest.raises(IntakeError, match="changed while it was read"):
        item.read()


def chosen(*names):
    """The names that are taken of a package, and what is said of the others."""
    items = [Item(PurePosixPath("kvstore", name), 0, bytes) for name in names]
    files, ignored = choose(items, PurePosixPath("kvstore"))
    return [item.path.name for item in files], ignored


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("m\u0435mory.py", r"m\N{CYRILLIC SMALL LETTER IE}mory.py"),
        ("Memory.py", "Memory.py"),
        ("mem\u00f3ry.py", r"mem\N{LATIN SMALL LETTER O WITH ACUTE}ry.py"),
        ("\uff4demory.py", r"\N{FULLWIDTH LATIN SMALL LETTER M}emory.py"),
        ("mem\u200bory.py", r"mem\N{ZERO WIDTH SPACE}ory.py"),
        ("\u202ememory.py", r"\N{RIGHT-TO-LEFT OVERRIDE}memory.py"),
        ("memory.py ", "memory.py "),
        ("memory.py.", "memory.py."),
        ("memory.py.txt", "memory.py.txt"),
    ],
)
def test_a_name_that_only_looks_like_a_course_file_s(name, spelled):
    said = f"it looks like memory.py, but its name is {spelled}; rename it"
    taken, (ignored,) = chosen("rwlock.py", name)
    assert taken == ["rwlock.py"]
    assert ignored.endswith(said)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("con.py", "Windows keeps this name for a device"),
        ("LPT1.py", "Windows keeps this name for a device"),
        ("x" * 300 + ".py", "its name is too long"),
        ("\U00020000" * 60 + ".py", "its name is too long"),
        ("x\u202eyp.py", "a file of this name cannot be imported"),
        ("a\nb.py", "a file of this name cannot be imported"),
        ("\udcff.py", "a file of this name cannot be imported"),
        (" a.py", "a file of this name cannot be imported"),
        ("a.b.py", "a file of this name cannot be imported"),
    ],
)
def test_a_name_that_cannot_be_used_is_left_aside(name, said):
    taken, (ignored,) = chosen("memory.py", name)
    assert taken == ["memory.py"]
    assert ignored.endswith(said)
    assert ignored.isprintable()
    assert len(ignored) < 200


def test_what_is_left_aside_is_listed_up_to_a_limit():
    _, ignored = chosen("memory.py", *(f"a {number}.py" for number in range(1_500)))
    assert len(ignored) == 21
    assert ignored[-1] == "and 1,480 more files"


def test_a_name_of_the_student_s_own_is_welcome():
    assert chosen("gr\u00f6\u00dfe.py", "class.py", "memory.py") == (
        ["class.py", "gr\u00f6\u00dfe.py", "memory.py"],
        [],
    )


@pytest.mark.parametrize(
    "names",
    [
        ("memory.py", "Memory.py"),
        ("memory.py", "memory.py"),
        ("\u00e9.py", "e\u0301.py"),
        ("\ufb01x.py", "fix.py"),
        ("gro\u00df.py", "gross.py"),
    ],
)
def test_names_that_a_disk_or_an_import_holds_for_one_are_refused(names):
    with pytest.raises(IntakeError, match="differ in case alone"):
        chosen(*names)


def test_twins_elsewhere_do_not_matter():
    items = [Item(PurePosixPath(name), 0, bytes) for name in ("kvstore/a.py", "x/B", "x/b")]
    assert len(choose(items, PurePosixPath("kvstore"))[0]) == 1


@given(st.text(max_size=300))
def test_any_name_can_be_shown_on_one_line(name):
    for text in (show(name), spell(name)):
        assert text.isprintable()
        assert len(text) <= 101


@given(st.text(max_size=30))
def test_any_name_can_be_compared(name):
    assert looks_like(name, {"memory.py"}) in (None, "memory.py")
