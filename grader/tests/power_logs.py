"""Random records of a disk, and a log of two-byte frames on a disk of paper, for tests of power
cuts that need no process.
"""

from dataclasses import dataclass, field

from grader.powercuts.agent import Recorded
from grader.powercuts.answers import Answer, Refusal, Session
from grader.powercuts.case import Trial
from grader.powercuts.effects import Tree, with_files
from grader.testkit import formats
from grader.testkit.histories_on_disk import LogHistory

LOG = formats.segment_name(1)


def drawn_events(rng, count=12, *, faults=True):
    """A record that a package could have made: what is not there is not written or renamed."""
    events, names, folders = [], {}, ["."]
    for _ in range(count):
        kind = rng.choice(["create", "write", "write", "write", "truncate", "fsync", *MORE])
        folder = rng.choice(folders)
        path = rng.choice("abc") if folder == "." else f"{folder}/{rng.choice('abc')}"
        made = _drawn_change(rng, kind, path, names) if names else None
        if kind == "create" and path not in names:
            made = ("create", path, 1 + sum(event[0] == "create" for event in events))
            names[path] = made[2]
        elif kind == "mkdir" and "d" not in folders:
            made = ("mkdir", "d")
            folders.append("d")
        elif kind in ("fsync folder", "sync"):
            made = ("fsync folder", folder) if kind == "fsync folder" else ("sync",)
        if made is not None and (faults or kind != "failed"):
            events.append(made)
    return with_files(events)


def _drawn_change(rng, kind, path, names):
    """A change of a file that is there; None where this kind makes none."""
    old = rng.choice(sorted(names))
    file = names[old]
    if kind == "write":
        return ("write", file, rng.randrange(4), bytes(rng.choices(b"xyz", k=rng.randrange(1, 5))))
    if kind in ("truncate", "fsync", "failed"):
        size = rng.randrange(4)
        whole = {"truncate": (file, size), "fsync": (file,), "failed": ("fsync", file)}
        return (kind, *whole[kind])
    if kind == "rename" and old != path:
        names[path] = names.pop(old)
        return ("rename", old, path)
    if kind == "unlink":
        del names[old]
        return ("unlink", old)
    return None


MORE = ("mkdir", "fsync folder", "sync", "failed", "rename", "rename", "unlink")


@dataclass
class PaperLog:
    """A log of frames of two bytes, an f and the value; stands in for a `PowerAgent` on a package
    that keeps it in this way. Its fields say what that does wrong.
    """

    syncs: bool = True
    syncs_folder: bool = True
    cuts_torn_tails: bool = True
    forgets: int = 0  # so many frames when it is opened
    refuses: bool = False  # to open what ends within a frame
    hangs_on: bytes = b"-"  # when it is to open these bytes
    stumbles_at: int = -1  # when it has opened so many trees, once
    asked: list[Tree] = field(default_factory=list)

    def record(self, subject, calls, start, _faults=()):
        """What comes of a history."""
        events = [("begin", 0), ("end", 0), ("begin", 1), ("create", LOG, 1)]
        events += [("fsync folder", ".")] * self.syncs_folder + [("end", 1)]
        size = 0
        for number, call in enumerate(calls[2:], 2):
            made = []
            if call.name == "append":
                made.append(("write", 1, size, b"f" + call.args[1][0][3]))
                size += 2
            if self.syncs and (
                call.name in ("sync", "close") or (made and subject.sync == "always")
            ):
                made.append(("fsync", 1))
            events += _marked(number, made)
        return Recorded(tuple(events), tuple(Answer() for _ in calls), start)

    def reopen(self, _subject, trees, _sessions, *, record, trees_a_process=1):
        """What comes of each tree: its frames are read, and one more is written."""
        assert record
        assert trees_a_process >= 1
        for tree in trees:
            self.asked.append(tree)
            if tree.files.get(LOG) == self.hangs_on:
                yield (Session("timeout", ()),)
                return
            if len(self.asked) == self.stumbles_at:
                yield (Session("crashed", ()),)
                continue
            yield self._opened(tree)

    def _opened(self, tree):
        data = tree.files.get(LOG, b"")
        values, end = _read(data)
        is_hole = len(_read(data[end + 2 :])[0]) > 0
        if is_hole or (self.refuses and end < len(data)):
            refusal = Refusal(("CorruptLogError",), "damage", (), LOG, end)
            return (Session("done", (Answer(), Answer(refusal=refusal))),)
        size = end if self.cuts_torn_tails else len(data)
        made = [("truncate", 1, size), ("fsync", 1)] if size < len(data) else []
        there = ("file", LOG, 1) if LOG in tree.files else ("create", LOG, 1)
        events = [*_marked(0, []), *_marked(1, [there, ("fsync folder", "."), *made])]
        events += _marked(2, []) + _marked(3, [("write", 1, size, b"f+"), ("fsync", 1)])
        seen = [[_row(value)] for value in values[: len(values) - self.forgets]]
        answers = (Answer(), Answer(), Answer(seen), Answer(), Answer())
        first = Session("done", answers, (*events, *_marked(4, [])))
        is_found = size == end
        later = [*seen, [_row(b"+")]] * is_found
        return first, Session("done", (Answer(), Answer(), Answer(later or seen)))


def _read(data):
    """The values of the whole frames at the beginning, and where they end."""
    end, values = 0, []
    while data[end : end + 1] == b"f" and len(data) >= end + 2 and data[end + 1]:
        values.append(data[end + 1 : end + 2])
        end += 2
    return values, end


def _row(value):
    """A plus is what is written after a power cut."""
    more = (formats.SET, 0, "written after the power cut", b"more")
    return more if value == b"+" else (formats.SET, 0, "k", value)


def _marked(number, events):
    return [("begin", number), *events, ("end", number)]


def trial(*values, sync="always", **subject):
    """A trial whose calls append these values; a text is the name of another call."""
    history = tuple(append(one) if isinstance(one, int) else (one, ()) for one in values)
    return Trial(LogHistory(sync=sync, **subject), history, (1 << len(history)) - 1)


def append(value):
    """An append of one row whose value is one byte."""
    return ("append", ((formats.SET, 0, "k", bytes([value])),))


def frames(*values):
    """What a log holds after appends of these values."""
    contents = {}
    for value in values:
        contents = LogHistory().after(contents, append(value))
    return contents
