"""Whatever way a package writes files, the record explains the folder, or says that it cannot."""

import errno
import os
import random
import sys
import textwrap

import pytest

from grader.tests.power_agent import records, replayed, tree_of
from grader.tests.power_snippets import ERRORS, HEAD, RECORDED, UNSUPPORTED
from grader.tests.race_agent import pythons

PYTHONS = pythons()


def source(bodies):
    lines = [HEAD]
    for number, body in enumerate(bodies):
        lines.append(f"def go{number}(folder):\n{textwrap.indent(body, '    ')}\n")
    return "\n".join(lines)


@pytest.fixture
def package(tmp_path):
    """Return a maker of a package `kvstore` whose module `m` has the given source."""

    def make(text):
        folder = tmp_path / "kvstore"
        folder.mkdir()
        (folder / "__init__.py").write_text("")
        (folder / "m.py").write_text(text)
        return folder

    return make


def call(name, *args):
    return ("", ":m", name, [("$", "folder"), *args], {})


def recorded(package, tmp_path, bodies, python, faults=()):
    made = package(source(bodies))
    folders = [str(tmp_path / f"data-{number}") for number in range(len(bodies))]
    wanted = [(folder, [call(f"go{n}")], list(faults)) for n, folder in enumerate(folders)]
    return list(zip(folders, records(made, wanted, python=python), strict=True))


def told(events):
    """Events in a few words; the file of an fsync by its name then."""
    names, lines = {}, []
    for kind, *args in events:
        if kind in ("create", "file"):
            names[args[1]] = args[0]
            lines.append(f"create {args[0]}")
        elif kind == "write":
            lines.append(f"write {args[1]}+{len(args[2])}")
        elif kind == "truncate":
            lines.append(f"truncate {args[1]}")
        elif kind == "fsync":
            lines.append(f"fsync {names[args[0]]}")
        elif kind not in ("begin", "end"):
            lines.append(" ".join([kind, *map(str, args)]))
    return lines


def fits(line, wanted):
    """Whether a line is as wanted, in which `*` stands for any word or number."""
    parts, others = line.replace("+", " + ").split(), wanted.replace("+", " + ").split()
    return len(parts) == len(others) and all(
        o in ("*", p) for p, o in zip(parts, others, strict=True)
    )


@pytest.mark.parametrize("version", PYTHONS)
def test_every_way_of_writing_is_written_down(package, tmp_path, version):
    bodies = [body for body, _ in RECORDED.values()]
    made = recorded(package, tmp_path, bodies, PYTHONS[version])
    for (name, (_, wanted)), (folder, record) in zip(RECORDED.items(), made, strict=True):
        assert record["calls"][0][0] == "ok", (name, record["calls"])
        assert replayed(record["events"]) == tree_of(folder), name
        if wanted is None:
            continue
        lines, wanted_lines = told(record["events"]), [one.strip() for one in wanted.split(",")]
        assert len(lines) == len(wanted_lines), (name, lines)
        assert all(map(fits, lines, wanted_lines)), (name, lines)


@pytest.mark.parametrize("version", PYTHONS)
def test_what_cannot_be_followed_is_never_taken_for_followed(package, tmp_path, version):
    made = recorded(package, tmp_path, list(UNSUPPORTED.values()), PYTHONS[version])
    for name, (folder, record) in zip(UNSUPPORTED, made, strict=True):
        assert record["calls"][0][0] == "ok", (name, record["calls"])
        is_said = any(event[0] == "unsupported" for event in record["events"])
        assert is_said or replayed(record["events"]) != tree_of(folder), name


TRYING = """
import gc
os.makedirs("d"); os.makedirs("full"); Path("full/g").touch(); Path("f").write_bytes(b"abc")
seen = []
for text in {errors!r}:
    try:
        exec(text, globals())
        seen.append((text, "fine"))
    except Exception as error:
        seen.append((text, type(error).__name__, getattr(error, "errno", None)))
    globals().pop("f", None)
    gc.collect()
return seen
"""


@pytest.mark.parametrize("version", PYTHONS)
def test_what_a_call_raises_it_raises_unrecorded_too(package, tmp_path, version):
    made = package(source([TRYING.format(errors=ERRORS)]))
    seen, trees = [], []
    for name in ("recorded", "plain"):
        folder = str(tmp_path / name)
        wanted = [(folder, [call("go0")], [])]
        (record,) = records(made, wanted, python=PYTHONS[version], is_recorded=name == "recorded")
        seen.append(record["calls"][0][1])
        trees.append(tree_of(folder))
        if name == "recorded":
            assert replayed(record["events"]) == trees[0]
    assert seen[0] == seen[1]
    assert trees[0] == trees[1]
    assert sum(row[1] == "fine" for row in seen[0]) < len(ERRORS) / 5


