"""A store beside a dict: whatever is done to both, however the store dies, they hold the same."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from kvstore.errors import NotAnIntegerError
from kvstore.store import Store
from kvstore.wal import list_segments

NS = 1_000_000_000
KEYS = st.sampled_from(["a", "b", "é", "key"])
VALUES = st.sampled_from([b"", b"5", b"-1", b"text", b"KVLG" * 10])
SECONDS = st.sampled_from([-1, 0, 0.5, 1, 2, 60])
WRITES = st.one_of(
    st.tuples(st.just("set"), KEYS, VALUES),
    st.tuples(st.just("delete"), KEYS),
    st.tuples(st.just("expire"), KEYS, SECONDS),
    st.tuples(st.just("persist"), KEYS),
)


class Model:
    """What a store should be: a dict of values and deadlines, and a clock."""

    def __init__(self):
        self.now = 1000.0
        self.items = {}  # key: (value, deadline in ns or None)

    def __call__(self):
        return self.now

    def forget_the_dead(self):
        self.items = {
            key: (value, deadline)
            for key, (value, deadline) in self.items.items()
            if deadline is None or deadline > self.now * NS
        }

    def dump(self):
        return (
            {key: value for key, (value, _) in self.items.items()},
            {key: deadline for key, (_, deadline) in self.items.items() if deadline is not None},
        )

    def set(self, key, value):
        self.items[key] = (value, None)

    def delete(self, key):
        return self.items.pop(key, None) is not None

    def setnx(self, key, value):
        return key not in self.items and (self.set(key, value) or True)

    def expire(self, key, seconds):
        if key not in self.items:
            return False
        self.items[key] = (self.items[key][0], int((self.now + seconds) * NS))
        self.forget_the_dead()
        return True

    def persist(self, key):
        value, deadline = self.items.get(key, (None, None))
        if deadline is None:
            return False
        self.items[key] = (value, None)
        return True

    def incr(self, key, by):
        value, deadline = self.items.get(key, (b"0", None))
        total = int(value) + by
        self.items[key] = (b"%d" % total, deadline)
        return total


class StoreMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.home = tempfile.TemporaryDirectory()
        self.lives = 0
        self.model = Model()

    @property
    def folder(self):
        return Path(self.home.name) / f"life {self.lives}"

    @initialize()
    def open(self):
        self.store = Store.open(self.folder, sync="never", clock=self.model)

    def teardown(self):
        self.store.close()
        self.home.cleanup()

    def die(self, damage=lambda folder: None):
        """Go on with the files as they are at this instant, as after SIGKILL."""
        old_folder, old_store = self.folder, self.store
        self.lives += 1
        shutil.copytree(old_folder, self.folder)
        old_store.close()
        damage(self.folder)
        self.open()

    @rule(write=WRITES)
    def write(self, write):
        name, *arguments = write
        expected = getattr(self.model, name)(*arguments)
        assert getattr(self.store, name)(*arguments) == expected

    @rule(key=KEYS, value=VALUES)
    def setnx(self, key, value):
        assert self.store.setnx(key, value) == self.model.setnx(key, value)

    @rule(key=KEYS, by=st.integers(-10, 10))
    def incr(self, key, by):
        try:
            expected = self.model.incr(key, by)
        except ValueError:
            with pytest.raises(NotAnIntegerError):
                self.store.incr(key, by)
        else:
            assert self.store.incr(key, by) == expected

    @rule(writes=st.lists(WRITES, max_size=5))
    def batch(self, writes):
        self.store.apply_batch(writes)
        for name, *arguments in writes:
            getattr(self.model, name)(*arguments)

    @rule(seconds=st.sampled_from([0.5, 1, 30]))
    def time_passes(self, seconds):
        self.model.now += seconds
        self.model.forget_the_dead()

    @rule()
    def purge(self):
        self.store.purge_expired()

    @rule()
    def snapshot(self):
        self.store.snapshot()

    @rule()
    def close_and_reopen(self):
        self.store.close()
        self.open()

    @rule()
    def kill_and_reopen(self):
        self.die()
        assert self.store.recovery.bytes_cut == 0

    @rule(writes=st.lists(WRITES, min_size=1, max_size=5), share=st.floats(0, 1, exclude_max=True))
    def torn_write_and_reopen(self, writes, share):
        """Die in the middle of a batch, with a part of its frame on disk: it never happened."""
        _, segment = list_segments(self.folder)[-1]
        before = segment.stat().st_size
        self.store.apply_batch(writes)
        kept = int((segment.stat().st_size - before) * share)

        def tear(folder):
            with (folder / segment.name).open("r+b") as file:
                file.truncate(before + kept)

        self.die(tear)
        assert self.store.recovery.bytes_cut == kept

    @invariant()
    def store_and_model_hold_the_same(self):
        items, deadlines = self.store.dump()
        assert (items, deadlines) == self.model.dump()
        assert sorted(self.store.keys()) == sorted(items)
        assert len(self.store) == len(items)
        for key in ("a", "é"):
            assert self.store.get(key) == items.get(key)
            assert self.store.deadline(key) == deadlines.get(key)


TestStore = StoreMachine.TestCase
TestStore.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