# The same random program with the recorder and without: the same results, errors and folder. The
# usual size of a buffer is the file system's, and the recorder's own: it is never used here.
PROGRAM = """
def run(folder, steps):
    files, seen = {}, []
    for slot, name, args in steps:
        try:
            if name in ("open", "os.open", "fdopen"):
                made = open(*args) if name == "open" else os.open(*args)
                if name == "fdopen":
                    made = os.fdopen(made, "r+b", 8192)
                shut(files.pop(slot, None))
                files[slot] = made
                seen.append("open")
            elif name.startswith("."):
                seen.append(getattr(files[slot], name[1:])(*args))
            elif name.startswith("fd "):
                fd = files[slot]
                fd = fd if isinstance(fd, int) else fd.fileno()
                seen.append(getattr(os, name[3:])(fd, *args))
            else:
                owner, _, name = name.rpartition(".")
                seen.append(str(getattr(globals()[owner], name)(*args)))
        except Exception as error:
            seen.append((type(error).__name__, getattr(error, "errno", None)))
    for made in files.values():
        try:
            shut(made)
        except Exception as error:
            seen.append(type(error).__name__)
    return seen

def shut(made):
    if isinstance(made, int):
        os.close(made)
    elif made is not None:
        made.close()
"""
NAMES = ("a", "b", "c", "d", "d/e", "d/a")
MODES = ("w", "a", "x", "r", "r+", "w+", "a+", "wb", "ab", "rb", "r+b", "w+b", "xb", "a+b")


def drawn_steps(rng, count=40):
    steps = [(slot, "open", (NAMES[slot], "w+b", (8192, 0, 4)[slot])) for slot in range(3)]
    for _ in range(count):
        slot, one, two = rng.randrange(3), rng.choice(NAMES), rng.choice(NAMES)
        mode, number = rng.choice(MODES), rng.randrange(12)
        data = bytes(rng.choices(b"ab\n", k=rng.choice((0, 1, 5, 9, 9000))))
        text = data if "b" in mode else data.decode()
        flags = (
            rng.choice((0, 1, 2))
            | rng.choice((0, os.O_CREAT))
            | rng.choice((0, os.O_TRUNC, os.O_APPEND, os.O_EXCL, os.O_DSYNC))
        )
        steps.append(
            (
                slot,
                *rng.choice(
                    [
                        ("open", (one, mode, rng.choice((8192, 8192, 0, 1, 4)))),
                        ("os.open", (one, flags)),
                        ("fdopen", (one, flags)),
                        *[(".write", (text,)), (".write", (data,))] * 3,
                        (".flush", ()),
                        (".truncate", rng.choice(((), (number,)))),
                        (".seek", (number,)),
                        (".read", (number,)),
                        (".tell", ()),
                        (".close", ()),
                        (".writelines", ([data, data],)),
                        *[("fd write", (data,))] * 3,
                        ("fd pwrite", (data, number)),
                        ("fd writev", ([data, b"x"],)),
                        ("fd lseek", (number, rng.choice((0, 1)))),
                        ("fd read", (number,)),
                        ("fd ftruncate", (number,)),
                        ("fd fsync", ()),
                        ("os.rename", (one, two)),
                        ("os.replace", (one, two)),
                        ("os.unlink", (one,)),
                        ("os.mkdir", ("d",)),
                        ("os.rmdir", (rng.choice(("d", "a")),)),
                        ("os.truncate", (one, number)),
                        ("shutil.copyfile", (one, two)),
                        ("shutil.move", (one, two)),
                    ]
                ),
            )
        )
    return steps


@pytest.mark.parametrize("version", PYTHONS)
def test_a_random_program_goes_as_it_does_unrecorded(package, tmp_path, version):
    made = package(HEAD + PROGRAM)
    programs = [drawn_steps(random.Random(seed)) for seed in range(150)]
    both = []
    for name in ("recorded", "plain"):
        (tmp_path / name).mkdir()
        folders = [str(tmp_path / name / f"{n:03}") for n in range(len(programs))]
        wanted = [
            (folder, [call("run", steps)], [])
            for folder, steps in zip(folders, programs, strict=True)
        ]
        is_recorded = name == "recorded"
        found = records(made, wanted, python=PYTHONS[version], is_recorded=is_recorded)
        both.append(list(zip(folders, found, strict=True)))
    changes = 0
    for number, ((folder, record), (plain_folder, plain)) in enumerate(zip(*both, strict=True)):
        assert record["calls"][0][1] == plain["calls"][0][1], number
        assert tree_of(folder) == tree_of(plain_folder), number
        assert replayed(record["events"]) == tree_of(folder), number
        changes += len(record["events"])
    assert changes > 10 * len(programs)  # not all steps fail


def test_faults_are_met_as_a_disk_would_let_them_be(package, tmp_path):
    bodies = {
        # A buffered write: the first takes 2 bytes, and what is left meets the full disk.
        'with open("f", "wb") as f: f.write(b"abcdef")': [("write", 1, 2, "ENOSPC", 2)],
        'with open("f", "wb", 0) as f: return f.write(b"abcdef"), f.write(b"cdef")': [
            ("write", 1, 1, "ENOSPC", 2)
        ],
        'fd = os.open("f", os.O_CREAT | os.O_RDWR); os.write(fd, b"a"); os.fsync(fd)': [
            ("fsync", 1, 1, "EIO", 0)
        ],
        'open("f", "w").close(); open("g", "w")': [("create", 2, 1, "EIO", 0)],
        'open("f", "w").close(); os.fsync(os.open(".", 0)); os.fsync(os.open(".", 0))': [
            ("fsync", 2, 5, "EIO", 0)
        ],
        'Path("f").touch(); os.replace("f", "g")': [("rename", 1, 1, "EACCES", 0)],
        'Path("f").touch(); os.remove("f")': [("unlink", 1, 1, "EPERM", 0)],
        'Path("f").touch(); os.truncate("f", 5)': [("truncate", 1, 1, "EFBIG", 0)],
        'os.mkdir("d"); os.mkdir("e")': [("mkdir", 2, 1, "ENOSPC", 0)],
    }
    ends = [
        ("ENOSPC", "create f, write 0+2, failed write 1"),
        (None, "create f, write 0+2, write 2+4"),
        ("EIO", "create f, write 0+1, failed fsync 1"),
        ("EIO", "create f, failed create -1"),
        ("EIO", "create f, fsync folder ., failed fsync -1"),
        ("EACCES", "create f, failed rename -1"),
        ("EPERM", "create f, failed unlink -1"),
        ("EFBIG", "create f, failed truncate 1"),
        ("ENOSPC", "mkdir d, failed mkdir -1"),
    ]
    made = package(source(list(bodies)))
    folders = [str(tmp_path / f"data-{number}") for number in range(len(bodies))]
    wanted = [
        (folder, [call(f"go{n}")], faults)
        for n, (folder, faults) in enumerate(zip(folders, bodies.values(), strict=True))
    ]
    for folder, record, body, (error, lines) in zip(
        folders, records(made, wanted), bodies, ends, strict=True
    ):
        kind, value, _place = record["calls"][0]
        assert (kind == "raised") == (error is not None), body
        if error is None:
            assert value == (2, 4)
        else:
            assert f"[Errno {getattr(errno, error)}]" in value["message"], body
        assert told(record["events"]) == [line.strip() for line in lines.split(",")], body
        assert replayed(record["events"]) == tree_of(folder), body


def test_what_lies_there_is_told_first_and_calls_have_their_marks(package, tmp_path):
    made = package(HEAD + "def go(folder, name): open(name, 'ab', 0).write(b'x')\n")
    folder = tmp_path / "data"
    wanted = [
        (str(folder), [call("go", "f"), call("go", "g"), call("go", "f")], []),
    ]
    (record,) = records(made, wanted)
    assert record["events"] == [
        *[("begin", 0), ("create", "f", 1), ("write", 1, 0, b"x"), ("end", 0)],
        *[("begin", 1), ("create", "g", 2), ("write", 2, 0, b"x"), ("end", 1)],
        *[("begin", 2), ("write", 1, 1, b"x"), ("end", 2)],
    ]


def test_nothing_changes_after_the_last_call(package, tmp_path):
    """A thread of the package that goes on writing waits, so that record and folder agree."""
    body = (
        "def go():\n n = 0\n while True:\n  written(open('f', 'wb'), b'%d' % n); n += 1\n"
        "threading.Thread(target=go, daemon=True).start()\n"
        "while not os.path.exists('f'): pass"
    )
    ((folder, record),) = recorded(package, tmp_path, [body], sys.executable)
    assert record["calls"][0][0] == "ok"
    assert replayed(record["events"]) == tree_of(folder)
